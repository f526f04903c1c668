package main

import (
	"path/filepath"
	"strings"
	"testing"
	"time"
	"unicode"

	"github.com/stretchr/testify/require"

	as "github.com/gokith/kith/activitystreams"
	"github.com/gokith/kith/sqlite"
	"github.com/gokith/kith/storage"
)

const held = "https://social.example/notes/1"

// reply puts a reply that waits for approval into a database, and returns its path.
func reply(t *testing.T, n *as.Note, by *as.Person) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "blog.db")
	store, err := sqlite.Open(path)
	require.NoError(t, err)
	defer store.Close()
	n.ID, n.AttributedTo, n.To = held, as.IRIs(by.ID), as.IRIs(as.Public)
	for _, node := range []as.Node{n, by} {
		doc, err := as.Encode(node)
		require.NoError(t, err)
		_, err = store.PutObject(t.Context(), storage.Object{
			ID: node.NodeID(), Type: node.NodeType(), Owner: by.ID, Document: doc, Audience: []as.IRI{as.Public}, Updated: time.Now(),
		})
		require.NoError(t, err)
	}
	_, err = store.PutEdge(t.Context(), storage.Edge{Kind: storage.Reply, Subject: n.ID, Object: "https://blog.example/posts/hello", State: storage.EdgePending})
	require.NoError(t, err)
	return path
}

func ann() *as.Person {
	return &as.Person{ID: "https://social.example/users/ann", PreferredUsername: "ann", Name: as.Plain("Ann")}
}

func TestComments(t *testing.T) {
	t.Parallel()
	db := reply(t, &as.Note{Content: as.HTML("<p>Hello,<br>world &amp; all</p>")}, ann())
	for _, args := range [][]string{{"comments", "-db", db}, {"comments", "-db", db, "list"}} {
		out := done(t, args...)
		require.Equal(t, held+"\n  to   https://blog.example/posts/hello\n  by   Ann (@ann@social.example)\n  Hello, world & all\n\n", out)
	}
	code, out, complaint := invoke(t, "", "comments", "-db", db, "approve", "https://social.example/never", held)
	require.Equal(t, exitFailed, code, "one of two is none")
	require.Equal(t, "approved "+held+"\n", out)
	require.Contains(t, complaint, "https://social.example/never")
	require.Equal(t, "no replies wait for approval\n", done(t, "comments", "-db", db, "list"))
	require.Equal(t, "rejected "+held+"\n", done(t, "comments", "-db", db, "reject", held), "also after it was approved")
}

// TestS108_HostileTextStaysOnItsLine: neither text nor names nor ids move the cursor, turn the reading
// direction or make up lines of their own.
func TestS108_HostileTextStaysOnItsLine(t *testing.T) {
	t.Parallel()
	const evil = "a\nb\rc\x1b[2J\x1b]0;owned\x07d\x00\u009b31m\u202etxt\u2066x\u2069\u200f\u061c\u2028y\u0085z\x7f"
	by := ann()
	by.Name, by.PreferredUsername = as.Plain(evil), evil
	db := reply(t, &as.Note{Content: as.HTML("<p>" + evil + "</p><p>&#27;[31m&#x202e;" + strings.Repeat("long ", 1000) + "</p>")}, by)
	out := done(t, "comments", "-db", db)
	lines := strings.Split(out, "\n")
	require.Len(t, lines, 6, "%q", out)
	for _, l := range lines {
		require.Less(t, len([]rune(l)), 400)
		for _, r := range l {
			require.False(t, unicode.IsControl(r) || unicode.Is(unicode.Bidi_Control, r), "%q in %q", r, l)
		}
	}
	code, _, complaint := invoke(t, "", "comments", "-db", db, "approve", "no\x1b[2Jsuch\nid")
	require.Equal(t, exitFailed, code)
	require.NotContains(t, complaint, "\x1b")
	require.Len(t, strings.Split(strings.TrimSpace(complaint), "\n"), 1)
}

func TestExitCodes(t *testing.T) {
	t.Parallel()
	none := filepath.Join(t.TempDir(), "none.db")
	for name, c := range map[string]struct {
		args []string
		code int
		says string // on one of the outputs
	}{
		"nothing":          {nil, exitUsage, "usage: kith COMMAND"},
		"help":             {[]string{"help"}, exitDone, "comments"},
		"-h":               {[]string{"-h"}, exitDone, "usage: kith COMMAND"},
		"--help":           {[]string{"--help"}, exitDone, "usage: kith COMMAND"},
		"unknown command":  {[]string{"frobnicate"}, exitUsage, `no command "frobnicate"`},
		"help of a tool":   {[]string{"comments", "-h"}, exitDone, "-db"},
		"unknown flag":     {[]string{"comments", "-frobnicate"}, exitUsage, "frobnicate"},
		"version":          {[]string{"version"}, exitDone, "kith "},
		"no database":      {[]string{"comments", "-db", none}, exitFailed, "there is no database " + none},
		"unknown verb":     {[]string{"comments", "-db", none, "praise"}, exitFailed, "there is no database"},
		"approve nothing":  {[]string{"comments", "-db", "@", "approve"}, exitUsage, "approve ID"},
		"list with an id":  {[]string{"comments", "-db", "@", "list", "x"}, exitUsage, "list"},
		"an unknown reply": {[]string{"comments", "-db", "@", "approve", "x"}, exitFailed, "no such reply"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			for i, a := range c.args {
				if a == "@" {
					c.args[i] = reply(t, &as.Note{Content: as.HTML("x")}, ann())
				}
			}
			code, out, complaint := invoke(t, "", c.args...)
			require.Equal(t, c.code, code, out+complaint)
			require.Contains(t, out+complaint, c.says)
			if code == exitFailed {
				require.Empty(t, out)
				require.Len(t, strings.Split(strings.TrimSpace(complaint), "\n"), 1)
			}
		})
	}
}

func TestVersion(t *testing.T) {
	t.Parallel()
	require.Regexp(t, `^kith \d+\.\d+\.\d+( [0-9a-f]{12})? go1\.\d+`, done(t, "version"))
}
