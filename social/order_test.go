package social_test

import (
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/gokith/kith"
	as "github.com/gokith/kith/activitystreams"
	"github.com/gokith/kith/fedtest"
	"github.com/gokith/kith/internal/sharedtest"
	"github.com/gokith/kith/storage"
)

// world is a blog with one post, and others who deal with it.
type world struct {
	*fedtest.Server
	t             *testing.T
	net           *fedtest.Network
	blog, post    as.IRI
	ann, ben, eve *fedtest.Actor
	base          time.Time
	follows       as.IRI // id of the blog's own follow of ann, if it made one
}

func newWorld(t *testing.T, c kith.Config, setup ...func(*kith.Server)) *world {
	t.Helper()
	w := &world{t: t, net: fedtest.NewNetwork(t), base: time.Now()}
	c.Actors = []kith.Actor{{Key: "blog", Profile: &as.Person{Name: as.Plain("Blog")}}}
	c.ObjectURLs = []string{"/posts/{slug}"}
	c.Logger = slog.New(slog.DiscardHandler)
	w.Server = fedtest.NewServer(t, w.net, c, setup...)
	w.blog = w.ActorID("blog")
	w.post = "https://" + fedtest.DefaultHost + "/posts/hello"
	_, err := w.Publish(t.Context(), "blog", kith.Public(), &as.Article{ID: w.post, Name: as.Plain("Hello"), Content: as.HTML("<p>Hello</p>")})
	require.NoError(t, err)
	social := w.net.Peer("social.example")
	w.ann, w.ben, w.eve = social.Actor("ann"), social.Actor("ben"), w.net.Peer("evil.example").Actor("eve")
	return w
}

// send posts an activity and waits for its effects. It may be refused.
func (w *world) send(from *fedtest.Actor, n as.Node) int {
	w.t.Helper()
	if d, ok := n.(*as.Delete); ok && d.Object.Contains(from.ID) {
		from.Peer.Gone(from.ID) // now, not when the script was written
	}
	status := from.Post(w.t, w.SharedInbox(), n, fedtest.Forgery{})
	w.Settle(w.t)
	return status
}

// state is all that people see of what others did, without ids.
func (w *world) state() string {
	w.t.Helper()
	var lines []string
	for _, q := range []storage.EdgeQuery{
		{Kind: storage.Follow, State: storage.EdgeActive}, {Kind: storage.Follow, State: storage.EdgePending}, {Kind: storage.Follow, State: storage.EdgeRejected},
		{Kind: storage.Like, State: storage.EdgeActive}, {Kind: storage.Announce, State: storage.EdgeActive}, {Kind: storage.Block},
	} {
		for e, err := range w.Store().Edges(w.t.Context(), q) {
			require.NoError(w.t, err)
			lines = append(lines, fmt.Sprintf("%s %s %s %s %s", e.State, e.Subject, e.Kind, e.Object, e.Content))
		}
	}
	for c, err := range w.Social().Replies(w.t.Context(), w.post, true) {
		require.NoError(w.t, err)
		lines = append(lines, fmt.Sprintf("depth %d: %s: %s approved=%t edited=%t", c.Depth, c.By.Name, c.Content, c.Approved, c.Edited))
	}
	slices.Sort(lines)
	return strings.Join(lines, "\n")
}

// profile reads the document of somebody elsewhere.
func (w *world) profile(a *fedtest.Actor) *as.Person {
	w.t.Helper()
	r, err := http.NewRequestWithContext(w.t.Context(), http.MethodGet, string(a.ID), nil)
	require.NoError(w.t, err)
	resp, err := w.net.RoundTrip(r)
	require.NoError(w.t, err)
	body, err := io.ReadAll(resp.Body)
	require.NoError(w.t, err)
	p, err := as.DecodeAs[*as.Person](body)
	require.NoError(w.t, err)
	return p
}

// act is an activity and who sends it.
type act struct {
	by *fedtest.Actor
	n  as.Node
}

