package outbox_test

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"os"
	"runtime"
	"strconv"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	as "github.com/gokith/kith/activitystreams"
	"github.com/gokith/kith/audience"
	"github.com/gokith/kith/outbox"
	"github.com/gokith/kith/policy"
	"github.com/gokith/kith/queue"
	"github.com/gokith/kith/storage"
)

func TestI101_FanOutCollapses(t *testing.T) {
	t.Parallel()
	e := setup(t)
	e.follow("a.example", "1")
	e.follow("a.example", "2")
	e.follow("b.example", "1")
	e.follow("us.example", "local")
	r, err := e.out.Publish(e.ctx, "alice", audience.Public().Mention("https://a.example/u/3", "https://us.example/ap/actors/dora"), note())
	require.NoError(t, err)
	for range 2 { // a job may come twice
		e.fanOut(r.Post)
	}
	require.ElementsMatch(t, []as.IRI{"https://a.example/inbox", "https://b.example/inbox"}, e.inboxes(r.Post))
	require.False(t, e.post(r.Post).FannedOut.IsZero())
}

// TestS78_OthersFollowersAreNotOurs: addressing another local actor's followers reaches nobody.
func TestS78_OthersFollowersAreNotOurs(t *testing.T) {
	t.Parallel()
	e := setup(t)
	e.follow("a.example", "1")
	r, err := e.out.Publish(e.ctx, "dora", audience.Direct(followers, bob), &as.Note{})
	require.NoError(t, err)
	e.fanOut(r.Post)
	require.Equal(t, []as.IRI{"https://b.example/inbox"}, e.inboxes(r.Post))
}

func TestFanOutMembers(t *testing.T) {
	t.Parallel()
	e := setup(t)
	const circle = as.IRI("https://us.example/circles/1")
	for _, who := range []as.IRI{bob, carol} {
		_, err := e.store.PutEdge(e.ctx, storage.Edge{Kind: storage.Member, Subject: who, Object: circle, State: storage.EdgeActive})
		require.NoError(t, err)
	}
	r, err := e.out.Publish(e.ctx, "alice", audience.Direct(circle), note())
	require.NoError(t, err)
	e.fanOut(r.Post)
	require.ElementsMatch(t, []as.IRI{"https://b.example/inbox", "https://c.example/inbox"}, e.inboxes(r.Post))
}

func TestFanOutBlocked(t *testing.T) {
	t.Parallel()
	e := setup(t)
	e.follow("a.example", "1")
	e.follow("b.example", "1")
	e.follow("c.example", "1")
	for _, who := range []as.IRI{"https://a.example", "https://b.example/u/1"} {
		_, err := e.store.PutEdge(e.ctx, storage.Edge{Kind: storage.Block, Subject: alice, Object: who, State: storage.EdgeActive})
		require.NoError(t, err)
	}
	r, err := e.out.Publish(e.ctx, "alice", audience.Public(), note())
	require.NoError(t, err)
	e.fanOut(r.Post)
	require.Equal(t, []as.IRI{"https://c.example/inbox"}, e.inboxes(r.Post))
	r, err = e.out.Send(e.ctx, "alice", &as.Reject{Object: as.IRIs("https://b.example/f/1")}, "https://b.example/u/1")
	require.NoError(t, err)
	e.fanOut(r.Post)
	require.Len(t, e.inboxes(r.Post), 1, "what severs the relation still goes")
}

// TestFanOutAllow: a refusal skips, a failure does not lose the recipient.
func TestFanOutAllow(t *testing.T) {
	t.Parallel()
	broken := true
	e := setup(t, func(c *outbox.Config) {
		c.Allow = func(_ context.Context, _, id as.IRI) error {
			switch {
			case id == bob:
				return &policy.Error{ID: id, Code: "policy.blocked_actor"}
			case broken:
				return errors.New("database is down")
			}
			return nil
		}
	})
	r, err := e.out.Publish(e.ctx, "alice", audience.Direct(bob, carol), note())
	require.NoError(t, err)
	job := queue.Job{Kind: outbox.KindFanOut, Key: strconv.FormatInt(r.Post, 10)}
	require.Error(t, e.out.FanOut(e.ctx, job))
	require.Empty(t, e.inboxes(r.Post))
	broken = false
	e.fanOut(r.Post)
	require.Equal(t, []as.IRI{"https://c.example/inbox"}, e.inboxes(r.Post))
}

