package interop

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/gokith/kith"
	as "github.com/gokith/kith/activitystreams"
	"github.com/gokith/kith/fetch"
	"github.com/gokith/kith/internal/sharedtest"
	"github.com/gokith/kith/sqlite"
	"github.com/gokith/kith/storage"
)

// pair is our blog and a Fedify server that can reach each other.
type pair struct {
	t       *testing.T
	ca      authority
	client  *http.Client
	posts   string // folder of the blog
	blog    string // origin
	handle  string
	control int
	fedify  string // origin
	// ours is a second process's view of the blog: the same store, without workers.
	ours *kith.Server
	log  func() string
	wire *requestLog // what reached the blog
}

func newPair(t *testing.T, environment ...string) *pair {
	t.Helper()
	node, err := filepath.Abs(filepath.Join("peer", "node_modules", ".bin", "node"))
	require.NoError(t, err)
	_, err = os.Stat(node)
	sharedtest.Require(t, "node", err == nil, "the Fedify peer is not installed: run npm ci in interop/peer")
	p := &pair{t: t, ca: newAuthority(t), posts: t.TempDir()}
	p.client = p.ca.client()
	p.startBlog()
	p.startFedify(node, environment)
	return p
}

func (p *pair) startBlog() {
	t := p.t
	bin, db := filepath.Join(t.TempDir(), "blog"), filepath.Join(t.TempDir(), "blog.db")
	out, err := exec.Command("go", "build", "-o", bin, "../examples/blog").CombinedOutput()
	require.NoError(t, err, "%s", out)
	addr := fmt.Sprintf("127.0.0.1:%d", freePort(t))
	p.blog, p.wire = terminate(t, p.ca, addr)
	p.handle = "@blog@" + strings.TrimPrefix(p.blog, "https://")
	proc := start(t, 0, []string{"SSL_CERT_FILE=" + p.ca.ca}, bin,
		"-addr", addr, "-origin", p.blog, "-posts", p.posts, "-db", db, "-allow", "127.0.0.0/8,::1/128", "-comments", "on", "-delete-after", "0", "-log", "debug")
	p.log = proc.output.String
	waitFor(t, "start of the blog", func() (bool, string) {
		resp, err := p.client.Get(p.blog + "/")
		if err != nil {
			return false, err.Error()
		}
		return resp.Body.Close() == nil && resp.StatusCode == http.StatusOK, resp.Status
	})
	store, err := sqlite.Open(db)
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, store.Close()) })
	p.ours, err = kith.New(t.Context(), kith.Config{
		Origin: p.blog, Store: store, RootCAs: p.ca.pool,
		Allow: fetch.InsecureAllow{Prefixes: []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8"), netip.MustParsePrefix("::1/128")}},
	})
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, p.ours.Close()) })
}

func (p *pair) startFedify(node string, environment []string) {
	t := p.t
	port := freePort(t)
	p.control, p.fedify = freePort(t), fmt.Sprintf("https://localhost:%d", port)
	script, err := filepath.Abs(filepath.Join("peer", "peer.mjs"))
	require.NoError(t, err)
	start(t, -1, append(environment,
		fmt.Sprintf("PEER_PORT=%d", port), fmt.Sprintf("PEER_CONTROL_PORT=%d", p.control), "PEER_CERT="+p.ca.cert, "PEER_KEY="+p.ca.keyFile,
		"NODE_EXTRA_CA_CERTS="+p.ca.ca,
	), node, script)
	waitFor(t, "start of the peer", func() (bool, string) {
		_, err := tryCommand(t.Context(), p.control, "state", nil)
		return err == nil, fmt.Sprint(err)
	})
}

// does makes the Fedify actor do something to the blog and returns the id of what it made.
func (p *pair) does(name string, in map[string]any) string {
	p.t.Helper()
	if in == nil {
		in = map[string]any{}
	}
	in["handle"] = p.handle
	id, _ := command(p.t, p.control, name, in)["id"].(string)
	return id
}

// arrived waits until the Fedify actor has received an activity of a type, about object if that is not
// empty, and returns its JSON.
func (p *pair) arrived(kind, object string) map[string]any {
	p.t.Helper()
	var found map[string]any
	waitFor(p.t, "arrival of "+kind+" "+object, func() (bool, string) {
		state := command(p.t, p.control, "state", nil)
		received, _ := state["received"].([]any)
		for _, r := range received {
			r := r.(map[string]any)
			if r["type"] == kind && (object == "" || r["object"] == object) {
				found, _ = r["json"].(map[string]any)
				return true, ""
			}
		}
		return false, fmt.Sprintf("received %v", received)
	})
	return found
}

