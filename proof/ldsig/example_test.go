package ldsig_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/gokith/kith/keys"
	"github.com/gokith/kith/proof/ldsig"
)

func Example() {
	key, err := keys.GenerateRSA(nil)
	if err != nil {
		panic(err)
	}
	const actor, id = "https://a.example/users/ana", "https://a.example/users/ana#main-key"
	doc := `{"@context":"https://www.w3.org/ns/activitystreams","type":"Like",` +
		`"actor":"https://a.example/users/ana","object":"https://b.example/notes/1"}`
	signed, err := ldsig.Sign(context.Background(), []byte(doc), ldsig.Options{Key: key, Creator: id})
	if err != nil {
		panic(err)
	}

	verifier := &ldsig.Verifier{Keys: finder{id: {ID: id, Owner: actor, Public: key.Public()}}}
	result, err := verifier.Verify(context.Background(), signed, time.Now())
	fmt.Println(result.Owner, err)

	rearranged := strings.Replace(string(signed), `"type":"Like"`, `"type":"Like","@reverse":{}`, 1)
	_, err = verifier.Verify(context.Background(), []byte(rearranged), time.Now())
	fmt.Println(errors.Is(err, ldsig.ErrUnsigned))
	// Output:
	// https://a.example/users/ana <nil>
	// true
}
