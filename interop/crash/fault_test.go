package crash

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"net/http"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/gokith/kith"
	as "github.com/gokith/kith/activitystreams"
	"github.com/gokith/kith/fedtest"
	"github.com/gokith/kith/inbox"
	"github.com/gokith/kith/internal/sharedtest"
	"github.com/gokith/kith/social"
	"github.com/gokith/kith/sqlite"
	"github.com/gokith/kith/storage"
	"github.com/gokith/kith/storage/memory"
)

// TestR11_FaultAtEveryCall runs a long conversation once without trouble, counting the calls of the
// store, and then once for each call with that call going wrong, in each of three ways. In the end all
// must be as it was without: each effect once, each delivery there. The short form takes a sample of the
// calls, another one each time.
func TestR11_FaultAtEveryCall(t *testing.T) {
	t.Parallel()
	template := keyed(t)
	stores := map[string]func(*testing.T) storage.Store{
		"memory": func(*testing.T) storage.Store { return memory.New() },
		"sqlite": func(t *testing.T) storage.Store {
			s, err := sqlite.Open(filepath.Join(t.TempDir(), "kith.db"))
			require.NoError(t, err)
			t.Cleanup(func() { require.NoError(t, s.Close()) })
			return s
		},
	}
	samples := map[string]int{"memory": 15, "sqlite": 4}
	for name, open := range stores {
		t.Run(name, func(t *testing.T) {
			run := func(t *testing.T, at int, how string) (state []string, calls int) {
				synctest.Test(t, func(t *testing.T) {
					e := newEpisode(t, open(t), template, newFaults(at, how))
					e.play()
					state, calls = e.state(), e.faults.calls
				})
				return state, calls
			}
			want, calls := run(t, 0, "")
			t.Logf("%d calls; in the end\n%s", calls, strings.Join(want, "\n"))
			stride := max(1, calls/samples[name])
			if sharedtest.Long() {
				stride = 1
			}
			first := 1 + int(seedOf(t)%uint64(stride))
			for _, how := range []string{failBefore, failAfter, die} {
				for k := first; k <= calls; k += stride {
					t.Run(fmt.Sprintf("call %d %s", k, how), func(t *testing.T) {
						got, _ := run(t, k, how)
						require.Equal(t, want, got)
					})
				}
			}
		})
	}
}

const (
	host   = "blog.example"
	ledger = "ledger" // the actor that publishes one note for each activity that took effect
)

// keyed is a store whose actors have keys, since making those takes longer than all the rest.
func keyed(t *testing.T) storage.Store {
	t.Helper()
	s := memory.New()
	srv, err := kith.New(t.Context(), config(s))
	require.NoError(t, err)
	require.NoError(t, srv.Close())
	return s
}

func config(s storage.Store) kith.Config {
	return kith.Config{
		Origin: "https://" + host, Store: s, Actors: []kith.Actor{{Key: "blog"}, {Key: ledger}},
		Logger: slog.New(slog.DiscardHandler),
	}
}

// episode is one run of the conversation.
type episode struct {
	t                 *testing.T
	base              storage.Store
	faults            *faults
	net               *fedtest.Network
	alice, bob, carol *fedtest.Actor

	srv  *kith.Server
	stop func()
}

func newEpisode(t *testing.T, base, template storage.Store, f *faults) *episode {
	t.Helper()
	for a, err := range template.Actors(t.Context()) {
		require.NoError(t, err)
		require.NoError(t, base.PutActor(t.Context(), a))
		keys, err := template.Keys(t.Context(), a.Key)
		require.NoError(t, err)
		_, err = base.InsertKeys(t.Context(), a.Key, keys...)
		require.NoError(t, err)
	}
	e := &episode{t: t, base: base, faults: f, net: fedtest.NewNetwork(t)}
	e.alice, e.bob, e.carol = e.net.Peer("a.example").Actor("alice"), e.net.Peer("b.example").Actor("bob"), e.net.Peer("c.example").Actor("carol")
	e.start(f)
	t.Cleanup(func() { e.stop() })
	return e
}

