package main

import (
	"database/sql"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	as "github.com/gokith/kith/activitystreams"
	"github.com/gokith/kith/internal/sharedtest"
	"github.com/gokith/kith/webfinger"
)

// TestStartFailures: each is one clear sentence and exit code 1.
func TestStartFailures(t *testing.T) {
	s := newSetup(t)
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	defer taken.Close()
	readable := filepath.Join(s.dir, "readable.db")
	require.NoError(t, os.WriteFile(readable, nil, 0o644)) //nolint:gosec // that is the point
	other := filepath.Join(s.dir, "other.db")
	s.start("-origin", "https://blog.example", "-db", other).stop()
	old := filepath.Join(s.dir, "old.db")
	s.start("-db", old).stop()
	tamper(t, old, `UPDATE kith_meta SET value = '0' WHERE name = 'schema'`)

	for name, c := range map[string]struct {
		args []string
		says []string
	}{
		"empty origin":     {[]string{"-origin", ""}, []string{"-origin is empty", "https://blog.example"}},
		"missing origin":   {[]string{"-addr", "192.0.2.1:80"}, []string{"-origin"}},
		"malformed origin": {[]string{"-origin", "blog.example"}, []string{`"blog.example"`, "https://blog.example"}},
		"origin with path": {[]string{"-origin", "https://blog.example/blog"}, []string{"path"}},
		"http origin":      {[]string{"-origin", "http://blog.example"}, []string{"must be https"}},
		"no folder for db": {[]string{"-db", filepath.Join(s.dir, "nowhere", "blog.db")}, []string{"nowhere", "does not exist"}},
		"unwritable db":    {nil, []string{"no right to write"}},
		"db is a folder":   {[]string{"-db", s.posts()}, []string{s.posts()}},
		"readable by all":  {[]string{"-db", readable}, []string{"chmod 600"}},
		"taken port":       {[]string{"-addr", taken.Addr().String()}, []string{"cannot listen on " + taken.Addr().String(), "in use"}},
		"another origin":   {[]string{"-db", other}, []string{"https://blog.example", s.origin}},
		"old schema":       {[]string{"-db", old}, []string{"sqlite.Migrate"}},
		"no posts":         {[]string{"-posts", filepath.Join(s.dir, "none")}, []string{"cannot read the posts", "none"}},
		"bad handle":       {[]string{"-handle", "my blog"}, []string{`"my blog"`}},
	} {
		t.Run(name, func(t *testing.T) {
			args := s.args(c.args...)
			switch name {
			case "unwritable db":
				args = s.args("-db", filepath.Join(sharedtest.Unwritable(t), "blog.db"))
			case "missing origin":
				args = []string{"-addr", "192.0.2.1:80", "-posts", s.posts(), "-db", s.db()}
			}
			code, out := finish(t, blogProgram(), args...)
			require.Equal(t, 1, code, out)
			lines := strings.Split(strings.TrimSpace(out), "\n")
			last := lines[len(lines)-1]
			require.True(t, strings.HasPrefix(last, "blog: "), out)
			for _, l := range lines[:len(lines)-1] {
				require.Contains(t, l, "level=WARN", "only what -allow says may come before")
			}
			for _, part := range c.says {
				require.Contains(t, last, part)
			}
			require.NotContains(t, out, "panic")
		})
	}
}

// tamper changes a database behind the blog's back.
func tamper(t *testing.T, path, query string) {
	t.Helper()
	db, err := sql.Open("sqlite", path)
	require.NoError(t, err)
	defer db.Close()
	_, err = db.Exec(query)
	require.NoError(t, err)
}

