package storagetest

import (
	"context"
	"errors"
	"strconv"
	"sync/atomic"
	"testing"
	"time"

	as "github.com/gokith/kith/activitystreams"
	"github.com/gokith/kith/storage"
	"github.com/stretchr/testify/require"
)

var actorChecks = []check{
	{"ReturnsWhatWasPut", actorRoundTrip},
	{"MissingIsNotFound", actorMissing},
	{"SetsStateAndTimes", actorDefaults},
	{"HandlesIgnoreCase", actorFold},
	{"HandlesAreUnique", actorConflicts},
	{"RenameFreesNames", actorRename},
	{"ListsInOrderOfKeys", actorList},
	{"OwnsItsBytes", actorBytes},
	{"OneWinsAHandle", actorRace},
}

func someActor(key string) storage.Actor {
	return storage.Actor{
		Key: key, Handle: key, ID: iri("users/%s", key), State: storage.ActorActive,
		Profile: []byte(`{"type":"Person","name":"` + key + `"}`), Created: minute(1), Updated: minute(2),
	}
}

func actorRoundTrip(t *testing.T, s storage.Store) {
	ctx := t.Context()
	a := someActor("7")
	a.Handle, a.Aliases, a.State = "alice", []string{"al", "lis"}, storage.ActorSuspended
	a.Created = time.Date(2026, 1, 2, 5, 4, 5, 678901999, time.FixedZone("", 7200))
	require.NoError(t, s.PutActor(ctx, a))
	a.Created = epoch // microseconds, in UTC
	for name, get := range map[string]func() (storage.Actor, error){
		"key":    func() (storage.Actor, error) { return s.Actor(ctx, "7") },
		"handle": func() (storage.Actor, error) { return s.ActorByHandle(ctx, "alice") },
		"alias":  func() (storage.Actor, error) { return s.ActorByHandle(ctx, "lis") },
		"id":     func() (storage.Actor, error) { return s.ActorByID(ctx, a.ID) },
	} {
		got, err := get()
		require.NoError(t, err, name)
		require.Equal(t, a, got, name)
	}

	a.Aliases, a.State, a.Profile = []string{"al"}, storage.ActorGone, nil
	require.NoError(t, s.PutActor(ctx, a))
	got, err := s.Actor(ctx, "7")
	require.NoError(t, err)
	require.Empty(t, got.Profile)
	got.Profile = nil
	require.Equal(t, a, got)
}

func actorMissing(t *testing.T, s storage.Store) {
	ctx := t.Context()
	require.NoError(t, s.PutActor(ctx, someActor("alice")))
	for _, key := range []string{"", "bob", "Alice", "alice "} {
		_, err := s.Actor(ctx, key)
		require.ErrorIs(t, err, storage.ErrNotFound, key)
	}
	for _, handle := range []string{"", "bob", "alice ", "ali", "a%", "alic_"} {
		_, err := s.ActorByHandle(ctx, handle)
		require.ErrorIs(t, err, storage.ErrNotFound, handle)
	}
	for _, id := range []as.IRI{"", iri("users/bob"), iri("users/Alice"), iri("users/alice") + "/"} {
		_, err := s.ActorByID(ctx, id)
		require.ErrorIs(t, err, storage.ErrNotFound, id)
	}
}

func actorDefaults(t *testing.T, s storage.Store) {
	ctx := t.Context()
	require.NoError(t, s.PutActor(ctx, storage.Actor{Key: "a", Handle: "a", ID: iri("a")}))
	got, err := s.Actor(ctx, "a")
	require.NoError(t, err)
	require.Equal(t, storage.ActorActive, got.State)
	recently(t, got.Created)
	recently(t, got.Updated)
}

func actorFold(t *testing.T, s storage.Store) {
	ctx := t.Context()
	a := someActor("1")
	a.Handle, a.Aliases = "Élodie_B", []string{"Ωmega"}
	require.NoError(t, s.PutActor(ctx, a))
	for _, handle := range []string{"Élodie_B", "élodie_b", "ÉLODIE_B", "ωMEGA"} {
		got, err := s.ActorByHandle(ctx, handle)
		require.NoError(t, err, handle)
		require.Equal(t, "Élodie_B", got.Handle, "a handle is shown as it was written")
	}
}

