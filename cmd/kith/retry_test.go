package main

import (
	"bytes"
	"context"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"maps"
	"net/http"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/gokith/kith"
	as "github.com/gokith/kith/activitystreams"
	"github.com/gokith/kith/fedtest"
	"github.com/gokith/kith/httpsig"
	"github.com/gokith/kith/keys"
	"github.com/gokith/kith/origin"
	"github.com/gokith/kith/sqlite"
	"github.com/gokith/kith/storage"
)

// invoke runs the command as a shell would.
func invoke(t testing.TB, stdin string, args ...string) (code int, out, complaint string) {
	t.Helper()
	if i := slices.Index(args, "-db"); i >= 0 && strings.HasPrefix(args[i+1], "http://") { // see overAdmin
		args = slices.Concat(args[:i], []string{"-admin", args[i+1], "-header", "Authorization: " + login}, args[i+2:])
	}
	var stdout, stderr bytes.Buffer
	code = run(t.Context(), args, strings.NewReader(stdin), &stdout, &stderr)
	return code, stdout.String(), stderr.String()
}

// done runs the command, wants success, and returns what it printed.
func done(t testing.TB, args ...string) string {
	t.Helper()
	code, out, complaint := invoke(t, "", args...)
	require.Zero(t, code, "kith %s: %s%s", strings.Join(args, " "), out, complaint)
	return out
}

// guard is the inbox of a server that verifies signatures with the key that it has, right or wrong.
type guard struct {
	mu     sync.Mutex
	key    httpsig.Key
	passed []string // ids of activities
	no     map[string]int
}

func (g *guard) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	g.mu.Lock()
	defer g.mu.Unlock()
	body, _ := io.ReadAll(r.Body)
	o, _ := origin.Parse("https://strict.example")
	find := func(_ context.Context, id string) (httpsig.Key, error) {
		k := g.key
		k.ID = id
		return k, nil
	}
	v := httpsig.Verifier{Keys: httpsig.KeyFinderFunc(find), Origins: httpsig.Single(o)}
	_, err := v.Verify(r.Context(), r, body, time.Now())
	if refused := (*httpsig.Error)(nil); errors.As(err, &refused) {
		g.no[refused.Code]++
		http.Error(w, "\x1b[31mkey is wrong\x1b[0m\n"+refused.Code, http.StatusForbidden)
		return
	}
	n, err := as.Decode(body)
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	g.passed = append(g.passed, string(n.NodeID()))
	w.WriteHeader(http.StatusAccepted)
}

func (g *guard) set(k httpsig.Key) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.key = k
}

func (g *guard) count() (passed []string, refused map[string]int) {
	g.mu.Lock()
	defer g.mu.Unlock()
	return append([]string(nil), g.passed...), g.no
}

// A peer holds a wrong key of ours and answers 403 for two hours. When it has the right one, a single
// "kith retry" beside the running server, over its database or its admin handler, delivers all of it, each
// post once and in order.
func TestRetryAfterTwoHoursOfWrongKey(t *testing.T) {
	t.Run("database", func(t *testing.T) {
		retryAfterWrongKey(t, func(t *testing.T, _ storage.Store, db string, args ...string) string {
			return done(t, slices.Concat(args[:1], []string{"-db", db}, args[1:])...)
		})
	})
	t.Run("admin handler", func(t *testing.T) {
		retryAfterWrongKey(t, func(t *testing.T, store storage.Store, _ string, args ...string) string {
			s := serveAdmin(t, store)
			defer s.Close() // virtual time stands still while somebody waits for a connection
			return done(t, slices.Concat(args[:1], []string{"-db", s.URL + "/admin"}, args[1:])...)
		})
	})
}