// TestWrongFlags: they are explained, and the code is 2; help is no error.
func TestWrongFlags(t *testing.T) {
	s := newSetup(t)
	for _, args := range [][]string{
		{"-no-such-flag"}, {"-comments", "maybe"}, {"-log", "loud"}, {"-allow", "10.0.0.0"}, {"-allow", "10.0.0.0/8,x"},
		{"-addr", "localhost"}, {"-delete-after", "soon"}, {"-delete-after", "-1m"}, {"posts"}, {"-confirm-deletes=perhaps"},
	} {
		code, out := s.fails(args...)
		require.Equal(t, 2, code, "%v: %s", args, out)
		require.Contains(t, out, strings.TrimLeft(args[0], "-")[:3], "it names the flag")
	}
	code, out := finish(t, blogProgram(), "-h")
	require.Zero(t, code)
	for _, name := range []string{"-addr", "-origin", "-handle", "-posts", "-db", "-allow", "-delete-after", "-comments", "-confirm-deletes", "-log", "-title", "-summary"} {
		require.Contains(t, out, "  "+name)
	}
}

// TestWhatTheFlagsDo covers those that no other test needs.
func TestWhatTheFlagsDo(t *testing.T) {
	s := newSetup(t)
	s.write("hello.md", "Text\n")
	b := s.start("-handle", "ana", "-title", "Ana & friends", "-summary", "<p>About <b>cats</b></p>", "-log", "debug")
	s.shows("hello", "Ana &amp; friends")
	_, index, _ := s.get(s.origin+"/", browser)
	require.Contains(t, index, "About <b>cats</b>")
	require.Contains(t, index, "@ana@"+s.addr)
	require.Equal(t, 1, b.logged("127.0.0.0/8"), "-allow is logged")

	status, body, header := s.get(s.origin+webfinger.Path+"?resource=acct:ana@"+s.addr, "*/*")
	require.Equal(t, http.StatusOK, status)
	require.Equal(t, "application/jrd+json", header.Get("Content-Type"))
	require.Contains(t, body, string(s.actor()))
	status, n := s.document(s.actor())
	require.Equal(t, http.StatusOK, status)
	actor, ok := as.ActorOf(n)
	require.True(t, ok)
	require.Equal(t, "ana", actor.PreferredUsername)
	require.Equal(t, "Ana & friends", actor.Name.String())
	require.Equal(t, as.IRI(s.origin+"/"), actor.URL.First().ID())
	eventually(t, "it logs details", func() bool { return b.logged("level=DEBUG") > 0 })
	b.stop()
}

// TestPortZero: the origin follows from the address that the system gave.
func TestPortZero(t *testing.T) {
	s := newSetup(t)
	o, err := parseFlags([]string{"-addr", "localhost:0", "-posts", s.posts()}, t.Output())
	require.NoError(t, err)
	l, err := listen(o)
	require.NoError(t, err)
	defer l.Close()
	_, port, err := net.SplitHostPort(l.Addr().String())
	require.NoError(t, err)
	require.Equal(t, "http://localhost:"+port, o.origin)
}

// TestPages: headers and errors of what browsers see.
func TestPages(t *testing.T) {
	s := newSetup(t)
	s.write("hello.md", "---\ntitle: <script>alert(1)</script>\n---\n<script>alert(2)</script>\n\n[x](javascript:alert(3))\n")
	s.start()
	s.shows("hello", "&lt;script&gt;alert(1)")
	status, body, header := s.get(string(s.post("hello")), browser)
	require.Equal(t, http.StatusOK, status)
	require.NotContains(t, body, "<script")
	require.NotContains(t, body, "javascript:")
	require.Equal(t, "text/html; charset=utf-8", header.Get("Content-Type"))
	require.Contains(t, header.Get("Content-Security-Policy"), "default-src 'none'")
	require.Equal(t, "nosniff", header.Get("X-Content-Type-Options"))
	require.Contains(t, header.Values("Vary"), "Accept")
	status, body, _ = s.get(s.origin+"/posts/none", browser)
	require.Equal(t, http.StatusNotFound, status)
	require.Contains(t, body, "Not found")
	status, _, header = s.get(s.origin+"/style.css", "text/css")
	require.Equal(t, http.StatusOK, status)
	require.Contains(t, header.Get("Content-Type"), "text/css")
	resp, err := http.Post(s.origin+"/", "text/plain", nil) //nolint:noctx // it is local
	require.NoError(t, err)
	_ = resp.Body.Close()
	require.Equal(t, http.StatusMethodNotAllowed, resp.StatusCode)
	require.Equal(t, "GET, HEAD", resp.Header.Get("Allow"))
}
