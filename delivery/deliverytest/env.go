package deliverytest

import (
	"context"
	"crypto/ed25519"
	"crypto/rand"
	"fmt"
	"log/slog"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	as "github.com/gokith/kith/activitystreams"
	"github.com/gokith/kith/audience"
	"github.com/gokith/kith/delivery"
	"github.com/gokith/kith/httpsig"
	"github.com/gokith/kith/keys"
	"github.com/gokith/kith/names"
	"github.com/gokith/kith/origin"
	"github.com/gokith/kith/outbox"
	"github.com/gokith/kith/queue"
	"github.com/gokith/kith/storage"
)

// An env is our server with one actor, alice, and a network of scripted peers.
type env struct {
	*testing.T
	options Options
	unit    time.Duration // a minute, or what stands for one
	ctx     context.Context
	store   storage.Store
	queue   queue.Queue
	names   names.Space
	alice   as.IRI
	net     *network
	out     *outbox.Outbox
	del     *delivery.Delivery
	config  delivery.Config
	stop    func()

	told told
}

const ourOrigin = "https://us.example"

func newEnv(t *testing.T, o Options, unit time.Duration) *env {
	store, q := o.Open(t)
	home, err := origin.Parse(ourOrigin)
	require.NoError(t, err)
	e := &env{T: t, options: o, unit: unit, ctx: t.Context(), store: store, queue: q, names: names.Space{Origin: home}, net: newNetwork(t)}
	e.alice = e.names.ActorID("alice")
	require.NoError(t, store.PutActor(e.ctx, storage.Actor{Key: "alice", Handle: "alice", ID: e.alice}))
	e.out, err = outbox.New(outbox.Config{Store: store, Names: e.names, Inboxes: e.inboxes, Logger: quiet()})
	require.NoError(t, err)
	e.config = delivery.Config{
		Store: store, Transport: e.net, Signer: e.signer, UserAgent: "Suite/1.0 (+https://us.example/)", Logger: quiet(),
		OnHostState: func(_ context.Context, s delivery.HostState) { note(&e.told, &e.told.states, s) },
		OnGaveUp:    func(_ context.Context, d storage.Delivery) { note(&e.told, &e.told.gaveUp, d) },
		OnGone:      func(_ context.Context, d storage.Delivery) { note(&e.told, &e.told.gone, d) },
		Limits: delivery.Limits{Attempt: unit / 2, Slice: unit / 12, Patience: unit / 240, Lease: 3 * unit, Backoff: unit,
			MaxBackoff: 360 * unit, GiveUp: 7200 * unit, Probe: unit, MaxProbe: 60 * unit, RetryAfter: 360 * unit,
			Scheme: 10080 * unit, AnswerTime: unit / 30, Overdue: unit / 2},
	}
	if o.RealTime { // a busy machine may hold up any of these
		e.config.Limits.Attempt, e.config.Limits.Lease, e.config.Limits.AnswerTime = 20*unit, 100*unit, 20*unit
	}
	return e
}

func quiet() *slog.Logger { return slog.New(slog.DiscardHandler) }

// told is what the hooks were told.
type told struct {
	sync.Mutex
	states []delivery.HostState
	gaveUp []storage.Delivery
	gone   []storage.Delivery
}

func note[T any](t *told, list *[]T, v T) {
	t.Lock()
	defer t.Unlock()
	*list = append(*list, v)
}

func read[T any](t *told, list *[]T) []T {
	t.Lock()
	defer t.Unlock()
	return slices.Clone(*list)
}

func (e *env) states() []delivery.HostState { return read(&e.told, &e.told.states) }
func (e *env) gaveUp() []storage.Delivery   { return read(&e.told, &e.told.gaveUp) }
func (e *env) gone() []storage.Delivery     { return read(&e.told, &e.told.gone) }

// start makes the delivery, changed by mods, and runs workers until the test ends or e.stop.
func (e *env) start(mods ...func(*delivery.Config)) {
	e.Helper()
	e.del = e.newDelivery(mods...)
	e.work(e.del, 8)
}

func (e *env) newDelivery(mods ...func(*delivery.Config)) *delivery.Delivery {
	e.Helper()
	c := e.config
	for _, mod := range mods {
		mod(&c)
	}
	d, err := delivery.New(c)
	require.NoError(e, err)
	return d
}

