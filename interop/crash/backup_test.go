//go:build unix

package crash

import (
	"bytes"
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	as "github.com/gokith/kith/activitystreams"
	"github.com/gokith/kith/internal/sharedtest"
	"github.com/gokith/kith/storage"
)

// TestR15_BackupAndRestore copies the database while the server is at work, kills the server, and starts one
// on the copy. What was acknowledged before the copy is there, and goes on where it was; senders send again
// all that they ever sent, and each message has one effect; a post that was on its way is the same activity
// to all who get it, from before or after.
func TestR15_BackupAndRestore(t *testing.T) {
	t.Parallel()
	times := 1
	if sharedtest.Long() {
		times = 10
	}
	engines(t, func(t *testing.T, at place) {
		for range times {
			restored(t, at)
			if at.Postgres != "" {
				at = postgresPlace(t)
			} else {
				at = place{Path: filepath.Join(t.TempDir(), "kith.db")}
			}
		}
	})
}

func restored(t *testing.T, at place) {
	f := newFight(t, at)
	f.set.Work = 20 * time.Millisecond // so that there is something under way
	p := launch(t, f.set)
	f.befriend()
	f.world.slow = 20 * time.Millisecond
	const senders = 6
	f.send(senders, 30*time.Millisecond)
	f.publish(100 * time.Millisecond)
	time.Sleep(time.Second + time.Duration(f.rand.Int64N(int64(time.Second))))
	f.mu.Lock()
	sent, published := maps.Clone(f.sent), maps.Clone(f.published)
	f.mu.Unlock()
	copied := f.backup()
	time.Sleep(time.Second)
	f.quiet()
	p.kill()

	f.set.Place = copied
	f.inspectCopy(sent)
	p = launch(t, f.set)
	f.settle()
	for i := range senders {
		a := f.world.actors[i%len(f.world.actors)]
		for n := 0; ; n++ {
			create := f.message(a, fmt.Sprintf("%d-%d", i, n))
			if _, known := f.sent[create.ID]; !known {
				break
			}
			f.until(func() bool {
				return a.post([]as.IRI{f.sharedInbox(), f.personal()}[i%2], create) == http.StatusAccepted
			})
		}
	}
	f.settle()
	code, _ := p.terminate()
	require.Zero(t, code, tail(p.log))

	ground, err := copied.open(t.Context())
	require.NoError(t, err)
	defer func() { require.NoError(t, ground.close()) }()
	effects, err := ground.effects(t.Context())
	require.NoError(t, err)
	want := make(map[string]int)
	for id := range f.sent {
		want[effectKey(string(id), "")] = 1
	}
	require.Equal(t, want, effects)
	activities := make(map[string]map[string]bool) // by inbox and object
	for _, a := range f.world.arrived() {
		key := a.inbox + " " + a.object
		if activities[key] == nil {
			activities[key] = make(map[string]bool)
		}
		activities[key][a.activity] = true
	}
	before := 0
	for slug, acknowledged := range published {
		if !acknowledged {
			continue
		}
		before++
		for inbox := range f.world.inboxes() {
			assert.Len(t, activities[inbox+" "+string(postID(f.set.Addr, slug))], 1, "%s at %s", slug, inbox)
		}
	}
	t.Logf("%d messages, %d of them before the copy; %d posts before it", len(f.sent), len(sent), before)
	require.Greater(t, before, 3)
	require.Greater(t, len(f.sent), len(sent))
}

// backup copies the database while it is in use, as people do.
func (f *fight) backup() place {
	f.t.Helper()
	from := f.set.Place
	if from.Postgres == "" {
		to := filepath.Join(f.t.TempDir(), "copy.db")
		require.Equal(f.t, http.StatusOK, f.control("backup?to="+url.QueryEscape(to)))
		return place{Path: to}
	}
	for _, program := range []string{"pg_dump", "psql"} {
		_, err := exec.LookPath(program)
		sharedtest.Require(f.t, "pg_dump", err == nil, "no "+program+"; install postgresql-client")
	}
	var dump, complaint bytes.Buffer
	c := exec.Command("pg_dump", "--no-owner", from.Postgres)
	c.Stdout, c.Stderr = &dump, &complaint
	err := c.Run()
	old := strings.Contains(complaint.String(), "server version mismatch")
	sharedtest.Require(f.t, "pg_dump", !old, "pg_dump is older than the server; install a newer postgresql-client")
	require.NoError(f.t, err, complaint.String())
	to := postgresPlace(f.t)
	c = exec.Command("psql", "--quiet", "--no-psqlrc", "-v", "ON_ERROR_STOP=1", "-d", to.Postgres)
	c.Stdin = &dump
	text, err := c.CombinedOutput()
	require.NoError(f.t, err, string(text))
	return to
}

// inspectCopy wants in the copy all that was acknowledged before it was made, handled or not.
func (f *fight) inspectCopy(sent map[as.IRI]bool) {
	f.t.Helper()
	ground, err := f.copy().open(f.t.Context())
	require.NoError(f.t, err)
	defer func() { require.NoError(f.t, ground.close()) }()
	effects, err := ground.effects(f.t.Context())
	require.NoError(f.t, err)
	waiting := make(map[as.IRI]bool)
	for r, err := range ground.store.Receipts(f.t.Context(), storage.ReceiptQuery{State: storage.ReceiptPending}) {
		require.NoError(f.t, err)
		waiting[r.Activity] = true
	}
	for id, acknowledged := range sent {
		if acknowledged && !waiting[id] {
			assert.Equal(f.t, 1, effects[effectKey(string(id), "")], "%s was acknowledged before the copy", id)
		}
	}
}
