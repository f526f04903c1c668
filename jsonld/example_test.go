package jsonld_test

import (
	"context"
	"errors"
	"fmt"

	as "github.com/gokith/kith/activitystreams"
	"github.com/gokith/kith/jsonld"
)

// A decoder with a Normalizer reads documents that are JSON-LD but not plain JSON.
func Example() {
	decoder := as.Decoder{Normalizer: jsonld.NewNormalizer(jsonld.Options{})}
	node, err := decoder.Decode([]byte(`{
	  "@context": {"act": "https://www.w3.org/ns/activitystreams#"},
	  "@id": "https://a.example/notes/1",
	  "@type": "act:Note",
	  "act:content": "Hello",
	  "act:attributedTo": {"@id": "https://a.example/users/ada"}
	}`))
	if err != nil {
		fmt.Println(err)
		return
	}
	note := node.(*as.Note)
	fmt.Println(note.ID, note.Content, note.AttributedTo.First().ID())
	// Output: https://a.example/notes/1 Hello https://a.example/users/ada
}

// A context that gives a term another meaning is refused, with the term's name.
func ExampleNormalizer_Normalize() {
	n := jsonld.NewNormalizer(jsonld.Options{})
	_, err := n.Normalize([]byte(`{
	  "@context": ["https://www.w3.org/ns/activitystreams", {"actor": "https://evil.example/ns#x"}],
	  "type": "Follow", "actor": "https://a.example/users/ada", "object": "https://b.example/users/bob"
	}`))
	var refusal *jsonld.Error
	fmt.Println(errors.Is(err, jsonld.ErrRemapped), errors.As(err, &refusal) && refusal.Name == "actor")
	// Output: true true
}

func ExampleProcessor_Canonicalize() {
	var p jsonld.Processor
	quads, err := p.Canonicalize(context.Background(), []byte(`{
	  "@context": "https://www.w3.org/ns/activitystreams",
	  "type": "Like", "actor": "https://a.example/users/ada", "object": "https://b.example/1"
	}`))
	fmt.Print(string(quads), err)
	// Output:
	// _:c14n0 <http://www.w3.org/1999/02/22-rdf-syntax-ns#type> <https://www.w3.org/ns/activitystreams#Like> .
	// _:c14n0 <https://www.w3.org/ns/activitystreams#actor> <https://a.example/users/ada> .
	// _:c14n0 <https://www.w3.org/ns/activitystreams#object> <https://b.example/1> .
	// <nil>
}
