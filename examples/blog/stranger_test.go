package main

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	as "github.com/gokith/kith/activitystreams"
)

// TestStrangersCauseNoErrors: whatever comes from outside gets its status, changes nothing, and is not
// logged as an error of ours, which stop checks.
func TestStrangersCauseNoErrors(t *testing.T) {
	s := newSetup(t)
	s.write("hello.md", "Text\n")
	b := s.start("-comments", "on", "-log", "debug")
	s.shows("hello", "Text")
	other := newPeer(t)
	bob, eve := other.person("Bob"), other.person("Eve")
	like := func() *as.Like {
		return &as.Like{ID: bob.newID("likes"), Actor: as.IRIs(bob.id), Object: as.IRIs(s.post("hello"))}
	}

	require.Equal(t, http.StatusUnauthorized, bob.post(s.inbox(), like(), func(r *http.Request) { r.Header.Del("Signature") }))
	require.Equal(t, http.StatusUnauthorized, bob.post(s.inbox(), like(), func(r *http.Request) {
		body, err := io.ReadAll(r.Body)
		require.NoError(t, err)
		r.Body = io.NopCloser(bytes.NewReader(bytes.Replace(body, []byte("/likes/"), []byte("/likez/"), 1)))
	}), "a changed body")
	eve.post(s.inbox(), like(), nil) // signed by another
	eve.post(s.inbox(), &as.Delete{ID: eve.newID("deletes"), Actor: as.IRIs(eve.id), Object: as.IRIs(s.post("hello"))}, nil)
	eve.post(s.inbox(), &as.Accept{ID: eve.newID("accepts"), Actor: as.IRIs(eve.id), Object: as.IRIs(as.IRI(s.origin + "/ap/activities/never"))}, nil)
	foreign := eve.note(s.post("hello"), "<p>Not from here</p>")
	foreign.ID = "http://10.0.0.1/notes/1"
	eve.post(s.inbox(), eve.create(foreign), nil)
	inward := bob.note(as.IRI("http://169.254.169.254/latest/meta-data"), "<p>Fetch this</p>")
	bob.post(s.inbox(), bob.create(inward), nil)

	for name, body := range map[string]string{
		"nothing": "", "no JSON": "hello", "deep": strings.Repeat("[", 100_000), "twice": `{"id":"a","id":"b"}`,
		"large": `{"x":"` + strings.Repeat("x", 2<<20) + `"}`, "nul": "{\x00}", "not UTF-8": "{\"\xff\":1}",
	} {
		r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, s.inbox(), strings.NewReader(body))
		require.NoError(t, err)
		r.Header.Set("Content-Type", as.ContentType)
		resp, err := http.DefaultClient.Do(r)
		if err != nil {
			require.Equal(t, "large", name, "only what is too large may be cut off: %v", err)
			continue
		}
		_ = resp.Body.Close()
		require.GreaterOrEqual(t, resp.StatusCode, 400, name)
		require.Less(t, resp.StatusCode, 500, name)
	}
	for _, path := range []string{
		"/posts/%00", "/posts/..%2f..%2fetc", "/posts/hello?x=%0d%0a", "/ap/actors/%ff", "/ap/actors/blog/outbox?page=1&after=%21", "/posts/" + strings.Repeat("a", 4000),
		"/.well-known/webfinger?resource=%00", "/.well-known/webfinger", "/nodeinfo/9", "/ap/inbox", "/ap/nothing/here",
	} {
		for _, accept := range []string{as.ContentType, browser, "a/b;q=x,,;", ""} {
			status, _, _ := s.get(s.origin+path, accept)
			require.Less(t, status, 500, path)
			require.NotZero(t, status, path)
		}
	}
	for range 20 { // readers who go away
		ctx, cancel := context.WithTimeout(t.Context(), time.Millisecond)
		r, err := http.NewRequestWithContext(ctx, http.MethodGet, string(s.post("hello")), nil)
		require.NoError(t, err)
		if resp, err := http.DefaultClient.Do(r); err == nil {
			_ = resp.Body.Close()
		}
		cancel()
	}
	for _, raw := range []string{"GET / HTTP/9\r\n\r\n", "\x16\x03\x01", "GET /posts/hello HTTP/1.1\r\nHost: evil.example\r\n\r\n", "POST /ap/inbox HTTP/1.1\r\nHost: x\r\nContent-Length: 99\r\n\r\n{"} {
		c, err := net.Dial("tcp", s.addr)
		require.NoError(t, err)
		_, _ = io.WriteString(c, raw)
		_ = c.Close()
	}
	bob.send(s.inbox(), like())
	s.shows("hello", "1 like<")
	_, body := s.page("hello")
	require.Contains(t, body, "0 replies")
	b.stop()
	require.Positive(t, b.logged("sig."), "refusals carry a code")
}

// TestSigtermDrains: requests that have begun are answered, deliveries that have begun are finished or
// made after the next start, and the code is 0.
func TestSigtermDrains(t *testing.T) {
	s := newSetup(t)
	b := s.start("-comments", "on")
	other := newPeer(t)
	for i := range 5 {
		who := other.person(fmt.Sprintf("P%d", i))
		who.send(s.inbox(), who.follow(s.actor()))
	}
	eventually(t, "all follows are accepted", func() bool { return len(received[*as.Accept](other)) == 5 })
	s.write("hello.md", "Text\n")
	eventually(t, "it is published", func() bool { return b.logged("blog published") == 1 })
	b.stop()
	s.start()
	eventually(t, "it arrived, once for the shared inbox", func() bool { return len(received[*as.Create](other)) == 1 })
}

// TestSlowClientsDoNotKeepItOpen: they do not keep the blog from ending.
func TestSlowClientsDoNotKeepItOpen(t *testing.T) {
	s := newSetup(t)
	b := s.start()
	for range 5 {
		c, err := net.Dial("tcp", s.addr)
		require.NoError(t, err)
		defer c.Close()
		_, err = c.Write(bytes.Repeat([]byte("x"), 3))
		require.NoError(t, err)
	}
	start := time.Now()
	b.stop()
	require.Less(t, time.Since(start), shutdownTime+patience/2)
}
