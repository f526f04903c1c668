package storagetest

import (
	"context"
	"testing"
	"time"

	as "github.com/gokith/kith/activitystreams"
	"github.com/gokith/kith/storage"
	"github.com/stretchr/testify/require"
)

var objectChecks = []check{
	{"ReturnsWhatWasPut", objectRoundTrip},
	{"UpdatedFallsBack", objectUpdated},
	{"TheLaterStands", objectLater},
	{"TombstonesStand", objectTombstone},
	{"AnotherOwnerConflicts", objectOwner},
	{"ListsInOrderOfIDs", objectList},
	{"Selects", objectSelect},
	{"RemoveLeavesNothing", objectRemove},
	{"OwnsItsBytes", objectBytes},
	{"TheLatestWinsARace", objectRace},
}

func someObject(id string, updated int) storage.Object {
	return storage.Object{
		ID: iri("%s", id), Type: "Note", Owner: iri("users/alice"), Local: true,
		Document: []byte(`{"type":"Note"}`), Audience: []as.IRI{as.Public, iri("users/bob")},
		Digest: "d1", Published: minute(0), Updated: minute(updated),
	}
}

func tombstone(o storage.Object, at int) storage.Object {
	o.Document, o.Deleted, o.Updated = []byte(`{"type":"Tombstone"}`), minute(at), minute(at)
	return o
}

func objectID(o storage.Object) as.IRI { return o.ID }

// put stores o and requires whether it stands.
func put(t *testing.T, s storage.Roles, o storage.Object, stands bool) {
	t.Helper()
	got, err := s.PutObject(t.Context(), o)
	require.NoError(t, err)
	require.Equal(t, stands, got)
}

func requireObject(t *testing.T, s storage.Roles, want storage.Object) {
	t.Helper()
	got, err := s.Object(t.Context(), want.ID)
	require.NoError(t, err)
	require.Equal(t, want, got)
}

func objectRoundTrip(t *testing.T, s storage.Store) {
	o := someObject("notes/1", 3)
	o.Parent = "https://b.example/notes/9"
	put(t, s, o, true)
	requireObject(t, s, o)
	_, err := s.Object(t.Context(), iri("notes/2"))
	require.ErrorIs(t, err, storage.ErrNotFound)
	_, err = s.Object(t.Context(), iri("Notes/1"))
	require.ErrorIs(t, err, storage.ErrNotFound)

	bare := storage.Object{ID: iri("bare"), Updated: minute(1)}
	put(t, s, bare, true)
	got, err := s.Object(t.Context(), bare.ID)
	require.NoError(t, err)
	require.True(t, got.Published.IsZero())
	require.True(t, got.Deleted.IsZero())
	require.Empty(t, got.Audience)
}

func objectUpdated(t *testing.T, s storage.Store) {
	o := someObject("notes/1", 0)
	o.Published, o.Updated = minute(7), time.Time{}
	put(t, s, o, true)
	o.Updated = minute(7)
	requireObject(t, s, o)

	o = someObject("notes/2", 0)
	o.Published, o.Updated = time.Time{}, time.Time{}
	put(t, s, o, true)
	got, err := s.Object(t.Context(), o.ID)
	require.NoError(t, err)
	recently(t, got.Updated)
}

func objectLater(t *testing.T, s storage.Store) {
	first, later, same, earlier := someObject("n", 5), someObject("n", 6), someObject("n", 6), someObject("n", 4)
	first.Digest, later.Digest, same.Digest, earlier.Digest = "first", "later", "same", "earlier"
	later.Parent, later.Type, later.Audience = iri("parent"), "Article", nil
	put(t, s, first, true)
	put(t, s, later, true)
	requireObject(t, s, later)
	put(t, s, earlier, false)
	requireObject(t, s, later)
	put(t, s, same, true)
	requireObject(t, s, same)
	require.Empty(t, collect(t, s.Objects(t.Context(), storage.ObjectQuery{Parent: iri("parent")})))
}

func objectTombstone(t *testing.T, s storage.Store) {
	live := someObject("n", 5)
	put(t, s, live, true)
	old := tombstone(live, 1)
	put(t, s, old, true) // although it is older
	requireObject(t, s, old)
	put(t, s, someObject("n", 99), false)
	put(t, s, tombstone(live, 99), false)
	requireObject(t, s, old)

	early := tombstone(someObject("m", 0), 3)
	put(t, s, early, true) // before the object came
	put(t, s, someObject("m", 9), false)
	requireObject(t, s, early)
}

