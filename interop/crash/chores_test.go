//go:build unix

package crash

import (
	"context"
	"fmt"
	"log/slog"
	"net/http"
	"path/filepath"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	as "github.com/gokith/kith/activitystreams"
	"github.com/gokith/kith/audience"
	"github.com/gokith/kith/names"
	"github.com/gokith/kith/origin"
	"github.com/gokith/kith/outbox"
	"github.com/gokith/kith/queue"
	"github.com/gokith/kith/queue/relay"
	"github.com/gokith/kith/storage"
)

// locksFor is how long a lock lasts in these tests: longer than a process needs to start.
const locksFor = 12 * time.Second

// endings are how a process may leave its work.
func endings(t *testing.T, test func(t *testing.T, at place, end func(*process), frozen bool)) {
	for name, frozen := range map[string]bool{"killed": false, "frozen": true} {
		t.Run(name, func(t *testing.T) {
			engines(t, func(t *testing.T, at place) {
				test(t, at, func(p *process) {
					if frozen {
						p.signal(syscall.SIGSTOP)
					} else {
						p.kill()
					}
				}, frozen)
			})
		})
	}
}

// TestChoresPassOn ends, or freezes, the process that has the chores, and loses the queue: another process
// takes them over, and not before the lock is over. All that nobody else would find is found then: a message
// that was being handled, a post without deliveries, deliveries without a job. It prunes too. The one that
// was frozen does not have the chores when it goes on.
func TestChoresPassOn(t *testing.T) {
	t.Parallel()
	endings(t, func(t *testing.T, at place, end func(*process), frozen bool) {
		ctx := t.Context()
		f := newFight(t, at)
		f.set.Lease, f.set.Locks, f.set.Eager = 3*time.Second, locksFor, true
		set := f.set
		set.Stop = stop{Phase: phasePrepare, Moment: before, N: 1}
		first := launch(t, set)
		a := f.world.actors[0]
		create := f.message(a, "orphan")
		for n := 0; answered(create.ID); n++ { // a post of its own would be counted below
			create = f.message(a, fmt.Sprint("orphan-", n))
		}
		f.until(func() bool { return a.post(f.sharedInbox(), create) == http.StatusAccepted })
		first.expect("stopped")
		end(first)

		ground, err := at.open(ctx)
		require.NoError(t, err)
		defer func() { require.NoError(t, ground.close()) }()
		require.NoError(t, ground.forget(ctx))
		f.orphans(ground)
		holder := func(lock string) string {
			who, err := ground.holder(ctx, lock)
			require.NoError(t, err)
			return who
		}
		before := holder("chores")
		second := f.beside()
		time.Sleep(time.Second)
		require.Equal(t, before, holder("chores"), "nobody takes the chores from a process that may live")
		require.Empty(t, f.world.arrived())

		done := func() bool {
			effects, err := ground.effects(ctx)
			require.NoError(t, err)
			samples, err := storage.Sizes(ctx, ground.store)
			require.NoError(t, err)
			return effects[effectKey(string(create.ID), "")] == 1 && len(samples) == 1 && len(f.world.arrived()) == 2*len(f.world.inboxes())
		}
		eventually(t, "another process does what is left", done)
		after := holder("chores")
		require.NotEqual(t, before, after)
		if frozen {
			first.signal(syscall.SIGCONT)
			time.Sleep(3 * time.Second)
			require.Equal(t, after, holder("chores"))
			code, _ := first.terminate()
			assert.Zero(t, code, tail(first.log))
		}
		code, _ := second.terminate()
		assert.Zero(t, code, tail(second.log))
		require.True(t, done(), "nothing came twice")
		_, err = ground.holder(ctx, "chores")
		require.ErrorContains(t, err, "no rows", "it gave the lock up")
	})
}

