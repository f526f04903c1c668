package storagetest

import (
	"strings"
	"testing"
	"time"

	as "github.com/gokith/kith/activitystreams"
	"github.com/gokith/kith/queue"
	"github.com/gokith/kith/storage"
	"github.com/stretchr/testify/require"
)

var hostileChecks = []check{
	{"S110_KeysStayApart", hostileKeys},
	{"S112_QueriesTakeTextAsText", hostileQueries},
	{"S112_CursorsAreData", hostileCursors},
	{"TextOfPeersNeverFailsAWrite", hostileText},
	{"NULFindsNothing", hostileNUL},
}

// hostile are strings that are equal, ordered or special somewhere, but must be distinct keys here.
var hostile = []string{
	"a", "A", "a ", " a", "a\t", "á", "a\u0301", "ａ", "ß", "ss", "ı", "i", "İ", "ﬁ", "fi", "Ω", "\u2126",
	"'", "''", `"`, `\`, `\\`, "%", "_", "%%", "*", "?", "$1", ":1", "@p", ";", "--", "/*", "null", "NULL", "0", "00", "1e0", "0x1", "true",
	"'; DROP TABLE kith_objects; --", `" OR 1=1 --`, "a' || 'b", "../a", "..%2fa", "%2e%2e/a", "./a", "a/", "a//", "C:\\a", "~", "con", "nul",
	"\u202ea", "a\u200b", "a\ufeff", "\u00a0", "\r\n", "\x7f", "😀", "\U0010ffff", "日本", "a,b", "{a}", "[a]", `{"a":1}`,
	strings.Repeat("x", 2000), strings.Repeat("x", 1999) + "y", strings.Repeat("é", 1000),
}

func hostileKeys(t *testing.T, s storage.Store) {
	ctx := t.Context()
	expires := time.Now().Add(time.Hour)
	for i, h := range hostile {
		id := as.IRI(h)
		_, err := s.PutObject(ctx, storage.Object{ID: id, Owner: id, Type: h, Digest: h, Updated: minute(i)})
		require.NoError(t, err, "%q", h)
		_, err = s.PutEdge(ctx, storage.Edge{Kind: storage.EdgeKind("x" + h), Subject: id, Object: id, Activity: id, State: "active", Content: h, Time: minute(i)})
		require.NoError(t, err, "%q", h)
		_, fresh, err := s.Claim(ctx, storage.Receipt{Activity: id, Actor: id, Scope: h, Received: minute(i), Proven: storage.Unconfirmed})
		require.NoError(t, err, "%q", h)
		require.True(t, fresh, "%q", h)
		require.NoError(t, s.UpdateHost(ctx, h, func(x *storage.Host) { x.Failures = i + 1 }))
		require.NoError(t, s.CachePut(ctx, h, storage.CacheEntry{Value: []byte(h), Expires: expires}))
		held, err := s.Lock(ctx, h, h, time.Hour)
		require.NoError(t, err)
		require.True(t, held, "%q", h)
		_, err = s.InsertKeys(ctx, h, storage.Key{ID: id, Algorithm: "rsa", Secret: storage.Secret(h), Created: minute(i)})
		require.NoError(t, err, "%q", h)
	}
	for i, h := range hostile {
		id := as.IRI(h)
		o, err := s.Object(ctx, id)
		require.NoError(t, err, "%q", h)
		require.Equal(t, storage.Object{ID: id, Owner: id, Type: h, Digest: h, Updated: minute(i), Document: o.Document, Audience: o.Audience}, o)
		e, err := s.Edge(ctx, storage.EdgeKind("x"+h), id, id)
		require.NoError(t, err, "%q", h)
		require.Equal(t, h, e.Content)
		r, fresh, err := s.Claim(ctx, storage.Receipt{Activity: id, Actor: id, Scope: h})
		require.NoError(t, err)
		require.False(t, fresh)
		require.Equal(t, minute(i), r.Received, "%q", h)
		host, err := s.Host(ctx, h)
		require.NoError(t, err)
		require.Equal(t, i+1, host.Failures, "%q", h)
		c, err := s.CacheGet(ctx, h)
		require.NoError(t, err, "%q", h)
		require.Equal(t, h, string(c.Value))
		k, err := s.Keys(ctx, h)
		require.NoError(t, err)
		require.Len(t, k, 1, "%q", h)
		require.Equal(t, h, string(k[0].Secret))
	}
	require.Len(t, collect(t, s.Objects(ctx, storage.ObjectQuery{})), len(hostile))
	require.Len(t, collect(t, s.Hosts(ctx)), len(hostile))
}