// start puts a server on the network, whose app publishes a note without a name for each activity, so
// that a second handling would show.
func (e *episode) start(f *faults) {
	c := config(spoil(e.base, f))
	c.Transport = e.net
	var err error
	c.Inbox = new(inbox.Mux)
	inbox.OnAny(c.Inbox, func(ctx context.Context, n as.Node, v *inbox.Verified) error {
		_, err := e.srv.Publish(ctx, ledger, kith.Direct(e.alice.ID), &as.Note{Content: as.HTML(n.NodeType() + " " + string(v.ID()))})
		return err
	})
	for e.srv, err = kith.New(e.t.Context(), c); err != nil; e.srv, err = kith.New(e.t.Context(), c) {
		c.Store = e.base // a start that failed is tried again, without further trouble
	}
	e.net.Handle(host, e.srv.Handler(nil))
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- e.srv.Run(ctx) }()
	e.stop = func() {
		cancel()
		<-done // a dead store may be the reason of an error
		_ = e.srv.Close()
	}
}

// step repeats something until it succeeds, on a new server if the old one died, and waits until all
// that follows from it is done.
func (e *episode) step(what string, try func() error) {
	e.t.Helper()
	var err error
	for range 100 {
		if err = try(); err == nil {
			break
		}
		e.revive()
		time.Sleep(5 * time.Second)
	}
	require.NoError(e.t, err, what)
	for range 1000 {
		e.revive()
		s, err := e.base.Stats(e.t.Context())
		require.NoError(e.t, err)
		if s.PendingReceipts+s.UnfinishedPosts+s.PendingDeliveries == 0 {
			time.Sleep(2 * time.Second) // so that what comes next is newer
			return
		}
		time.Sleep(time.Second)
	}
	s, err := e.base.Stats(e.t.Context())
	e.t.Fatalf("%s: not settled: %+v, %v", what, s, err)
}

func (e *episode) revive() {
	select {
	case <-e.faults.died:
		e.faults.died = nil // once
		e.stop()
		e.start(newFaults(0, ""))
	default:
	}
}

// says lets a remote actor post an activity until it is acknowledged.
func (e *episode) says(a *fedtest.Actor, n as.Node) {
	e.t.Helper()
	e.step(string(n.NodeID()), func() error {
		if status := a.Post(e.t, e.srv.Names().SharedInbox(), n, fedtest.Forgery{}); status != http.StatusAccepted {
			return fmt.Errorf("answered %d", status)
		}
		return nil
	})
}

func (e *episode) does(what string, do func(ctx context.Context) error) {
	e.t.Helper()
	e.step(what, func() error { return do(e.t.Context()) })
}

func ours(slug string) as.IRI { return as.IRI("https://" + host + "/posts/" + slug) }

func (e *episode) publishes(slug, text string) {
	e.t.Helper()
	e.does("publish "+slug, func(ctx context.Context) error {
		_, err := e.srv.Publish(ctx, "blog", kith.Public(), &as.Note{ID: ours(slug), Content: as.HTML(text)})
		return err
	})
}

