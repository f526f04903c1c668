package social_test

import (
	"context"
	"errors"
	"iter"
	"net/http"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/gokith/kith"
	as "github.com/gokith/kith/activitystreams"
	"github.com/gokith/kith/fedtest"
	"github.com/gokith/kith/social"
	"github.com/gokith/kith/storage"
	"github.com/gokith/kith/storage/memory"
)

// place is a server with one public post, and what its app heard.
type place struct {
	*fedtest.Server
	net        *fedtest.Network
	store      storage.Store
	alice, eve *fedtest.Actor
	post       as.IRI

	mu    sync.Mutex
	heard []social.Event
}

func newPlace(t *testing.T, store storage.Store) *place {
	t.Helper()
	p := &place{net: fedtest.NewNetwork(t), store: store}
	p.Server = fedtest.NewServer(t, p.net, kith.Config{Store: store, Actors: []kith.Actor{{Key: "blog"}, {Key: "carol"}}}, func(s *kith.Server) {
		hear[social.Replied](s, p)
		hear[social.Mentioned](s, p)
		hear[social.Boosted](s, p)
		hear[social.Unfollowed](s, p)
		hear[social.ActorUpdated](s, p)
		hear[social.ActorRemoved](s, p)
	})
	p.alice = p.net.Peer("social.example").Actor("alice")
	p.eve = p.net.Peer("evil.example").Actor("eve")
	r, err := p.Publish(t.Context(), "blog", kith.Public(), &as.Note{Content: as.HTML("<p>Hello.</p>")})
	require.NoError(t, err)
	p.post = r.Object
	p.Settle(t)
	return p
}

func hear[E social.Event](s *kith.Server, p *place) {
	kith.On(s, func(_ context.Context, e E) error {
		p.mu.Lock()
		defer p.mu.Unlock()
		p.heard = append(p.heard, e)
		return nil
	})
}

// take returns the events of one kind since it was last called for any.
func take[E social.Event](p *place) (all []E) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, e := range p.heard {
		if e, ok := e.(E); ok {
			all = append(all, e)
		}
	}
	p.heard = nil
	return all
}

// followed makes blog follow alice.
func (p *place) followed(t *testing.T) {
	t.Helper()
	require.NoError(t, p.Social().Follow(t.Context(), "blog", p.alice.ID))
	p.Settle(t)
	follow := fedtest.Received[*as.Follow](p.alice)[0]
	fedtest.Deliver(t, p.Server, p.alice, &as.Accept{ID: p.alice.NewID("accepts"), Actor: as.IRIs(p.alice.ID), Object: as.IRIs(follow.ID)})
}

// private is a note of alice's to some people only.
func (p *place) private(to ...as.IRI) *as.Note {
	return &as.Note{ID: p.alice.NewID("notes"), AttributedTo: as.IRIs(p.alice.ID), To: as.IRIs(to...), Content: as.HTML("<p>Between us.</p>")}
}

// edges of a store that can fail.
type shaky struct {
	relations
	mu   sync.Mutex
	fail map[storage.EdgeKind]int
}

func (s *shaky) Edge(ctx context.Context, kind storage.EdgeKind, subject, object as.IRI) (storage.Edge, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.fail[kind]--; s.fail[kind] >= 0 {
		return storage.Edge{}, errors.New("the disk hiccuped")
	}
	return s.relations.Edge(ctx, kind, subject, object)
}

type relations = storage.Edges

// A message that was accepted survives a store that fails for a moment.
func TestR11_AFaultIsNoVerdict(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		base := memory.New()
		edges := &shaky{relations: base, fail: map[storage.EdgeKind]int{}}
		p := newPlace(t, storage.With(base, storage.Override{Edges: edges}))
		edges.fail[social.Deleted] = 1
		fedtest.Deliver(t, p.Server, p.alice, p.alice.Create(p.alice.Note(p.post, "<p>Still here.</p>")))
		time.Sleep(time.Hour)
		p.Settle(t)
		require.Len(t, take[social.Replied](p), 1)
	})
}

// An old profile does not come back because somebody passes on the Update that brought it (S-26, S-37).
func TestS26_OldProfilesStayOld(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := newPlace(t, memory.New())
		fedtest.Deliver(t, p.Server, p.alice, p.alice.Follow(p.ActorID("blog")))
		old, before := *p.alice, p.profile(t)
		p.alice.Rekey(t)
		time.Sleep(time.Hour)
		fedtest.Deliver(t, p.Server, p.alice, p.alice.Update(p.profile(t)))
		require.Len(t, take[social.ActorUpdated](p), 1)
		replay := p.alice.Update(before)
		p.alice.Peer.Put(replay)
		require.Equal(t, http.StatusAccepted, p.alice.Post(t, p.SharedInbox(), replay, fedtest.Forgery{By: p.eve}))
		p.Settle(t)
		require.Equal(t, http.StatusUnauthorized, p.alice.Post(t, p.SharedInbox(), p.alice.Like(p.post), fedtest.Forgery{By: &old}))
		require.Equal(t, http.StatusAccepted, p.alice.Post(t, p.SharedInbox(), p.alice.Like(p.post), fedtest.Forgery{}))
		p.Settle(t)
	})
}

