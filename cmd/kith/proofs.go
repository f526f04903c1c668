package main

import (
	"context"
	"fmt"
	"time"

	"github.com/gokith/kith/keys"
	"github.com/gokith/kith/proof"
)

// proofs verifies the proofs of a document (FEP-8b32).
func proofs(ctx context.Context, c *call) error {
	verb := c.verb()
	if verb != "verify" {
		return c.faceless(verb)
	}
	c.name, c.tool.args = "proof verify", "[FILE|-]"
	f := c.flags()
	key := f.String("key", "", keyHelp+"; did:key methods need none")
	multikey := f.String("multikey", "", "the public key itself, as `z…`")
	owner := f.String("owner", "", "`id` of who must have signed; without it, the document's actor, attributedTo, or the actor itself")
	domain := f.String("domain", "", "the `domain` that the proofs must be bound to")
	challenge := f.String("challenge", "", "the `challenge` that they must answer")
	at := new(timeFlag)
	f.Var(at, "at", "`time` of the verdict; without it, now")
	args, err := c.parse(f)
	if err != nil {
		return err
	}
	if *key != "" && *multikey != "" {
		return fmt.Errorf("%w: either -key or -multikey", errUsage)
	}
	doc, err := c.input(args)
	if err != nil {
		return err
	}
	// A bare key is taken for that of whoever must have signed.
	owns := func(string) string { return *owner }
	if *owner == "" {
		owns = func(string) string { o, _ := proof.OwnerOf(doc); return o }
	}
	v := &proof.Verifier{Owner: *owner, Domain: *domain, Challenge: *challenge}
	switch {
	case *key != "":
		v.Keys, err = finder(*key, owns)
	case *multikey != "":
		pub, parsing := keys.ParseMultikey(*multikey)
		v.Keys, err = single(pub, owns), parsing
	}
	if err != nil {
		return err
	}
	if at.IsZero() {
		at.Time = time.Now()
	}
	res, err := v.Verify(ctx, doc, at.Time)
	if err != nil {
		return err
	}
	printProven(c, res)
	return nil
}

func printProven(c *call, res *proof.Result) {
	fmt.Fprintf(c.out, "valid: proven to be by %s\n", word(res.Owner))
	t := newTable(c.out)
	for _, p := range res.Proofs {
		t.row("  proof", word(p.Suite)+" for "+word(p.Purpose))
		t.row("  method", word(p.Method))
		t.row("  owner", word(p.Owner))
		for _, x := range []struct {
			name string
			at   time.Time
		}{{"  created", p.Created}, {"  expires", p.Expires}} {
			if !x.at.IsZero() {
				t.row(x.name, instant(x.at))
			}
		}
	}
	for _, what := range res.Unsupported {
		t.row("  not judged", word(what))
	}
	t.flush()
}