// play is the conversation: thirty steps, each done before the next.
func (e *episode) play() {
	e.t.Helper()
	blog := as.IRI("https://" + host + "/ap/actors/blog")
	id := func(a *fedtest.Actor, name string) as.IRI { return as.IRI(a.Peer.Origin() + "/" + name) }
	follow := func(a *fedtest.Actor, n string) *as.Follow {
		return &as.Follow{ID: id(a, "follow"+n), Actor: as.IRIs(a.ID), Object: as.IRIs(blog)}
	}
	undo := func(a *fedtest.Actor, name string, n as.Node) *as.Undo {
		return &as.Undo{ID: id(a, name), Actor: as.IRIs(a.ID), Object: as.Embed(n)}
	}
	note := func(a *fedtest.Actor, name, text string, to as.IRI) *as.Note {
		n := &as.Note{ID: id(a, name), AttributedTo: as.IRIs(a.ID), Content: as.HTML(text), To: as.IRIs(as.Public), Published: as.At(time.Now())}
		if to != "" {
			n.InReplyTo = as.IRIs(to)
		}
		a.Peer.Put(n)
		return n
	}
	create := func(a *fedtest.Actor, n *as.Note) *as.Create {
		return &as.Create{ID: n.ID + "#create", Actor: as.IRIs(a.ID), Object: as.Embed(n), To: n.To}
	}

	e.says(e.alice, follow(e.alice, "1"))
	e.says(e.bob, follow(e.bob, "1"))
	e.says(e.carol, follow(e.carol, "1"))
	e.publishes("one", "<p>One</p>")
	e.publishes("two", "<p>Two</p>")
	first, second := note(e.alice, "first", "<p>Hello</p>", ours("one")), note(e.bob, "second", "<p>Me too</p>", ours("one"))
	e.says(e.alice, create(e.alice, first))
	e.says(e.bob, create(e.bob, second))
	like := &as.Like{ID: id(e.alice, "like"), Actor: as.IRIs(e.alice.ID), Object: as.IRIs(ours("one"))}
	e.says(e.alice, like)
	e.says(e.bob, &as.Like{ID: id(e.bob, "like"), Actor: as.IRIs(e.bob.ID), Object: as.IRIs(ours("one"))})
	boost := &as.Announce{ID: id(e.bob, "boost"), Actor: as.IRIs(e.bob.ID), Object: as.IRIs(ours("two")), To: as.IRIs(as.Public)}
	e.says(e.bob, boost)
	e.says(e.carol, &as.Announce{ID: id(e.carol, "boost"), Actor: as.IRIs(e.carol.ID), Object: as.IRIs(ours("one")), To: as.IRIs(as.Public)})
	e.says(e.alice, undo(e.alice, "unlike", like))
	first.Content, first.Updated = as.HTML("<p>Hello again</p>"), as.At(time.Now())
	e.says(e.alice, &as.Update{ID: id(e.alice, "update"), Actor: as.IRIs(e.alice.ID), Object: as.Embed(first), To: as.IRIs(as.Public)})
	e.bob.Peer.Gone(second.ID)
	e.says(e.bob, &as.Delete{ID: id(e.bob, "delete"), Actor: as.IRIs(e.bob.ID), Object: as.IRIs(second.ID), To: as.IRIs(as.Public)})
	e.does("update", func(ctx context.Context) error {
		_, err := e.srv.Update(ctx, "blog", &as.Note{ID: ours("one"), Content: as.HTML("<p>One, corrected</p>")})
		return err
	})
	e.says(e.bob, undo(e.bob, "unboost", boost))
	e.says(e.carol, undo(e.carol, "unfollow", follow(e.carol, "1")))
	e.publishes("three", "<p>Three</p>")
	e.does("delete", func(ctx context.Context) error {
		_, err := e.srv.Delete(ctx, "blog", ours("two"))
		return err
	})
	e.does("follow", func(ctx context.Context) error { return e.srv.Social().Follow(ctx, "blog", e.alice.ID) })
	var ourFollow as.IRI
	for _, f := range fedtest.Received[*as.Follow](e.alice) {
		ourFollow = f.ID
	}
	e.says(e.alice, &as.Accept{ID: id(e.alice, "accept"), Actor: as.IRIs(e.alice.ID), Object: as.IRIs(ourFollow)})
	third := note(e.alice, "third", "<p>For followers</p>", "")
	e.says(e.alice, create(e.alice, third))
	e.does("like", func(ctx context.Context) error { return e.srv.Social().Like(ctx, "blog", third.ID) })
	e.does("boost", func(ctx context.Context) error { return e.srv.Social().Boost(ctx, "blog", third.ID) })
	// What failed after its commit finds nothing left to take back.
	e.does("unlike", func(ctx context.Context) error { return gone(e.srv.Social().Unlike(ctx, "blog", third.ID)) })
	e.does("unboost", func(ctx context.Context) error { return gone(e.srv.Social().Unboost(ctx, "blog", third.ID)) })
	e.does("unfollow", func(ctx context.Context) error { return gone(e.srv.Social().Unfollow(ctx, "blog", e.alice.ID)) })
	e.says(e.carol, follow(e.carol, "2"))
	e.publishes("four", "<p>Four</p>")
	e.says(e.bob, undo(e.bob, "unfollow", follow(e.bob, "1")))
}