// orphans makes all actors followers, and two posts that nobody has a job for: one without deliveries, one
// with.
func (f *fight) orphans(g *ground) {
	f.t.Helper()
	ctx := f.t.Context()
	for _, a := range f.world.actors {
		e := storage.Edge{Kind: storage.Follow, Subject: a.id, Object: f.authorID(), State: storage.EdgeActive, Inbox: as.IRI(a.own())}
		if a.peer.shared {
			e.SharedInbox = as.IRI(a.inbox())
		}
		_, err := g.store.PutEdge(ctx, e)
		require.NoError(f.t, err)
	}
	home, err := origin.Parse("http://" + f.set.Addr)
	require.NoError(f.t, err)
	lost := new(sink)
	out, err := outbox.New(outbox.Config{
		Store: g.store, Names: names.Space{Origin: home}, Queue: lost, Logger: slog.New(slog.DiscardHandler),
		Inboxes: func(context.Context, as.IRI) (as.IRI, as.IRI, error) { return "", "", storage.ErrNotFound },
	})
	require.NoError(f.t, err)
	for _, slug := range []string{"orphaned-deliveries", "orphaned-post"} {
		_, err := out.Publish(ctx, author, audience.Public(), &as.Note{ID: postID(f.set.Addr, slug), Content: as.HTML("<p>" + slug + "</p>")})
		require.NoError(f.t, err)
	}
	require.NoError(f.t, out.FanOut(ctx, lost.jobs[0]))
}

// sink loses jobs.
type sink struct{ jobs []queue.Job }

func (s *sink) Enqueue(_ context.Context, jobs ...queue.Job) error {
	s.jobs = append(s.jobs, jobs...)
	return nil
}

// TestRelayPassesOn ends, or freezes, the process that moves jobs to an engine outside of the database:
// another one does so when the lock is over. The one that was frozen does nothing that matters when it goes on.
func TestRelayPassesOn(t *testing.T) {
	t.Parallel()
	endings(t, func(t *testing.T, at place, end func(*process), frozen bool) {
		ctx := t.Context()
		f := newFight(t, at)
		f.set.Lease, f.set.Locks, f.set.Engine = time.Minute, locksFor, filepath.Join(t.TempDir(), "engine.db")
		first := launch(t, f.set)
		f.befriend()
		follows := len(f.world.arrived())
		end(first)
		second := f.set
		second.Origin, second.Addr = f.set.Addr, freeAddr(t)
		p := launch(t, second)
		ground, err := at.open(ctx)
		require.NoError(t, err)
		defer func() { require.NoError(t, ground.close()) }()
		before, err := ground.holder(ctx, relay.LockName)
		require.NoError(t, err)
		require.Equal(t, http.StatusOK, ask(second.Addr, "publish?slug=relayed"))
		stats, err := ground.store.Stats(ctx)
		require.NoError(t, err)
		require.NotZero(t, stats.RelayedJobs, "they wait for the process that may live")
		eventually(t, "another process moves them on", func() bool { return len(f.world.arrived()) == follows+len(f.world.inboxes()) })
		after, err := ground.holder(ctx, relay.LockName)
		require.NoError(t, err)
		require.NotEqual(t, before, after)
		if frozen {
			first.signal(syscall.SIGCONT)
			require.Equal(t, http.StatusOK, ask(second.Addr, "publish?slug=relayed-2"))
			require.Equal(t, http.StatusOK, ask(f.set.Addr, "publish?slug=relayed-3"))
			eventually(t, "both go on", func() bool { return len(f.world.arrived()) >= follows+3*len(f.world.inboxes()) })
			who, err := ground.holder(ctx, relay.LockName)
			require.NoError(t, err)
			require.Equal(t, after, who)
			code, _ := first.terminate()
			assert.Zero(t, code, tail(first.log))
		}
		code, _ := p.terminate()
		assert.Zero(t, code, tail(p.log))
		once := make(map[arrival]int)
		for _, a := range f.world.arrived() {
			once[a]++
			assert.Equal(t, 1, once[a], "%+v", a)
		}
	})
}