// profile is alice's document as her server gives it now.
func (p *place) profile(t *testing.T) as.Node {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, string(p.alice.ID), nil)
	require.NoError(t, err)
	r.Header.Set("Accept", as.ContentType)
	res, err := p.net.RoundTrip(r)
	require.NoError(t, err)
	defer res.Body.Close()
	body := make([]byte, 1<<16)
	n, _ := res.Body.Read(body)
	doc, err := as.Decode(body[:n])
	require.NoError(t, err)
	return doc
}

// An Update that only names the actor makes us look.
func TestI75_UpdateByReference(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := newPlace(t, memory.New())
		fedtest.Deliver(t, p.Server, p.alice, p.alice.Follow(p.ActorID("blog")))
		fedtest.Deliver(t, p.Server, p.alice, &as.Update{ID: p.alice.NewID("updates"), Actor: as.IRIs(p.alice.ID), Object: as.IRIs(p.alice.ID)})
		require.Len(t, take[social.ActorUpdated](p), 1)
	})
}

// How many answered in private is nobody's business (S-99).
func TestS99_PrivateRepliesAreNotCounted(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := newPlace(t, memory.New())
		count := func() (social.Counts, int) {
			c, err := p.Social().Count(t.Context(), p.post)
			require.NoError(t, err)
			n, err := p.store.CountEdges(t.Context(), storage.EdgeQuery{Kind: storage.Reply, Object: p.post, State: storage.EdgeActive})
			require.NoError(t, err)
			return c, n
		}
		note := p.private(p.ActorID("blog"))
		note.InReplyTo = as.IRIs(p.post)
		fedtest.Deliver(t, p.Server, p.alice, p.alice.Create(note))
		require.Len(t, take[social.Replied](p), 1, "the author is told")
		c, n := count()
		require.Zero(t, c.Replies)
		require.Zero(t, n)
		// A public one that is narrowed later leaves the count.
		note = p.alice.Note(p.post, "<p>For all.</p>")
		fedtest.Deliver(t, p.Server, p.alice, p.alice.Create(note))
		c, _ = count()
		require.Equal(t, 1, c.Replies)
		note.To, note.CC, note.Updated = as.IRIs(p.ActorID("blog")), nil, as.At(time.Now().Add(time.Second))
		fedtest.Deliver(t, p.Server, p.alice, p.alice.Update(note))
		c, n = count()
		require.Zero(t, c.Replies)
		require.Zero(t, n)
	})
}

// A reply does not move to another thread, where nobody would find it to take it away.
func TestS37_RepliesStayWhereTheyAre(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := newPlace(t, memory.New())
		note := p.alice.Note(p.post, "<p>Here.</p>")
		fedtest.Deliver(t, p.Server, p.alice, p.alice.Create(note))
		note.InReplyTo, note.Updated = as.IRIs("https://evil.example/else"), as.At(time.Now().Add(time.Second))
		fedtest.Deliver(t, p.Server, p.alice, p.alice.Update(note))
		fedtest.Deliver(t, p.Server, p.alice, p.alice.Delete(note.ID))
		c, err := p.Social().Count(t.Context(), p.post)
		require.NoError(t, err)
		require.Zero(t, c.Replies)
	})
}

// Everybody who is addressed blind hears of it (S-91).
func TestS91_BlindRecipientsAllHear(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := newPlace(t, memory.New())
		create := p.alice.Create(p.private("https://social.example/users/dan"))
		for range 2 {
			for _, key := range []string{"blog", "carol"} {
				require.Equal(t, http.StatusAccepted, p.alice.Post(t, p.Names().Inbox(key), create, fedtest.Forgery{}))
				p.Settle(t)
			}
		}
		var told []string
		for _, e := range take[social.Mentioned](p) {
			told = append(told, e.Actors...)
		}
		require.Equal(t, []string{"blog", "carol"}, told)
	})
}

