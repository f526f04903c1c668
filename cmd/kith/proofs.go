package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"time"

	as "github.com/gokith/kith/activitystreams"
	"github.com/gokith/kith/httpsig"
	"github.com/gokith/kith/keys"
	"github.com/gokith/kith/proof"
	"github.com/gokith/kith/proof/ldsig"
)

// proofs verifies the proofs of a document (FEP-8b32) or its RsaSignature2017.
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
	linked := f.Bool("rsa2017", false, "verify the RsaSignature2017 (Linked Data signature) in place of the proofs; it authenticates nothing by default: a server that was not told to trust it ignores it")
	at := new(timeFlag)
	f.Var(at, "at", "`time` of the verdict; without it, now")
	args, err := c.parse(f)
	if err != nil {
		return err
	}
	if *key != "" && *multikey != "" {
		return fmt.Errorf("%w: either -key or -multikey", errUsage)
	}
	if *linked && (*domain != "" || *challenge != "") {
		return fmt.Errorf("%w: an RsaSignature2017 has neither -domain nor -challenge", errUsage)
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
	var known httpsig.KeyFinder
	switch {
	case *key != "":
		known, err = finder(*key, owns)
	case *multikey != "":
		pub, parsing := keys.ParseMultikey(*multikey)
		known, err = single(pub, owns), parsing
	}
	if err != nil {
		return err
	}
	if at.IsZero() {
		at.Time = time.Now()
	}
	if *linked {
		res, err := (&ldsig.Verifier{Keys: known, Owner: *owner}).Verify(ctx, doc, at.Time)
		if err != nil {
			return err
		}
		printLinked(c, res)
		return nil
	}
	v := &proof.Verifier{Keys: known, Owner: *owner, Domain: *domain, Challenge: *challenge}
	res, err := v.Verify(ctx, doc, at.Time)
	if errors.Is(err, proof.ErrNoProof) && bytes.Contains(doc, []byte(ldsig.Type)) {
		return fmt.Errorf("%w; to verify its %s, give -rsa2017", err, ldsig.Type)
	}
	if err != nil {
		return err
	}
	printProven(c, res)
	return nil
}

// printLinked prints the verdict on an RsaSignature2017 and, since that is all it vouches for, the
// document that was signed.
func printLinked(c *call, res *ldsig.Result) {
	fmt.Fprintf(c.out, "valid: signed by %s\n", word(res.Owner))
	t := newTable(c.out)
	t.row("  signature", ldsig.Type+", which authenticates nothing by default")
	t.row("  key", word(res.KeyID))
	t.row("  created", instant(res.Created))
	if !res.Expires.IsZero() {
		t.row("  expires", instant(res.Expires))
	}
	t.flush()
	if n, err := as.Decode(res.Document); err == nil {
		fmt.Fprintln(c.out, "what it covers:")
		printNode(c.out, n)
	}
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
