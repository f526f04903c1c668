package keyring_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/gokith/kith/keyring"
	"github.com/gokith/kith/keys"
	"github.com/gokith/kith/names"
	"github.com/gokith/kith/origin"
	"github.com/gokith/kith/storage"
	"github.com/gokith/kith/storage/memory"
)

func space() names.Space {
	o, err := origin.Parse("https://kith.example")
	if err != nil {
		panic(err)
	}
	return names.Space{Origin: o}
}

func actor(key string) storage.Actor {
	return storage.Actor{Key: key, Handle: key, ID: space().ActorID(key), State: storage.ActorActive, Profile: []byte("{}")}
}

func ExampleRing() {
	ctx := context.Background()
	ring := keyring.New(keyring.Config{Store: memory.New(), Names: space()})
	defer ring.Close()
	_ = ring.Ensure(ctx, actor("ana"))
	all, _ := ring.Public(ctx, "ana")
	for _, k := range all {
		fmt.Println(k.Algorithm, k.ID)
	}
	signer, _ := ring.Signer(ctx, "ana", keys.Ed25519)
	fmt.Println(signer.KeyID)
	// Output:
	// rsa https://kith.example/ap/actors/ana#main-key
	// ed25519 https://kith.example/ap/actors/ana#ed25519-key
	// https://kith.example/ap/actors/ana#ed25519-key
}

// Three processes on an empty store end with one key of each kind.
func TestS115_ProcessesThatStartTogether(t *testing.T) {
	store := memory.New()
	var wg sync.WaitGroup
	for range 3 {
		wg.Go(func() {
			ring := keyring.New(keyring.Config{Store: store, Names: space()})
			defer ring.Close()
			if err := ring.Ensure(t.Context(), actor("ana")); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	rows, err := store.Keys(t.Context(), "ana")
	require.NoError(t, err)
	require.Len(t, rows, 2)
}

func TestS115_RotationRetiresAndReplaces(t *testing.T) {
	store := memory.New()
	ring := keyring.New(keyring.Config{Store: store, Names: space()})
	defer ring.Close()
	require.NoError(t, ring.Ensure(t.Context(), actor("ana")))
	before, err := ring.Signer(t.Context(), "ana", keys.RSA)
	require.NoError(t, err)
	retired, err := ring.Rotate(t.Context(), store, actor("ana"))
	require.NoError(t, err)
	require.Len(t, retired, 2)
	after, err := ring.Signer(t.Context(), "ana", keys.RSA)
	require.NoError(t, err)
	require.NotEqual(t, before.KeyID, after.KeyID)
	all, err := ring.Public(t.Context(), "ana")
	require.NoError(t, err)
	require.Len(t, all, 4)
	for i, k := range all {
		require.Equal(t, i >= 2, slices.Contains(retired, k.ID), "those in use come first")
		require.Equal(t, i >= 2, time.Until(k.Ends) > keyring.Overlap/2)
	}

	revoked, err := ring.Revoke(t.Context(), store, actor("ana"))
	require.NoError(t, err)
	require.Subset(t, revoked, retired)
	require.Len(t, revoked, 4)
	all, err = ring.Public(t.Context(), "ana")
	require.NoError(t, err)
	require.Len(t, all, 2, "what may be stolen is not shown")
	for _, k := range all {
		require.NotContains(t, revoked, k.ID)
		require.Zero(t, k.Ends)
	}
}

// xor is a cipher for tests: it shows that nothing but the cipher's output is stored.
type xor struct{}

func (xor) Seal(_ context.Context, actor string, b []byte) ([]byte, error) {
	return append([]byte(actor), flip(b)...), nil
}

func (xor) Open(_ context.Context, actor string, b []byte) ([]byte, error) {
	rest, ok := bytes.CutPrefix(b, []byte(actor))
	if !ok {
		return nil, errors.New("sealed for another actor")
	}
	return flip(rest), nil
}

func flip(b []byte) []byte {
	out := bytes.Clone(b)
	for i := range out {
		out[i] ^= 0x5a
	}
	return out
}

func TestS114_KeysAreSealedAtRest(t *testing.T) {
	store := memory.New()
	ring := keyring.New(keyring.Config{Store: store, Names: space(), Cipher: xor{}})
	defer ring.Close()
	require.NoError(t, ring.Ensure(t.Context(), actor("ana")))
	rows, err := store.Keys(t.Context(), "ana")
	require.NoError(t, err)
	for _, row := range rows {
		_, err := keys.ParsePKCS8(row.Secret)
		require.Error(t, err, "the stored bytes must not be a key")
		require.NotContains(t, fmt.Sprintf("%v %+v %#v %s %x", row, row, row, row.Secret, row.Secret), string(row.Secret))
	}
	_, err = ring.Signer(t.Context(), "ana", keys.RSA)
	require.NoError(t, err)
	_, err = ring.Signer(t.Context(), "nobody", keys.RSA)
	require.ErrorIs(t, err, keyring.ErrNoKey)
	require.ErrorIs(t, err, storage.ErrNotFound)
}