// page waits until the post's page has, or has no more, a text.
func (p *pair) page(url, text string, want bool) {
	p.t.Helper()
	waitFor(p.t, fmt.Sprintf("page with %q: %v", text, want), func() (bool, string) {
		resp, err := p.client.Get(url)
		if err != nil {
			return false, err.Error()
		}
		defer resp.Body.Close()
		body, err := io.ReadAll(resp.Body)
		return err == nil && strings.Contains(string(body), text) == want, string(body)
	})
}

// status returns the status of a GET of an ActivityStreams document.
func (p *pair) status(url string) int {
	p.t.Helper()
	r, err := http.NewRequestWithContext(p.t.Context(), http.MethodGet, url, nil)
	require.NoError(p.t, err)
	r.Header.Set("Accept", as.ContentType)
	resp, err := p.client.Do(r)
	require.NoError(p.t, err)
	require.NoError(p.t, resp.Body.Close())
	return resp.StatusCode
}

func (p *pair) write(name, text string) {
	p.t.Helper()
	require.NoError(p.t, os.WriteFile(filepath.Join(p.posts, name), []byte(text), 0o600))
}

func TestFedifyAndTheBlog(t *testing.T) {
	for name, c := range map[string]struct {
		environment []string
		scheme      string // that both settle on
		challenged  bool
	}{
		"RFC 9421 first":                 {[]string{"PEER_FIRST_KNOCK=rfc9421"}, "rfc9421", false},
		"draft-cavage first":             {[]string{"PEER_FIRST_KNOCK=draft-cavage-http-signatures-12"}, "cavage", false},
		"authorized fetch and challenge": {[]string{"PEER_STRICT=1"}, "rfc9421", true},
	} {
		t.Run(name, func(t *testing.T) {
			p := newPair(t, c.environment...)
			conversation(t, p)
			remembered(t, p, c.scheme, c.challenged)
		})
	}
}

// requests returns what reached the Fedify server.
func (p *pair) requests() (all []request) {
	p.t.Helper()
	text, err := json.Marshal(command(p.t, p.control, "state", nil)["requests"])
	require.NoError(p.t, err)
	require.NoError(p.t, json.Unmarshal(text, &all))
	return all
}

// remembered shows that after a conversation each side knows how the other wants requests signed: one
// more message, each way, is one request; or two where nonces are wanted, which are good once.
func remembered(t *testing.T, p *pair, scheme string, challenged bool) {
	t.Helper()
	waitFor(t, "end of the conversation", func() (bool, string) {
		return p.count("Undo") >= 3, fmt.Sprint(p.count("Undo"))
	})
	require.NoError(t, p.ours.Settle(t.Context()))
	there, here := len(p.requests()), len(p.wire.requests())
	note := p.does("note", map[string]any{"content": "<p>One more.</p>"})
	require.NoError(t, p.ours.Social().Like(t.Context(), "blog", as.IRI(note)))
	p.arrived("Like", note)
	require.Equal(t, []request{{http.MethodPost, "/ap/inbox", scheme, false, http.StatusAccepted}}, withInbox(posts(p.wire.requests(), here), "/ap/inbox"))
	want := []request{{http.MethodPost, "/inbox", scheme, challenged, http.StatusAccepted}}
	if challenged {
		want = append([]request{{http.MethodPost, "/inbox", scheme, false, http.StatusUnauthorized}}, want...)
	}
	require.Equal(t, want, withInbox(posts(p.requests(), there), "/inbox"))
}

// withInbox overlooks which of an actor's two inboxes was chosen.
func withInbox(all []request, path string) []request {
	for i := range all {
		all[i].Path = path
	}
	return all
}