func hostileQueries(t *testing.T, s storage.Store) {
	ctx := t.Context()
	for i, h := range hostile {
		id := iri("%d", i)
		_, err := s.PutObject(ctx, storage.Object{ID: id, Owner: as.IRI(h), Parent: as.IRI(h), Type: h, Updated: minute(1)})
		require.NoError(t, err)
		_, err = s.PutEdge(ctx, storage.Edge{Kind: storage.EdgeKind(h), Subject: as.IRI(h), Object: as.IRI(h), Activity: as.IRI(h), State: storage.EdgeState(h), Time: minute(i)})
		require.NoError(t, err)
		post, err := s.AddPost(ctx, storage.Post{Sender: h, Activity: as.IRI(h), Verb: h, Chain: as.IRI(h), To: []as.IRI{as.IRI(h)}})
		require.NoError(t, err)
		_, err = s.AddDeliveries(ctx, post, h, true, []storage.Delivery{{Inbox: as.IRI(h), Host: h, Recipient: as.IRI(h)}})
		require.NoError(t, err)
	}
	for _, h := range hostile {
		for _, q := range []storage.ObjectQuery{{Owner: as.IRI(h)}, {Parent: as.IRI(h)}, {Type: h}} {
			require.Len(t, collect(t, s.Objects(ctx, q)), 1, "%q", h)
		}
		for _, q := range []storage.EdgeQuery{
			{Kind: storage.EdgeKind(h)}, {Kind: storage.EdgeKind(h), Subject: as.IRI(h)}, {Kind: storage.EdgeKind(h), Object: as.IRI(h)},
			{Activity: as.IRI(h)}, {Kind: storage.EdgeKind(h), State: storage.EdgeState(h)},
		} {
			require.Len(t, collect(t, s.Edges(ctx, q)), 1, "%q", h)
		}
		for _, q := range []storage.DeliveryQuery{{Sender: h}, {Chain: as.IRI(h)}, {Host: h}, {Verbs: []string{h}}} {
			require.Len(t, collect(t, s.Deliveries(ctx, q)), 1, "%q", h)
		}
		require.Len(t, lease(t, s, h, 9, time.Now()), 1, "%q", h)
	}
	require.Len(t, collect(t, s.DueHosts(ctx)), len(hostile))
}

func hostileCursors(t *testing.T, s storage.Store) {
	putEdges(t, s, crowd()...)
	for _, h := range hostile {
		for _, oldest := range []bool{false, true} {
			got := collect(t, s.Edges(t.Context(), storage.EdgeQuery{
				Kind: storage.Follow, OldestFirst: oldest, After: storage.EdgeCursor{Time: minute(1), Subject: as.IRI(h), Object: as.IRI(h)},
			}))
			require.NotEmpty(t, got, "%q", h)
			for _, e := range got {
				at, c := e.Time.Compare(minute(1)), strings.Compare(string(e.Subject), h)
				if oldest {
					require.True(t, at > 0 || at == 0 && c > 0, "%q", h)
				} else {
					require.True(t, at < 0 || at == 0 && c < 0, "%q", h)
				}
			}
		}
		for _, o := range collect(t, s.Objects(t.Context(), storage.ObjectQuery{After: as.IRI(h)})) {
			require.Greater(t, string(o.ID), h)
		}
	}
}

// hostileText puts what a peer may answer, or an error may quote, where people read it. A store may
// clean it, but must take it: to refuse would be to lose the outcome.
func hostileText(t *testing.T, s storage.Store) {
	ctx := t.Context()
	for i, text := range []string{"\x00", "a\x00b", "\xff\xfe", "\xed\xa0\x80", "caf\xe9", "\xf0\x9f\x98"} {
		chained(t, s, "alice", "c", hostB, minute(1))
		ds := lease(t, s, hostB, 1, time.Now())
		require.Len(t, ds, 1)
		ds[0].Excerpt, ds[0].Code = text, "http.bad"
		record(t, s, ds, storage.DeliveryRefused, minute(1))
		got := collect(t, s.Deliveries(ctx, storage.DeliveryQuery{Host: hostB}))
		require.Equal(t, storage.DeliveryRefused, got[i].State)

		r := someReceipt(string(rune('a'+i)), i)
		r.Body, r.Normalized = []byte(text), []byte(text)
		r = claim(t, s, r)
		require.Equal(t, text, string(receipt(t, s, r.ID).Body), "bytes stay what they are")
		require.NoError(t, s.FinishReceipt(ctx, r.ID, storage.ReceiptDead, "failed: "+text, time.Time{}))
		require.Contains(t, receipt(t, s, r.ID).Reason, "failed: ")
		require.NoError(t, s.PutRelay(ctx, queue.Job{Kind: "k", Payload: []byte(text)}))
	}
}

// hostileNUL asks for names that no row has, because ids with NUL are refused long before.
func hostileNUL(t *testing.T, s storage.Store) {
	ctx := t.Context()
	put(t, s, someObject("1", 1), true)
	require.NoError(t, s.PutActor(ctx, someActor("alice")))
	require.NoError(t, s.CachePut(ctx, "k", storage.CacheEntry{Expires: time.Now().Add(time.Hour)}))
	for _, tail := range []string{"\x00", "\x00x", "\xff"} {
		_, err := s.Object(ctx, iri("1%s", tail))
		require.Error(t, err)
		_, err = s.Actor(ctx, "alice"+tail)
		require.Error(t, err)
		_, err = s.ActorByHandle(ctx, "alice"+tail)
		require.Error(t, err)
		_, err = s.ActorByID(ctx, iri("users/alice%s", tail))
		require.Error(t, err)
		_, err = s.CacheGet(ctx, "k"+tail)
		require.Error(t, err)
	}
	requireObject(t, s, someObject("1", 1))
}
