package keys_test

import (
	"context"
	"fmt"
	"strings"

	"github.com/gokith/kith/keys"
)

func Example() {
	private, err := keys.GenerateEd25519(nil)
	if err != nil {
		panic(err)
	}
	public, _ := keys.Multikey(private.Public())
	fmt.Println(private.Algorithm(), strings.HasPrefix(public, "z6Mk"))
	fmt.Printf("%v %#v\n", private, private)
	// Output:
	// ed25519 true
	// [private key] [private key]
}

func ExampleParseDIDKey() {
	_, err := keys.ParseDIDKey("did:key:z6MkrJVnaZkeFzdQyMZu1cgjg7k1pZZ6pvBQ7XJPt4swbTQ2")
	fmt.Println(err)
	_, err = keys.ParseDIDKey("did:key:zQ3shokFTS3brHcDQrn82RUDfCZESWL1ZdCEJwekUDPQiYBme")
	fmt.Println(err)
	// Output:
	// <nil>
	// keys: unknown multicodec prefix
}

func ExamplePool() {
	pool := keys.NewPool(nil, 2)
	defer func() { _ = pool.Close() }()
	key, err := pool.Get(context.Background())
	fmt.Println(key.Algorithm(), err)
	// Output: rsa <nil>
}