func (e *env) work(d *delivery.Delivery, workers int) {
	ctx, cancel := context.WithCancel(context.WithoutCancel(e.ctx))
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		_ = e.queue.Run(ctx, queue.Options{Poll: e.unit / 20, Kinds: map[string]queue.Kind{
			outbox.KindFanOut:    {Work: e.out.FanOut, Workers: 2, Lease: time.Hour},
			delivery.KindDeliver: {Work: d.Deliver, Workers: workers, Lease: time.Hour},
		}})
	}()
	e.stop = sync.OnceFunc(func() {
		cancel()
		<-ended
		patience, cancel := context.WithTimeout(context.WithoutCancel(e.ctx), e.unit/60)
		defer cancel()
		_ = d.Drain(patience)
	})
	e.Cleanup(e.stop)
}

// aKey is fast to sign with; what is signed does not depend on it.
var aKey = sync.OnceValue(func() ed25519.PrivateKey {
	_, key, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		panic(err)
	}
	return key
})

func (e *env) signer(context.Context, string, keys.Algorithm) (*httpsig.Signer, error) {
	return &httpsig.Signer{KeyID: string(e.alice) + "#main-key", Key: aKey()}, nil
}

// inboxes lets every actor live where his id says, with a shared inbox.
func (e *env) inboxes(_ context.Context, actor as.IRI) (inbox, shared as.IRI, err error) {
	o, err := origin.Of(actor)
	return actor + "/inbox", as.IRI(o.String() + "/inbox"), err
}

// follower makes an actor on the host a follower of alice, and returns him.
func (e *env) follower(host, name string) as.IRI {
	e.Helper()
	id := as.IRI("https://" + host + "/u/" + name)
	_, err := e.store.PutEdge(e.ctx, storage.Edge{Kind: storage.Follow, Subject: id, Object: e.alice, State: storage.EdgeActive,
		Inbox: id + "/inbox", SharedInbox: as.IRI("https://" + host + "/inbox")})
	require.NoError(e, err)
	return id
}

func (e *env) note(slug string) *as.Note {
	return &as.Note{ID: as.IRI(ourOrigin + "/posts/" + slug), Content: as.HTML("<p>" + slug + "</p>")}
}

func (e *env) publish(aud audience.Audience, n as.Node) outbox.Result {
	e.Helper()
	r, err := e.out.Publish(e.ctx, "alice", aud, n)
	require.NoError(e, err)
	return r
}

// until waits for a condition, at most for so many units of time.
func (e *env) until(units int, what string, cond func() bool) {
	e.Helper()
	for end := time.Now().Add(time.Duration(units)*e.unit + e.slack()); !cond(); time.Sleep(e.unit / 60) {
		if time.Now().After(end) {
			e.Fatalf("not within %d units: %s\nledger: %v", units, what, e.ledger())
		}
	}
}

// slack is what a busy machine may take on top, in real time.
func (e *env) slack() time.Duration {
	if e.unit < time.Second {
		return 20 * time.Second
	}
	return 0
}

// rest lets some time pass.
func (e *env) rest(units float64) { time.Sleep(time.Duration(units * float64(e.unit))) }

func (e *env) deliveries(q storage.DeliveryQuery) []storage.Delivery {
	e.Helper()
	var out []storage.Delivery
	for d, err := range e.store.Deliveries(e.ctx, q) {
		require.NoError(e, err)
		out = append(out, d)
	}
	return out
}

func (e *env) pending() int {
	e.Helper()
	return len(e.deliveries(storage.DeliveryQuery{State: storage.DeliveryPending}))
}

func (e *env) fannedOut() bool {
	e.Helper()
	for _, err := range e.store.UnfinishedPosts(e.ctx) {
		require.NoError(e, err)
		return false
	}
	return true
}

// settled reports whether nothing waits any more.
func (e *env) settled() bool { return e.fannedOut() && e.pending() == 0 }

func (e *env) ledger() (lines []string) {
	for _, d := range e.deliveries(storage.DeliveryQuery{Limit: 20}) {
		lines = append(lines, fmt.Sprintf("%d %s %s %s attempts=%d status=%d code=%s next=%s", d.ID, d.Verb, d.Inbox, d.State, d.Attempts, d.Status, d.Code, d.Next.Format(time.RFC3339)))
	}
	return lines
}

func (e *env) host(host string) storage.Host {
	e.Helper()
	h, err := e.store.Host(e.ctx, "https://"+host)
	require.NoError(e, err)
	return h
}
