package proof_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/gokith/kith/keys"
	"github.com/gokith/kith/proof"
)

func Example() {
	key, err := keys.GenerateEd25519(nil)
	if err != nil {
		panic(err)
	}
	const id = "https://a.example/users/ana#ed25519-key"
	doc := []byte(`{"@context":["https://www.w3.org/ns/activitystreams","https://w3id.org/security/data-integrity/v2"],` +
		`"type":"Note","attributedTo":"https://a.example/users/ana","content":"Hello"}`)
	signed, err := proof.Sign(doc, proof.Options{Key: key, Method: id})
	if err != nil {
		panic(err)
	}

	// A finder usually asks the owner's actor document; fetch has one.
	actors := finder{id: {ID: id, Owner: "https://a.example/users/ana", Public: key.Public()}}
	result, err := proof.Verify(context.Background(), signed, actors, time.Now())
	fmt.Println(result.Owner, err)

	forged := strings.Replace(string(signed), "Hello", "Goodbye", 1)
	_, err = proof.Verify(context.Background(), []byte(forged), actors, time.Now())
	var refused *proof.Error
	fmt.Println(errors.As(err, &refused), refused.Code)
	// Output:
	// https://a.example/users/ana <nil>
	// true proof.signature
}

func ExampleSignIdentity() {
	key, err := keys.ParseSecretMultikey("z3u2en7t5LR2WtQH5PfFqMqwVHBeXouLzo6haApm8XHqvjxq")
	if err != nil {
		panic(err)
	}
	statement, err := proof.SignIdentity("https://a.example/users/ana", proof.Options{Key: key})
	if err != nil {
		panic(err)
	}
	identity, err := proof.VerifyIdentity(statement, "https://a.example/users/ana", time.Now())
	fmt.Println(identity.Subject, err)
	// Output: did:key:z6MkrJVnaZkeFzdQyMZu1cgjg7k1pZZ6pvBQ7XJPt4swbTQ2 <nil>
}