// gone takes for done what is not there any more.
func gone(err error) error {
	if errors.Is(err, social.ErrNoRelation) {
		return nil
	}
	return err
}

// state describes how everything ended, without what differs from run to run: times and random ids.
func (e *episode) state() []string {
	e.t.Helper()
	ctx := e.t.Context()
	var all []string
	add := func(format string, args ...any) { all = append(all, fmt.Sprintf(format, args...)) }
	for o, err := range e.base.Objects(ctx, storage.ObjectQuery{Owner: "https://" + host + "/ap/actors/" + ledger}) {
		require.NoError(e.t, err)
		if o.Type == "Note" {
			add("effect: %s", content(e.t, o))
		}
	}
	for _, id := range []as.IRI{ours("one"), ours("two"), ours("three"), ours("four"), "https://a.example/first", "https://b.example/second", "https://a.example/third"} {
		o, err := e.base.Object(ctx, id)
		require.NoError(e.t, err)
		add("object: %s %s deleted=%t %s", id, o.Type, !o.Deleted.IsZero(), content(e.t, o))
	}
	for _, kind := range []storage.EdgeKind{storage.Follow, storage.Like, storage.Announce, storage.Reply} {
		for edge, err := range e.base.Edges(ctx, storage.EdgeQuery{Kind: kind}) {
			require.NoError(e.t, err)
			add("edge: %s %s %s %s", edge.Kind, edge.Subject, edge.Object, edge.State)
		}
	}
	for r, err := range e.base.Receipts(ctx, storage.ReceiptQuery{}) {
		require.NoError(e.t, err)
		add("receipt: %s %s %s", r.Activity, r.State, r.Scope)
	}
	for d, err := range e.base.Deliveries(ctx, storage.DeliveryQuery{}) {
		require.NoError(e.t, err)
		if d.State != storage.DeliveryDone {
			add("delivery: %s to %s %s %s", d.Verb, d.Inbox, d.State, d.Code)
		}
	}
	arrived := make(map[string]bool) // each at least once
	for _, a := range []*fedtest.Actor{e.alice, e.bob, e.carol} {
		for _, x := range a.Peer.Received() {
			arrived[fmt.Sprintf("arrived: %s %s at %s%s", x.Activity.NodeType(), about(x.Activity), a.Peer.Origin(), x.Path)] = true
		}
	}
	slices.Sort(all)
	return append(all, slices.Sorted(maps.Keys(arrived))...)
}

func content(t *testing.T, o storage.Object) string {
	t.Helper()
	n, err := as.Decode(o.Document)
	require.NoError(t, err)
	if c, ok := as.CommonOf(n); ok && c.Content != nil {
		return c.Content.String()
	}
	return ""
}

// about names the object of an activity, by its text where ids are random.
func about(n as.Node) string {
	a, _ := as.ActivityOf(n)
	ref := a.Object.First()
	if note, ok := as.As[*as.Note](ref); ok {
		return note.Content.String()
	}
	if inner, ok := as.ActivityOf(ref.Node()); ok {
		return ref.Node().NodeType() + " of " + string(inner.Object.First().ID())
	}
	if strings.Contains(string(ref.ID()), "/ap/activities/") {
		return "an activity of ours"
	}
	return string(ref.ID())
}