func objectOwner(t *testing.T, s storage.Store) {
	live, dead := someObject("live", 5), tombstone(someObject("dead", 5), 5)
	put(t, s, live, true)
	put(t, s, dead, true)
	for _, o := range []storage.Object{someObject("live", 9), tombstone(someObject("live", 9), 9), someObject("live", 1), someObject("dead", 9)} {
		for _, owner := range []as.IRI{"", iri("users/mallory"), iri("users/Alice")} {
			o.Owner = owner
			stands, err := s.PutObject(t.Context(), o)
			require.ErrorIs(t, err, storage.ErrConflict)
			require.False(t, stands)
		}
	}
	requireObject(t, s, live)
	requireObject(t, s, dead)
}

func objectList(t *testing.T, s storage.Store) {
	for _, id := range []string{"b", "B", "é", "a", "10", "9", "a-b", "a/b", "a_b", "Z", "~"} {
		put(t, s, someObject(id, 1), true)
	}
	var want []as.IRI
	for _, id := range []string{"10", "9", "B", "Z", "a", "a-b", "a/b", "a_b", "b", "~", "é"} {
		want = append(want, iri("%s", id))
	}
	for _, q := range []storage.ObjectQuery{{}, {Owner: iri("users/alice")}, {Type: "Note"}} {
		require.Equal(t, want, pick(collect(t, s.Objects(t.Context(), q)), objectID), "in order of bytes")
		q.Limit = 4
		var paged []as.IRI
		for {
			page := pick(collect(t, s.Objects(t.Context(), q)), objectID)
			if len(page) == 0 {
				break
			}
			require.LessOrEqual(t, len(page), 4)
			paged = append(paged, page...)
			q.After = page[len(page)-1]
		}
		require.Equal(t, want, paged)
	}
}

func objectSelect(t *testing.T, s storage.Store) {
	local, remote, reply, article := someObject("1", 1), someObject("2", 1), someObject("3", 1), someObject("4", 1)
	remote.Local, remote.Owner = false, iri("users/bob")
	reply.Parent = local.ID
	article.Type = "Article"
	for _, o := range []storage.Object{local, remote, reply, article} {
		put(t, s, o, true)
	}
	yes, no := true, false
	for _, c := range []struct {
		q    storage.ObjectQuery
		want []as.IRI
	}{
		{storage.ObjectQuery{}, []as.IRI{local.ID, remote.ID, reply.ID, article.ID}},
		{storage.ObjectQuery{Owner: iri("users/alice")}, []as.IRI{local.ID, reply.ID, article.ID}},
		{storage.ObjectQuery{Local: &yes}, []as.IRI{local.ID, reply.ID, article.ID}},
		{storage.ObjectQuery{Local: &no}, []as.IRI{remote.ID}},
		{storage.ObjectQuery{Parent: local.ID}, []as.IRI{reply.ID}},
		{storage.ObjectQuery{Type: "Article"}, []as.IRI{article.ID}},
		{storage.ObjectQuery{Type: "Note", Owner: iri("users/alice"), Local: &yes, After: local.ID}, []as.IRI{reply.ID}},
		{storage.ObjectQuery{Owner: iri("users/%%")}, []as.IRI{}},
		{storage.ObjectQuery{After: article.ID}, []as.IRI{}},
	} {
		require.Equal(t, c.want, pick(collect(t, s.Objects(t.Context(), c.q)), objectID), "%+v", c.q)
	}
}

func objectRemove(t *testing.T, s storage.Store) {
	o := tombstone(someObject("n", 1), 2)
	put(t, s, o, true)
	require.NoError(t, s.RemoveObject(t.Context(), o.ID))
	require.NoError(t, s.RemoveObject(t.Context(), o.ID))
	_, err := s.Object(t.Context(), o.ID)
	require.ErrorIs(t, err, storage.ErrNotFound)
	again := someObject("n", 0)
	again.Owner = iri("users/bob")
	put(t, s, again, true)
}

func objectBytes(t *testing.T, s storage.Store) {
	o, want := someObject("n", 1), someObject("n", 1)
	put(t, s, o, true)
	o.Document[0], o.Audience[0] = '!', "https://changed.example/"
	got, err := s.Object(t.Context(), o.ID)
	require.NoError(t, err)
	require.Equal(t, want, got)
	got.Document[0], got.Audience[0] = '!', "https://changed.example/"
	requireObject(t, s, want)
}

func objectRace(t *testing.T, s storage.Store) {
	race(func(i int) {
		for round := range 4 {
			o := someObject("n", (i*5+round*3)%17)
			err := s.Update(t.Context(), func(ctx context.Context, tx storage.Tx) error {
				_, err := tx.PutObject(ctx, o)
				return err
			})
			if err != nil {
				t.Errorf("PutObject: %v", err)
			}
		}
	})
	var last int
	for i := range racers {
		for round := range 4 {
			last = max(last, (i*5+round*3)%17)
		}
	}
	requireObject(t, s, someObject("n", last))
}