// reply makes a public reply that mentions the blog, as replies deep in a thread do.
func (w *world) reply(by *fedtest.Actor, parent as.IRI, html string) *as.Note {
	n := by.Note(parent, html)
	n.Published = as.At(w.base)
	n.CC = append(n.CC, as.RefTo(w.blog))
	n.Tag = as.Embed(&as.Mention{Href: w.blog})
	return n
}

// version copies a note with another text, from some seconds later.
func (w *world) version(n *as.Note, html string, seconds int) *as.Note {
	v := *n
	v.Content = as.HTML(html)
	if seconds > 0 {
		v.Updated = as.At(w.base.Add(time.Duration(seconds) * time.Second))
	}
	return &v
}

func bare(a *fedtest.Actor, id as.IRI) *as.Undo {
	return &as.Undo{ID: a.NewID("undos"), Actor: as.IRIs(a.ID), Object: as.IRIs(id)}
}

func (w *world) block(by *fedtest.Actor) *as.Block {
	return &as.Block{ID: by.NewID("blocks"), Actor: as.IRIs(by.ID), Object: as.IRIs(w.blog)}
}

// scripts are what people do, in the order in which they do it. The last element of each result is what
// must be in the state at the end, and what must not, marked by "!".
var scripts = map[string]func(w *world) (acts []act, want []string){
	"follow": func(w *world) ([]act, []string) {
		return []act{{w.ann, w.ann.Follow(w.blog)}}, []string{"active https://social.example/users/ann follow"}
	},
	"follow, undo": func(w *world) ([]act, []string) {
		f := w.ann.Follow(w.blog)
		return []act{{w.ann, f}, {w.ann, w.ann.Undo(f)}}, []string{"!follow"}
	},
	"follow, undo by id": func(w *world) ([]act, []string) {
		f := w.ann.Follow(w.blog)
		return []act{{w.ann, f}, {w.ann, bare(w.ann, f.ID)}}, []string{"!follow"}
	},
	"follow, undo, again, by id": func(w *world) ([]act, []string) {
		f := w.ann.Follow(w.blog)
		return []act{{w.ann, f}, {w.ann, bare(w.ann, f.ID)}, {w.ben, w.ben.Follow(w.blog)}}, []string{"!users/ann", "users/ben follow"}
	},
	"two follow, one leaves": func(w *world) ([]act, []string) {
		f := w.ann.Follow(w.blog)
		return []act{{w.ann, f}, {w.ben, w.ben.Follow(w.blog)}, {w.ann, w.ann.Undo(f)}}, []string{"!users/ann", "users/ben follow"}
	},
	"follow, block": func(w *world) ([]act, []string) {
		return []act{{w.ann, w.ann.Follow(w.blog)}, {w.ann, w.block(w.ann)}}, []string{"!follow", "block"}
	},
	"block, undo": func(w *world) ([]act, []string) {
		b := w.block(w.ann)
		return []act{{w.ann, b}, {w.ann, w.ann.Undo(b)}}, []string{"!block"}
	},
	"block, undo by id": func(w *world) ([]act, []string) {
		b := w.block(w.ann)
		return []act{{w.ann, b}, {w.ann, bare(w.ann, b.ID)}}, []string{"!block"}
	},
	"like, undo": func(w *world) ([]act, []string) {
		l := w.ann.Like(w.post)
		return []act{{w.ann, l}, {w.ann, w.ann.Undo(l)}}, []string{"!like"}
	},
	"like, undo by id": func(w *world) ([]act, []string) {
		l := w.ann.Like(w.post)
		return []act{{w.ann, l}, {w.ann, bare(w.ann, l.ID)}}, []string{"!like"}
	},
	"like twice": func(w *world) ([]act, []string) {
		return []act{{w.ann, w.ann.Like(w.post)}, {w.ann, w.ann.Like(w.post)}, {w.ben, w.ben.Like(w.post)}}, []string{"users/ann like", "users/ben like"}
	},
	"react, undo": func(w *world) ([]act, []string) {
		r := &as.EmojiReact{ID: w.ann.NewID("likes"), Actor: as.IRIs(w.ann.ID), Object: as.IRIs(w.post), Content: as.Plain("🐈")}
		return []act{{w.ann, r}, {w.ann, w.ann.Undo(r)}, {w.ben, w.ben.Like(w.post)}}, []string{"!🐈", "users/ben like"}
	},
	"boost, undo": func(w *world) ([]act, []string) {
		b := w.ann.Announce(w.post)
		return []act{{w.ann, b}, {w.ann, w.ann.Undo(b)}}, []string{"!announce"}
	},
	"boost, undo by id": func(w *world) ([]act, []string) {
		b := w.ann.Announce(w.post)
		return []act{{w.ann, b}, {w.ann, bare(w.ann, b.ID)}}, []string{"!announce"}
	},
	"like, boost, undo both": func(w *world) ([]act, []string) {
		l, b := w.ann.Like(w.post), w.ann.Announce(w.post)
		return []act{{w.ann, l}, {w.ann, b}, {w.ann, w.ann.Undo(l)}, {w.ann, w.ann.Undo(b)}}, []string{"!like", "!announce"}
	},
	"like, somebody else undoes it": func(w *world) ([]act, []string) {
		l := w.ann.Like(w.post)
		return []act{{w.ann, l}, {w.eve, bare(w.eve, l.ID)}, {w.ben, bare(w.ben, l.ID)}}, []string{"users/ann like"}
	},
	"reply": func(w *world) ([]act, []string) {
		n := w.reply(w.ann, w.post, "one")
		return []act{{w.ann, w.ann.Create(n)}, {w.ann, w.ann.Create(n)}, {w.ben, w.ben.Like(w.post)}}, []string{"Ann: one"}
	},
	"reply, edit": func(w *world) ([]act, []string) {
		n := w.reply(w.ann, w.post, "one")
		return []act{{w.ann, w.ann.Create(n)}, {w.ann, w.ann.Update(w.version(n, "two", 10))}}, []string{"Ann: two", "!one"}
	},
	"reply, edit twice": func(w *world) ([]act, []string) {
		n := w.reply(w.ann, w.post, "one")
		return []act{{w.ann, w.ann.Create(n)}, {w.ann, w.ann.Update(w.version(n, "two", 10))}, {w.ann, w.ann.Update(w.version(n, "three", 20))}}, []string{"Ann: three"}
	},
	"reply, edit without a time": func(w *world) ([]act, []string) {
		n := w.reply(w.ann, w.post, "one")
		return []act{{w.ann, w.ann.Create(n)}, {w.ann, w.ann.Update(w.version(n, "two", 0))}}, []string{"Ann: two"}
	},
	"reply without a time, edit without a time": func(w *world) ([]act, []string) {
		n := w.reply(w.ann, w.post, "one")
		n.Published = as.Time{}
		return []act{{w.ann, w.ann.Create(n)}, {w.ann, w.ann.Update(w.version(n, "two", 0))}}, []string{"Ann: two"}
	},
	"reply, delete": func(w *world) ([]act, []string) {
		n := w.reply(w.ann, w.post, "one")
		return []act{{w.ann, w.ann.Create(n)}, {w.ann, w.ann.Delete(n.ID)}}, []string{"!one"}
	},
	"reply, edit, delete with a tombstone": func(w *world) ([]act, []string) {
		n := w.reply(w.ann, w.post, "one")
		d := w.ann.Delete(n.ID)
		d.Object = as.Embed(&as.Tombstone{ID: n.ID})
		return []act{{w.ann, w.ann.Create(n)}, {w.ann, w.ann.Update(w.version(n, "two", 10))}, {w.ann, d}}, []string{"!Ann"}
	},
	"reply, edit twice, delete the whole object": func(w *world) ([]act, []string) {
		n := w.reply(w.ann, w.post, "one")
		d := w.ann.Delete(n.ID)
		d.Object = as.Embed(n)
		return []act{
			{w.ann, w.ann.Create(n)}, {w.ann, w.ann.Update(w.version(n, "two", 10))}, {w.ann, w.ann.Update(w.version(n, "three", 20))}, {w.ann, d},
		}, []string{"!Ann"}
	},
	"reply, made narrower": func(w *world) ([]act, []string) {
		n := w.reply(w.ann, w.post, "one")
		v := w.version(n, "two", 10)
		v.To, v.CC = as.IRIs(w.ann.Followers()), as.IRIs(w.blog)
		return []act{{w.ann, w.ann.Create(n)}, {w.ann, w.ann.Update(v)}}, []string{"!Ann"}
	},
	"reply, made wider by its author": func(w *world) ([]act, []string) {
		n := w.reply(w.ann, w.post, "one")
		v := w.version(n, "two", 10)
		n.To, n.CC = as.IRIs(w.blog), nil
		return []act{{w.ann, w.ann.Create(n)}, {w.ann, w.ann.Update(v)}}, []string{"Ann: two"}
	},
	"reply, others edit and delete it": func(w *world) ([]act, []string) {
		n := w.reply(w.ann, w.post, "one")
		d := &as.Delete{ID: w.eve.NewID("deletes"), Actor: as.IRIs(w.eve.ID), Object: as.IRIs(n.ID)}
		return []act{{w.ann, w.ann.Create(n)}, {w.eve, w.eve.Update(w.version(n, "hacked", 10))}, {w.eve, d}}, []string{"Ann: one", "!hacked"}
	},
	"reply, neighbour deletes it": func(w *world) ([]act, []string) {
		n := w.reply(w.ann, w.post, "one")
		d := &as.Delete{ID: w.ben.NewID("deletes"), Actor: as.IRIs(w.ben.ID), Object: as.IRIs(n.ID)}
		return []act{{w.ann, w.ann.Create(n)}, {w.ben, d}}, []string{"Ann: one"}
	},
	"reply, reply to it": func(w *world) ([]act, []string) {
		n := w.reply(w.ann, w.post, "one")
		return []act{{w.ann, w.ann.Create(n)}, {w.ben, w.ben.Create(w.reply(w.ben, n.ID, "two"))}}, []string{"depth 0: Ann: one", "depth 1: Ben: two"}
	},
	"three replies deep": func(w *world) ([]act, []string) {
		n := w.reply(w.ann, w.post, "one")
		m := w.reply(w.eve, n.ID, "two")
		return []act{{w.ann, w.ann.Create(n)}, {w.eve, w.eve.Create(m)}, {w.ben, w.ben.Create(w.reply(w.ben, m.ID, "three"))}}, []string{"depth 2: Ben: three"}
	},
	"reply, reply to it, delete the first": func(w *world) ([]act, []string) {
		n := w.reply(w.ann, w.post, "one")
		return []act{{w.ann, w.ann.Create(n)}, {w.ben, w.ben.Create(w.reply(w.ben, n.ID, "two"))}, {w.ann, w.ann.Delete(n.ID)}}, []string{"!Ann"}
	},
	"reply, new profile": func(w *world) ([]act, []string) {
		p := w.profile(w.ann)
		p.Name = as.Plain("Ann B.")
		return []act{{w.ann, w.ann.Create(w.reply(w.ann, w.post, "one"))}, {w.ann, w.ann.Update(p)}}, []string{"Ann B.: one"}
	},
	"reply, like, follow, all gone with the actor": func(w *world) ([]act, []string) {
		return []act{
			{w.ann, w.ann.Create(w.reply(w.ann, w.post, "one"))}, {w.ann, w.ann.Like(w.post)}, {w.ann, w.ann.Follow(w.blog)},
			{w.ann, &as.Delete{ID: w.ann.NewID("deletes"), Actor: as.IRIs(w.ann.ID), Object: as.IRIs(w.ann.ID)}},
		}, []string{"!ann", "!Ann"}
	},
	"our follow is accepted": func(w *world) ([]act, []string) {
		w.follow()
		yes := func() *as.Accept {
			return &as.Accept{ID: w.ann.NewID("accepts"), Actor: as.IRIs(w.ann.ID), Object: as.IRIs(w.follows)}
		}
		no := &as.Reject{ID: w.eve.NewID("rejects"), Actor: as.IRIs(w.eve.ID), Object: as.IRIs(w.follows)}
		return []act{{w.ann, yes()}, {w.ann, yes()}, {w.eve, no}}, []string{"active https://kith.example/ap/actors/blog follow"}
	},
	"our follow is accepted, then ended": func(w *world) ([]act, []string) {
		w.follow()
		yes := &as.Accept{ID: w.ann.NewID("accepts"), Actor: as.IRIs(w.ann.ID), Object: as.IRIs(w.follows)}
		no := &as.Reject{ID: w.ann.NewID("rejects"), Actor: as.IRIs(w.ann.ID), Object: as.IRIs(w.follows)}
		return []act{{w.ann, yes}, {w.ann, no}}, []string{"rejected", "!active"}
	},
	"all at once": func(w *world) ([]act, []string) {
		n, f := w.reply(w.ann, w.post, "one"), w.ann.Follow(w.blog)
		return []act{
			{w.ann, f}, {w.ann, w.ann.Create(n)}, {w.ann, w.ann.Update(w.version(n, "two", 10))}, {w.ben, w.ben.Like(w.post)}, {w.ann, w.ann.Undo(f)},
		}, []string{"Ann: two", "users/ben like", "!follow"}
	},
}