func TestFanOutLocal(t *testing.T) {
	t.Parallel()
	var told []as.IRI
	e := setup(t, func(c *outbox.Config) {
		c.Local = func(_ context.Context, p storage.Post, id as.IRI) error {
			require.NotEmpty(t, p.Payload)
			told = append(told, id)
			return nil
		}
	})
	dora := e.conf.Names.ActorID("dora")
	r, err := e.out.Publish(e.ctx, "alice", audience.Public().Mention(dora, bob), note())
	require.NoError(t, err)
	e.fanOut(r.Post)
	require.Equal(t, []as.IRI{dora}, told)
	require.Equal(t, []as.IRI{"https://b.example/inbox"}, e.inboxes(r.Post))
}

// TestFanOutUnresolved: an actor whose server is down does not hold up the others, is asked for again,
// and is given up in the end, which is told.
func TestFanOutUnresolved(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var lost []as.IRI
		asked := map[as.IRI]int{}
		e := setup(t, func(c *outbox.Config) {
			c.Inboxes = func(ctx context.Context, id as.IRI) (as.IRI, as.IRI, error) {
				asked[id]++
				switch {
				case id == "https://gone.example/u/1":
					return "", "", fmt.Errorf("410: %w", outbox.ErrNoInbox)
				case id == "https://down.example/u/1", id == "https://late.example/u/1" && asked[id] < 4:
					return "", "", errors.New("timeout")
				}
				return everywhere(ctx, id)
			}
			c.OnUnresolved = func(_ context.Context, _ storage.Post, id as.IRI, _ error) { lost = append(lost, id) }
		})
		r, err := e.out.Publish(e.ctx, "alice", audience.Direct("https://down.example/u/1", "https://gone.example/u/1", "https://late.example/u/1", bob), note())
		require.NoError(t, err)
		go func() {
			_ = e.store.Queue().Run(e.ctx, queue.Options{Kinds: map[string]queue.Kind{outbox.KindFanOut: {Work: e.out.FanOut}}})
		}()
		time.Sleep(time.Second)
		synctest.Wait() // what the workers wrote is ours to read
		require.Equal(t, []as.IRI{"https://b.example/inbox"}, e.inboxes(r.Post), "no waiting for the others")
		require.Equal(t, []as.IRI{"https://gone.example/u/1"}, lost)
		u, err := e.out.Update(e.ctx, "alice", nil, &as.Note{ID: postURL, Content: as.HTML("v2")})
		require.NoError(t, err)
		time.Sleep(time.Minute)
		synctest.Wait()
		require.Contains(t, e.inboxes(u.Post), as.IRI("https://b.example/inbox"), "nor for an earlier post that waits for them only")
		time.Sleep(time.Hour)
		synctest.Wait()
		require.Contains(t, append(e.inboxes(r.Post), e.inboxes(u.Post)...), as.IRI("https://late.example/inbox"))
		time.Sleep(6 * 24 * time.Hour)
		synctest.Wait()
		require.Contains(t, lost, as.IRI("https://down.example/u/1"))
		for p := range e.store.UnfinishedPosts(e.ctx) {
			t.Fatalf("post %d is not finished", p.ID)
		}
		require.Less(t, asked["https://down.example/u/1"], 80)
	})
}

// TestFanOutResumes kills the fan-out at every batch; each run goes on where the last one ended.
func TestFanOutResumes(t *testing.T) {
	t.Parallel()
	broken := &breakable{}
	e := setup(t, func(c *outbox.Config) {
		c.Limits.Batch = 10
		broken.Store = c.Store
		c.Store = broken
	})
	for i := range 95 {
		e.follow(fmt.Sprintf("h%d.example", i), "1")
	}
	r, err := e.out.Publish(e.ctx, "alice", audience.Public(), note())
	require.NoError(t, err)
	job := queue.Job{Kind: outbox.KindFanOut, Key: strconv.FormatInt(r.Post, 10)}
	runs := 0
	for ; e.post(r.Post).FannedOut.IsZero(); runs++ {
		require.Less(t, runs, 20)
		broken.left = 2 // one batch passes, the next one fails
		before := len(e.inboxes(r.Post))
		_ = e.out.FanOut(e.ctx, job)
		require.LessOrEqual(t, len(e.inboxes(r.Post))-before, 20)
	}
	require.Equal(t, 10, runs)
	require.Len(t, e.inboxes(r.Post), 95)
}

