package storagetest

import (
	"fmt"
	"testing"

	as "github.com/gokith/kith/activitystreams"
	"github.com/gokith/kith/keys"
	"github.com/gokith/kith/storage"
	"github.com/stretchr/testify/require"
)

var keyChecks = []check{
	{"ReturnsWhatWasPut", keyRoundTrip},
	{"OneInUsePerAlgorithm", keyAlgorithms},
	{"RetiredStaysReadable", keyRetire},
	{"IDsAreUnique", keyConflict},
	{"DeleteErasesAll", keyDelete},
	{"OwnsItsBytes", keyBytes},
	{"StartingTogetherEndsWithOne", keyRace},
}

func someKey(id string, algorithm keys.Algorithm, created int) storage.Key {
	return storage.Key{
		ID: iri("users/alice#%s", id), Actor: "alice", Algorithm: algorithm,
		Secret: storage.Secret("\x00secret " + id), Public: []byte("\x30public " + id), Created: minute(created),
	}
}

func keyID(k storage.Key) as.IRI { return k.ID }

func keyRoundTrip(t *testing.T, s storage.Store) {
	ctx := t.Context()
	none, err := s.Keys(ctx, "alice")
	require.NoError(t, err)
	require.Empty(t, none)

	k := someKey("main-key", keys.RSA, 1)
	stand, err := s.InsertKeys(ctx, "alice", k)
	require.NoError(t, err)
	require.Equal(t, []storage.Key{k}, stand)
	got, err := s.Keys(ctx, "alice")
	require.NoError(t, err)
	require.Equal(t, []storage.Key{k}, got)
	for _, other := range []string{"", "bob", "Alice", "alic_"} {
		none, err := s.Keys(ctx, other)
		require.NoError(t, err)
		require.Empty(t, none)
	}
}

func keyAlgorithms(t *testing.T, s storage.Store) {
	ctx := t.Context()
	rsa, ed := someKey("rsa", keys.RSA, 1), someKey("ed", keys.Ed25519, 2)
	stand, err := s.InsertKeys(ctx, "alice", rsa)
	require.NoError(t, err)
	require.Equal(t, []as.IRI{rsa.ID}, pick(stand, keyID))

	stand, err = s.InsertKeys(ctx, "alice", someKey("rsa2", keys.RSA, 3), ed, someKey("ed2", keys.Ed25519, 4))
	require.NoError(t, err)
	require.Equal(t, []as.IRI{ed.ID, rsa.ID}, pick(stand, keyID), "what stands, the newest first")
	got, err := s.Keys(ctx, "alice")
	require.NoError(t, err)
	require.Equal(t, []storage.Key{ed, rsa}, got)
}

func keyRetire(t *testing.T, s storage.Store) {
	ctx := t.Context()
	_, err := s.InsertKeys(ctx, "alice", someKey("1", keys.RSA, 1), someKey("e", keys.Ed25519, 0))
	require.NoError(t, err)
	require.ErrorIs(t, s.RetireKey(ctx, iri("users/alice#none"), minute(5)), storage.ErrNotFound)
	require.NoError(t, s.RetireKey(ctx, iri("users/alice#1"), minute(5)))

	stand, err := s.InsertKeys(ctx, "alice", someKey("2", keys.RSA, 6))
	require.NoError(t, err)
	require.Equal(t, []as.IRI{iri("users/alice#2"), iri("users/alice#e")}, pick(stand, keyID))
	require.NoError(t, s.RetireKey(ctx, iri("users/alice#2"), minute(7)))

	got, err := s.Keys(ctx, "alice")
	require.NoError(t, err)
	require.Equal(t, []as.IRI{iri("users/alice#e"), iri("users/alice#2"), iri("users/alice#1")}, pick(got, keyID),
		"in use first, then the newest")
	require.Equal(t, minute(5), got[2].Retired)
	require.Equal(t, someKey("1", keys.RSA, 1).Secret, got[2].Secret)
}

func keyConflict(t *testing.T, s storage.Store) {
	ctx := t.Context()
	k := someKey("1", keys.RSA, 1)
	_, err := s.InsertKeys(ctx, "alice", k)
	require.NoError(t, err)
	_, err = s.InsertKeys(ctx, "bob", k)
	require.ErrorIs(t, err, storage.ErrConflict)
	got, err := s.Keys(ctx, "alice")
	require.NoError(t, err)
	require.Equal(t, []storage.Key{k}, got)
}

func keyDelete(t *testing.T, s storage.Store) {
	ctx := t.Context()
	_, err := s.InsertKeys(ctx, "alice", someKey("1", keys.RSA, 1), someKey("2", keys.Ed25519, 1))
	require.NoError(t, err)
	b := someKey("b", keys.RSA, 1)
	b.ID, b.Actor = iri("users/bob#1"), "bob"
	_, err = s.InsertKeys(ctx, "bob", b)
	require.NoError(t, err)

	require.NoError(t, s.DeleteKeys(ctx, "alice"))
	require.NoError(t, s.DeleteKeys(ctx, "nobody"))
	got, err := s.Keys(ctx, "alice")
	require.NoError(t, err)
	require.Empty(t, got)
	got, err = s.Keys(ctx, "bob")
	require.NoError(t, err)
	require.Equal(t, []storage.Key{b}, got)
}

func keyBytes(t *testing.T, s storage.Store) {
	ctx := t.Context()
	k := someKey("1", keys.RSA, 1)
	want := string(k.Secret)
	stand, err := s.InsertKeys(ctx, "alice", k)
	require.NoError(t, err)
	k.Secret[0], stand[0].Secret[1] = '!', '!'
	got, err := s.Keys(ctx, "alice")
	require.NoError(t, err)
	require.Equal(t, want, string(got[0].Secret))
}

func keyRace(t *testing.T, s storage.Store) {
	var stand [racers][]storage.Key
	race(func(i int) {
		var err error
		stand[i], err = s.InsertKeys(t.Context(), "alice",
			someKey(fmt.Sprint("rsa", i), keys.RSA, i), someKey(fmt.Sprint("ed", i), keys.Ed25519, i))
		if err != nil {
			t.Errorf("InsertKeys: %v", err)
		}
	})
	all, err := s.Keys(t.Context(), "alice")
	require.NoError(t, err)
	require.Len(t, all, 2)
	for _, got := range stand {
		require.ElementsMatch(t, all, got, "all have the same keys afterwards")
	}
}