// follow lets the blog follow ann.
func (w *world) follow() {
	w.t.Helper()
	require.NoError(w.t, w.Social().Follow(w.t.Context(), "blog", w.ann.ID))
	w.Settle(w.t)
	w.follows = fedtest.Received[*as.Follow](w.ann)[0].ID
}

// someOrders is how many orders of a script the short form tries: all of three messages.
const someOrders = 6

// orders returns all orders of n things, the natural one first; in the short form some, the natural one and
// its reverse among them.
func orders(n int) [][]int {
	all := permutations(n)
	if sharedtest.Long() || len(all) <= someOrders {
		return all
	}
	some := make([][]int, someOrders)
	for i := range some {
		some[i] = all[i*(len(all)-1)/(someOrders-1)]
	}
	return some
}

// TestR7_AnyOrderEndsInOneState: whatever the order in which messages come, and however often.
func TestR7_AnyOrderEndsInOneState(t *testing.T) {
	require.GreaterOrEqual(t, len(scripts), 30)
	for name, script := range scripts {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			first := ""
			for i, order := range orders(lengthOf(t, script)) {
				for _, twice := range []bool{false, true} {
					synctest.Test(t, func(t *testing.T) {
						w := newWorld(t, kith.Config{})
						for _, a := range []*fedtest.Actor{w.ann, w.ben, w.eve} {
							a.Rekey(t) // to one that signs in no time
						}
						acts, want := script(w)
						for at, k := range order {
							w.send(acts[k].by, acts[k].n)
							if twice { // and one from before once more
								w.send(acts[k].by, acts[k].n)
								w.send(acts[order[at/2]].by, acts[order[at/2]].n)
							}
						}
						state := w.state()
						if i == 0 && !twice {
							first = state
							expect(t, state, want)
						}
						require.Equal(t, first, state, "order %v, twice %t", order, twice)
					})
				}
				if t.Failed() {
					return
				}
			}
		})
	}
}

func expect(t *testing.T, state string, want []string) {
	t.Helper()
	for _, s := range want {
		if not, ok := strings.CutPrefix(s, "!"); ok {
			require.NotContains(t, state, not)
			continue
		}
		require.Contains(t, state, s)
	}
}

func lengthOf(t *testing.T, script func(*world) ([]act, []string)) (n int) {
	synctest.Test(t, func(t *testing.T) {
		acts, _ := script(newWorld(t, kith.Config{}))
		n = len(acts)
	})
	return n
}

// permutations returns all orders of n things, the natural one first.
func permutations(n int) [][]int {
	if n == 0 {
		return [][]int{nil}
	}
	var all [][]int
	for _, p := range permutations(n - 1) {
		for at := n - 1; at >= 0; at-- {
			all = append(all, slices.Insert(slices.Clone(p), at, n-1))
		}
	}
	return all
}