// breakable fails transactions after some have passed.
type breakable struct {
	storage.Store
	left int
}

func (b *breakable) Update(ctx context.Context, fn func(context.Context, storage.Tx) error) error {
	if b.left--; b.left == 0 {
		return errors.New("disk full")
	}
	return b.Store.Update(ctx, fn)
}

// TestFanOutOrder: a later post of a chain waits for the fan-out of an earlier one.
func TestFanOutOrder(t *testing.T) {
	t.Parallel()
	e := setup(t)
	e.follow("a.example", "1")
	c, err := e.out.Publish(e.ctx, "alice", audience.Public(), note())
	require.NoError(t, err)
	u, err := e.out.Update(e.ctx, "alice", nil, &as.Note{ID: postURL, Content: as.HTML("v2")})
	require.NoError(t, err)
	err = e.out.FanOut(e.ctx, queue.Job{Key: strconv.FormatInt(u.Post, 10)})
	_, later := queue.DelayOf(err)
	require.True(t, later)
	require.Empty(t, e.inboxes(u.Post))
	u2, err := e.out.Update(e.ctx, "alice", nil, &as.Note{ID: postURL, Content: as.HTML("v3")})
	require.NoError(t, err)
	e.fanOut(c.Post)
	e.fanOut(u2.Post)
	require.Len(t, e.inboxes(u2.Post), 1)
	require.False(t, e.post(u.Post).Canceled.IsZero(), "a newer version makes it pointless")
	e.fanOut(u.Post)
	require.Empty(t, e.inboxes(u.Post))
}

// TestFanOutMemory: memory does not grow with the followers. KITH_LONG=1 takes a million of them.
func TestFanOutMemory(t *testing.T) {
	n, hosts := 20_000, 800
	if os.Getenv("KITH_LONG") != "" {
		n, hosts = 1_000_000, 40_000
	}
	e := setup(t, func(c *outbox.Config) { c.Limits.Slice = time.Hour })
	s := &streaming{Store: e.store, followers: n, hosts: hosts}
	e.conf.Store = s
	var err error
	e.out, err = outbox.New(e.conf)
	require.NoError(t, err)
	r, err := e.out.Publish(e.ctx, "alice", audience.Public(), note())
	require.NoError(t, err)
	e.fanOut(r.Post)
	require.Len(t, e.inboxes(r.Post), hosts, "one delivery for each host")
	require.Less(t, s.peak, uint64(150<<20), "bytes of heap")
}

// streaming invents followers, and watches the heap while they are read.
type streaming struct {
	storage.Store
	followers, hosts int
	peak             uint64
}

func (s *streaming) Edges(ctx context.Context, q storage.EdgeQuery) iter.Seq2[storage.Edge, error] {
	if q.Kind != storage.Follow {
		return s.Store.Edges(ctx, q)
	}
	return func(yield func(storage.Edge, error) bool) {
		for i := range s.followers {
			host := fmt.Sprintf("https://h%d.example", i%s.hosts)
			e := storage.Edge{Kind: storage.Follow, Subject: as.IRI(fmt.Sprintf("%s/u/%d", host, i)), Object: q.Object,
				Inbox: as.IRI(fmt.Sprintf("%s/u/%d/inbox", host, i)), SharedInbox: as.IRI(host + "/inbox"), State: storage.EdgeActive}
			if !yield(e, nil) {
				return
			}
			if i%10_000 == 0 {
				var m runtime.MemStats
				runtime.ReadMemStats(&m)
				s.peak = max(s.peak, m.HeapAlloc)
			}
		}
	}
}