// Whom a local actor blocks cannot reach that actor by mentioning, and whom the server blocks not by being
// boosted (S-50).
func TestS50_BlockedAuthors(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := newPlace(t, memory.New())
		p.followed(t)
		require.NoError(t, p.Policy().BlockFor(t.Context(), p.ActorID("carol"), p.alice.ID))
		fedtest.Deliver(t, p.Server, p.alice, p.alice.Create(p.private(p.ActorID("carol"), p.ActorID("blog"))))
		told := take[social.Mentioned](p)
		require.Len(t, told, 1)
		require.Equal(t, []string{"blog"}, told[0].Actors)

		note := p.eve.Note("", "<p>By eve.</p>")
		fedtest.Deliver(t, p.Server, p.alice, p.alice.Announce(note.ID))
		require.Len(t, take[social.Boosted](p), 1)
		require.NoError(t, p.Policy().Block(t.Context(), p.eve.ID)) // eve, not her server
		time.Sleep(time.Minute)
		fedtest.Deliver(t, p.Server, p.alice, p.alice.Announce(p.eve.Note("", "<p>Again.</p>").ID))
		require.Empty(t, take[social.Boosted](p))
	})
}

// paged counts the lists of objects that have no bound.
type paged struct {
	documents
	whole int
}

type documents = storage.Objects

func (o *paged) Objects(ctx context.Context, q storage.ObjectQuery) iter.Seq2[storage.Object, error] {
	if q.Limit == 0 {
		o.whole++
	}
	return o.documents.Objects(ctx, q)
}

// An actor with many posts is forgotten without all of them in memory at once, and followers are told of
// that go with it (S-63).
func TestS63_ForgettingSomebodyWithMuchToSay(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		base := memory.New()
		objects := &paged{documents: base}
		p := newPlace(t, storage.With(base, storage.Override{Objects: objects}))
		fedtest.Deliver(t, p.Server, p.alice, p.alice.Follow(p.ActorID("blog")))
		for range 250 {
			note := p.private(p.ActorID("blog"))
			_, err := base.PutObject(t.Context(), storage.Object{ID: note.ID, Type: "Note", Owner: p.alice.ID, Document: []byte(`{}`), Updated: time.Now()})
			require.NoError(t, err)
		}
		bye := &as.Delete{ID: p.alice.NewID("deletes"), Actor: as.IRIs(p.alice.ID), Object: as.IRIs(p.alice.ID)}
		fedtest.Deliver(t, p.Server, p.alice, bye)
		require.Zero(t, objects.whole)
		for o, err := range base.Objects(t.Context(), storage.ObjectQuery{Owner: p.alice.ID}) {
			require.NoError(t, err)
			require.NotZero(t, o.Deleted)
		}
		require.Len(t, take[social.Unfollowed](p), 1)
	})
}

// What is remembered against late originals is not remembered for ever (S-81).
func TestS81_MemoriesOfWhatNeverCame(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := newPlace(t, memory.New())
		fedtest.Deliver(t, p.Server, p.alice, p.alice.Undo(p.alice.Like(p.post)))
		fedtest.Deliver(t, p.Server, p.alice, p.alice.Delete(p.alice.NewID("notes")))
		count := func() (n int) {
			for _, kind := range []storage.EdgeKind{social.Undone, social.Deleted} {
				m, err := p.store.CountEdges(t.Context(), storage.EdgeQuery{Kind: kind})
				require.NoError(t, err)
				n += m
			}
			return n
		}
		require.Equal(t, 2, count())
		time.Sleep(kith.RetainReceipts + 2*time.Hour)
		require.Zero(t, count())
	})
}

// Followers of an actor who was brought along from elsewhere may answer what is for them (S-99).
func TestS99_FollowersOfImportedActors(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := newPlace(t, memory.New())
		ana := as.IRI("https://" + fedtest.DefaultHost + "/users/ana")
		require.NoError(t, p.PutActor(t.Context(), kith.Actor{Key: "7", Handle: "ana", ID: ana}))
		fedtest.Deliver(t, p.Server, p.alice, p.alice.Follow(ana))
		secret, err := p.Publish(t.Context(), "7", kith.Followers(), &as.Note{Content: as.HTML("<p>Psst.</p>")})
		require.NoError(t, err)
		p.Settle(t)
		note := p.private(ana)
		note.InReplyTo = as.IRIs(secret.Object)
		fedtest.Deliver(t, p.Server, p.alice, p.alice.Create(note))
		require.Len(t, take[social.Replied](p), 1)
		note = p.private(ana)
		note.ID, note.AttributedTo, note.InReplyTo = p.eve.NewID("notes"), as.IRIs(p.eve.ID), as.IRIs(secret.Object)
		fedtest.Deliver(t, p.Server, p.eve, p.eve.Create(note))
		require.Empty(t, take[social.Replied](p), "she cannot see what she answers")
	})
}
