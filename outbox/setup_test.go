package outbox_test

import (
	"context"
	"log/slog"
	"strconv"
	"testing"

	"github.com/stretchr/testify/require"

	as "github.com/gokith/kith/activitystreams"
	"github.com/gokith/kith/names"
	"github.com/gokith/kith/origin"
	"github.com/gokith/kith/outbox"
	"github.com/gokith/kith/queue"
	"github.com/gokith/kith/storage"
	"github.com/gokith/kith/storage/memory"
)

const (
	public    = as.Public
	bob       = as.IRI("https://b.example/u/bob")
	carol     = as.IRI("https://c.example/u/carol")
	alice     = as.IRI("https://us.example/ap/actors/alice")
	followers = as.IRI("https://us.example/ap/actors/alice/followers")
	postURL   = as.IRI("https://us.example/posts/hello")
)

type env struct {
	*testing.T
	ctx   context.Context
	store *memory.Store
	out   *outbox.Outbox
	conf  outbox.Config
}

func setup(t *testing.T, mods ...func(*outbox.Config)) *env {
	t.Helper()
	o, err := origin.Parse("https://us.example")
	require.NoError(t, err)
	e := &env{T: t, ctx: t.Context(), store: memory.New()}
	e.conf = outbox.Config{Store: e.store, Names: names.Space{Origin: o}, Logger: slog.New(slog.DiscardHandler), Inboxes: everywhere}
	for _, mod := range mods {
		mod(&e.conf)
	}
	e.out, err = outbox.New(e.conf)
	require.NoError(t, err)
	for _, key := range []string{"alice", "dora"} {
		require.NoError(t, e.store.PutActor(e.ctx, storage.Actor{Key: key, Handle: key, ID: e.conf.Names.ActorID(key)}))
	}
	return e
}

// everywhere lets every actor live where his id says, with a shared inbox.
func everywhere(_ context.Context, actor as.IRI) (inbox, shared as.IRI, err error) {
	o, err := origin.Of(actor)
	return actor + "/inbox", as.IRI(o.String() + "/inbox"), err
}

func (e *env) follow(host, name string) as.IRI {
	e.Helper()
	id := as.IRI("https://" + host + "/u/" + name)
	_, err := e.store.PutEdge(e.ctx, storage.Edge{Kind: storage.Follow, Subject: id, Object: alice, State: storage.EdgeActive,
		Inbox: id + "/inbox", SharedInbox: as.IRI("https://" + host + "/inbox")})
	require.NoError(e, err)
	return id
}

func note() *as.Note { return &as.Note{ID: postURL, Content: as.HTML("<p>Hello</p>")} }

func (e *env) post(id int64) storage.Post {
	e.Helper()
	p, err := e.store.Post(e.ctx, id)
	require.NoError(e, err)
	return p
}

func (e *env) object(id as.IRI) storage.Object {
	e.Helper()
	o, err := e.store.Object(e.ctx, id)
	require.NoError(e, err)
	return o
}

func decode[T as.Node](e *env, doc []byte) T {
	e.Helper()
	n, err := as.DecodeAs[T](doc)
	require.NoError(e, err)
	return n
}

func (e *env) fanOut(post int64) {
	e.Helper()
	require.NoError(e, e.out.FanOut(e.ctx, queue.Job{Kind: outbox.KindFanOut, Key: strconv.FormatInt(post, 10)}))
}

func (e *env) deliveries(q storage.DeliveryQuery) []storage.Delivery {
	e.Helper()
	var out []storage.Delivery
	for d, err := range e.store.Deliveries(e.ctx, q) {
		require.NoError(e, err)
		out = append(out, d)
	}
	return out
}

func (e *env) inboxes(post int64) []as.IRI {
	e.Helper()
	var out []as.IRI
	for _, d := range e.deliveries(storage.DeliveryQuery{Post: post}) {
		out = append(out, d.Inbox)
	}
	return out
}

func (e *env) listed() []as.IRI {
	e.Helper()
	var out []as.IRI
	for edge, err := range e.store.Edges(e.ctx, storage.EdgeQuery{Kind: storage.Outbox, Object: alice}) {
		require.NoError(e, err)
		out = append(out, edge.Subject)
	}
	return out
}

func requireCode(t testing.TB, err error, code string) {
	t.Helper()
	var e *outbox.Error
	require.ErrorAs(t, err, &e)
	require.Equal(t, code, e.Code)
}
