package keyring_test

import (
	"context"
	"crypto/aes"
	"crypto/cipher"
	"crypto/rand"
	"errors"
	"fmt"

	"github.com/gokith/kith/keyring"
	"github.com/gokith/kith/keys"
	"github.com/gokith/kith/storage/memory"
)

// sealed is a keyring.Cipher with AES-256-GCM. The name of the actor is bound to what it seals: a row
// that was moved to another actor cannot be opened. The first byte names the version of the master key,
// so that it can be replaced.
type sealed struct{ current, previous cipher.AEAD }

const version = 2 // of the current key; version-1 is the previous one

func newSealed(current, previous []byte) (*sealed, error) {
	var s sealed
	for key, to := range map[*[]byte]*cipher.AEAD{&current: &s.current, &previous: &s.previous} {
		block, err := aes.NewCipher(*key) // 32 bytes: AES-256
		if err != nil {
			return nil, err
		}
		if *to, err = cipher.NewGCMWithRandomNonce(block); err != nil {
			return nil, err
		}
	}
	return &s, nil
}

func (s *sealed) Seal(_ context.Context, actor string, pkcs8 []byte) ([]byte, error) {
	return s.current.Seal([]byte{version}, nil, pkcs8, []byte(actor)), nil
}

func (s *sealed) Open(_ context.Context, actor string, box []byte) ([]byte, error) {
	if len(box) == 0 {
		return nil, errors.New("nothing to open")
	}
	switch box[0] {
	case version:
		return s.current.Open(nil, nil, box[1:], []byte(actor))
	case version - 1:
		return s.previous.Open(nil, nil, box[1:], []byte(actor))
	}
	return nil, fmt.Errorf("sealed with unknown key %d", box[0])
}

// Private keys at rest, sealed with AES-GCM under a master key from the environment or a KMS.
func ExampleCipher() {
	master, old := make([]byte, 32), make([]byte, 32)
	_, _ = rand.Read(master) // it never fails
	_, _ = rand.Read(old)
	box, err := newSealed(master, old)
	if err != nil {
		panic(err)
	}
	ctx, store := context.Background(), memory.New()
	ring := keyring.New(keyring.Config{Store: store, Names: space(), Cipher: box})
	defer ring.Close()
	if err := ring.Ensure(ctx, actor("ana")); err != nil {
		panic(err)
	}
	rows, _ := store.Keys(ctx, "ana")
	_, err = keys.ParsePKCS8(rows[0].Secret)
	fmt.Println("readable in the database:", err == nil)
	_, err = box.Open(ctx, "ana", rows[0].Secret)
	fmt.Println("opens for ana:", err == nil)
	_, err = box.Open(ctx, "bob", rows[0].Secret)
	fmt.Println("opens for bob:", err == nil)
	signer, err := ring.Signer(ctx, "ana", keys.Ed25519)
	fmt.Println(signer.KeyID, err)
	// Output:
	// readable in the database: false
	// opens for ana: true
	// opens for bob: false
	// https://kith.example/ap/actors/ana#ed25519-key <nil>
}