// conversation is all that two servers say to each other, both ways.
func conversation(t *testing.T, p *pair) {
	ctx := t.Context()

	// Handle, WebFinger, actor.
	found := command(t, p.control, "lookup", map[string]any{"handle": p.handle})
	doc, _ := found["json"].(map[string]any)
	require.Equal(t, p.blog+"/ap/actors/blog", doc["id"])
	fay, err := p.ours.Lookup(ctx, "@fay@"+strings.TrimPrefix(p.fedify, "https://"))
	require.NoError(t, err)
	require.Equal(t, as.IRI(p.fedify+"/users/fay"), fay)

	// Theirs follows ours, and is accepted.
	follow := p.does("follow", nil)
	accept := p.arrived("Accept", "")
	require.Contains(t, fmt.Sprint(accept["object"]), follow)

	// Ours follows theirs, and is accepted.
	require.NoError(t, p.ours.Social().Follow(ctx, "blog", fay))
	p.arrived("Follow", string(fay))
	waitFor(t, "acceptance of our follow", func() (bool, string) {
		e, err := p.ours.Store().Edge(ctx, storage.Follow, as.IRI(p.blog+"/ap/actors/blog"), fay)
		return err == nil && e.State == storage.EdgeActive, fmt.Sprint(e, err)
	})

	// A post arrives with its HTML as it was sent.
	p.write("first.md", "---\ntitle: First\n---\nHello, **Fay** & <all>.\n")
	post := p.blog + "/posts/first"
	create := p.arrived("Create", post)
	object, _ := create["object"].(map[string]any)
	require.Equal(t, "<p>Hello, <strong>Fay</strong> &amp; <!-- raw HTML omitted -->.</p>", object["content"])

	// They answer; we show it; they change and delete it.
	reply := p.does("note", map[string]any{"content": "<p>Hello, blog!</p>", "inReplyTo": post})
	p.page(post, "Hello, blog!", true)
	p.page(post, "Fay of Fedify", true)
	time.Sleep(1100 * time.Millisecond) // so that "updated" is later than "published" to the second
	p.does("edit", map[string]any{"id": reply, "content": "<p>Hello again!</p>"})
	p.page(post, "Hello again!", true)

	// We answer them, in the open.
	ours, err := p.ours.Publish(ctx, "blog", kith.Public().Mention(fay), &as.Note{Content: as.HTML("<p>Thank you.</p>"), InReplyTo: as.IRIs(as.IRI(reply))})
	require.NoError(t, err)
	answer := p.arrived("Create", string(ours.Object))
	inner, _ := answer["object"].(map[string]any)
	require.Equal(t, reply, inner["inReplyTo"])

	// Likes and boosts, both ways, and each taken back.
	like, boost := p.does("like", map[string]any{"id": post}), p.does("announce", map[string]any{"id": post})
	p.page(post, "<span>1 like</span>", true)
	p.page(post, "<span>1 boost</span>", true)
	p.does("undo", map[string]any{"id": like})
	p.does("undo", map[string]any{"id": boost})
	p.page(post, "<span>0 likes</span>", true)
	p.page(post, "<span>0 boosts</span>", true)
	require.NoError(t, p.ours.Social().Like(ctx, "blog", as.IRI(reply)))
	p.arrived("Like", reply)
	require.NoError(t, p.ours.Social().Boost(ctx, "blog", as.IRI(reply)))
	p.arrived("Announce", reply)
	require.NoError(t, p.ours.Social().Unlike(ctx, "blog", as.IRI(reply)))
	require.NoError(t, p.ours.Social().Unboost(ctx, "blog", as.IRI(reply)))
	waitFor(t, "arrival of both Undos", func() (bool, string) {
		return p.count("Undo") >= 2, fmt.Sprint(p.count("Undo"))
	})

	// Their reply is deleted: it goes from the page.
	p.does("remove", map[string]any{"id": reply})
	p.page(post, "Hello again!", false)

	// Our post changes, then goes: Update, Delete, 410.
	p.write("first.md", "---\ntitle: First\n---\nGoodbye, Fay.\n")
	update := p.arrived("Update", post)
	object, _ = update["object"].(map[string]any)
	require.Equal(t, "<p>Goodbye, Fay.</p>", object["content"])
	p.write("second.md", "Still here.\n")
	p.arrived("Create", p.blog+"/posts/second") // the blog does not delete all that it has
	require.NoError(t, os.Remove(filepath.Join(p.posts, "first.md")))
	p.arrived("Delete", post)
	require.Equal(t, http.StatusGone, p.status(post))

	// Each ends its follow.
	require.NoError(t, p.ours.Social().Unfollow(ctx, "blog", fay))
	p.does("undo", map[string]any{"id": follow})
	waitFor(t, "end of the follow", func() (bool, string) {
		e, err := p.ours.Store().Edge(ctx, storage.Follow, fay, as.IRI(p.blog+"/ap/actors/blog"))
		return e.State != storage.EdgeActive, fmt.Sprint(e.State, err)
	})
	require.NotContains(t, p.log(), "level=ERROR")
}

// count returns how many activities of a type the Fedify actor has received.
func (p *pair) count(kind string) (n int) {
	p.t.Helper()
	received, _ := command(p.t, p.control, "state", nil)["received"].([]any)
	for _, r := range received {
		if r.(map[string]any)["type"] == kind {
			n++
		}
	}
	return n
}