// retryAfterWrongKey gives commands with by.
func retryAfterWrongKey(t *testing.T, by func(t *testing.T, store storage.Store, db string, args ...string) string) {
	db := filepath.Join(t.TempDir(), "blog.db")
	synctest.Test(t, func(t *testing.T) {
		store, err := sqlite.Open(db)
		require.NoError(t, err)
		n := fedtest.NewNetwork(t)
		srv := fedtest.NewServer(t, n, kith.Config{Store: store, Actors: []kith.Actor{{Key: "blog"}}})
		t.Cleanup(func() { require.NoError(t, store.Close()) })
		strict, other := n.Peer("strict.example"), n.Peer("other.example")
		for _, p := range []*fedtest.Peer{strict, other} {
			alice := p.Actor("alice")
			fedtest.Deliver(t, srv, alice, alice.Follow(srv.ActorID("blog")))
		}
		g := &guard{no: make(map[string]int)}
		wrong, err := keys.GenerateRSA(nil)
		require.NoError(t, err)
		owner := string(srv.ActorID("blog"))
		g.set(httpsig.Key{Owner: owner, Public: wrong.Public()})
		strict.Handle("/inbox", g)

		began := time.Now()
		var ids []string
		for i := range 13 { // two hours, a post every ten minutes
			id := as.IRI(fmt.Sprintf("https://%s/posts/%d", fedtest.DefaultHost, i))
			a, err := srv.Publish(t.Context(), "blog", kith.Public(), &as.Note{ID: id, Content: as.HTML("<p>Helo.</p>")})
			require.NoError(t, err)
			ids = append(ids, string(a.Activity))
			time.Sleep(10 * time.Minute)
		}
		edit, err := srv.Update(t.Context(), "blog", &as.Note{ID: "https://" + fedtest.DefaultHost + "/posts/3", Content: as.HTML("<p>Hello.</p>")})
		require.NoError(t, err)
		ids = append(ids, string(edit.Activity))
		srv.Settle(t)
		passed, refused := g.count()
		require.Empty(t, passed)
		require.Equal(t, []string{httpsig.CodeMismatch}, slices.Collect(maps.Keys(refused)))

		out := by(t, store, db, "deliveries", "-host", "strict.example", "-state", "gave-up")
		require.Contains(t, out, fmt.Sprintf("%d deliveries, %d refused", len(ids), len(ids)))
		require.Contains(t, out, "http.403")
		require.Contains(t, out, httpsig.CodeMismatch, "what the peer answered")
		require.NotContains(t, out, "\x1b", "what the peer answered is not let near the terminal")

		g.set(rightKey(t, store, owner))
		time.Sleep(time.Minute)
		srv.Settle(t)
		passed, _ = g.count()
		require.Empty(t, passed, "nobody sends again what was refused")

		before := len(other.Received())
		out = by(t, store, db, "retry", "-gave-up", "-host", "strict.example", "-since", began.UTC().Format(time.RFC3339))
		require.Equal(t, fmt.Sprintf("%d deliveries are due now\n", len(ids)), out)
		time.Sleep(time.Minute)
		srv.Settle(t)
		passed, _ = g.count()
		require.ElementsMatch(t, ids, passed, "all, and each once")
		require.Less(t, slices.Index(passed, ids[3]), slices.Index(passed, string(edit.Activity)), "the edit behind its post")
		require.Len(t, other.Received(), before, "others are left in peace")
		require.Contains(t, by(t, store, db, "deliveries", "-state", "gave-up"), "0 deliveries")
		require.Equal(t, "0 deliveries are due now\n", by(t, store, db, "retry", "-gave-up"), "nothing is sent twice")
	})
}

// rightKey is our RSA key, as a peer would fetch it.
func rightKey(t *testing.T, store storage.Store, owner string) httpsig.Key {
	t.Helper()
	rows, err := store.Keys(t.Context(), "blog")
	require.NoError(t, err)
	for _, row := range rows {
		if row.Algorithm == keys.RSA {
			pub, err := x509.ParsePKIXPublicKey(row.Public)
			require.NoError(t, err)
			return httpsig.Key{Owner: owner, Public: pub}
		}
	}
	t.Fatal("the blog has no RSA key")
	return httpsig.Key{}
}