func actorConflicts(t *testing.T, s storage.Store) {
	ctx := t.Context()
	alice, bob := someActor("alice"), someActor("bob")
	alice.Aliases = []string{"Ally"}
	require.NoError(t, s.PutActor(ctx, alice))
	require.NoError(t, s.PutActor(ctx, bob))
	for name, change := range map[string]func(*storage.Actor){
		"handle":                 func(a *storage.Actor) { a.Handle = "ALICE" },
		"handle, an alias":       func(a *storage.Actor) { a.Handle = "ally" },
		"alias, a handle":        func(a *storage.Actor) { a.Aliases = []string{"robert", "Alice"} },
		"alias, an alias":        func(a *storage.Actor) { a.Aliases = []string{"ALLY"} },
		"id":                     func(a *storage.Actor) { a.ID = alice.ID },
		"another id than it had": func(a *storage.Actor) { a.ID = iri("users/robert") },
	} {
		for _, key := range []string{"bob", "carol"} {
			if key == "carol" && name == "another id than it had" {
				continue
			}
			a := someActor(key)
			a.State = storage.ActorOff
			change(&a)
			require.ErrorIs(t, s.PutActor(ctx, a), storage.ErrConflict, name)
		}
		got, err := s.Actor(ctx, "bob")
		require.NoError(t, err)
		require.Equal(t, bob, got, name)
		_, err = s.Actor(ctx, "carol")
		require.ErrorIs(t, err, storage.ErrNotFound, name)
		_, err = s.ActorByHandle(ctx, "robert")
		require.ErrorIs(t, err, storage.ErrNotFound, name)
	}
}

func actorRename(t *testing.T, s storage.Store) {
	ctx := t.Context()
	a := someActor("1")
	a.Handle = "old"
	require.NoError(t, s.PutActor(ctx, a))
	a.Handle, a.Aliases = "new", []string{"old"}
	require.NoError(t, s.PutActor(ctx, a))
	b := someActor("2")
	b.Handle = "Old"
	require.ErrorIs(t, s.PutActor(ctx, b), storage.ErrConflict, "an alias stays taken")

	a.Aliases = nil
	require.NoError(t, s.PutActor(ctx, a))
	require.NoError(t, s.PutActor(ctx, b), "a name that was given up is free")
	got, err := s.ActorByHandle(ctx, "old")
	require.NoError(t, err)
	require.Equal(t, "2", got.Key)

	a.Handle, a.Aliases = "NEW", []string{"New"}
	require.NoError(t, s.PutActor(ctx, a), "one actor may have a name in several cases")
}

func actorList(t *testing.T, s storage.Store) {
	require.Empty(t, collect(t, s.Actors(t.Context())))
	for i, key := range []string{"b", "B", "é", "a", "10", "9", "a-b", "a_b", "Z"} {
		a := someActor(key)
		a.Handle = "h" + strconv.Itoa(i)
		a.State = []storage.ActorState{storage.ActorActive, storage.ActorOff, storage.ActorSuspended, storage.ActorGone}[i%4]
		require.NoError(t, s.PutActor(t.Context(), a))
	}
	keys := pick(collect(t, s.Actors(t.Context())), func(a storage.Actor) string { return a.Key })
	require.Equal(t, []string{"10", "9", "B", "Z", "a", "a-b", "a_b", "b", "é"}, keys, "in order of bytes")
}

func actorBytes(t *testing.T, s storage.Store) {
	ctx := t.Context()
	a := someActor("a")
	want := string(a.Profile)
	require.NoError(t, s.PutActor(ctx, a))
	a.Profile[0] = '!'
	got, err := s.Actor(ctx, "a")
	require.NoError(t, err)
	require.Equal(t, want, string(got.Profile))
	got.Profile[0] = '!'
	got, err = s.Actor(ctx, "a")
	require.NoError(t, err)
	require.Equal(t, want, string(got.Profile))
}

func actorRace(t *testing.T, s storage.Store) {
	var won, conflicts atomic.Int32
	race(func(i int) {
		a := someActor(strconv.Itoa(i))
		a.Handle = []string{"Alice", "alice", "ALICE"}[i%3]
		err := s.Update(t.Context(), func(ctx context.Context, tx storage.Tx) error { return tx.PutActor(ctx, a) })
		switch {
		case err == nil:
			won.Add(1)
		case errors.Is(err, storage.ErrConflict):
			conflicts.Add(1)
		default:
			t.Errorf("PutActor: %v", err)
		}
	})
	require.EqualValues(t, 1, won.Load())
	require.EqualValues(t, racers-1, conflicts.Load())
}
