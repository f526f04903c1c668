package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"log/slog"
	"net/http"
	"strings"
	"time"

	"github.com/gokith/kith/httpsig"
	"github.com/gokith/kith/origin"
)

// sig verifies a signed HTTP request, or explains why it is refused.
func sig(ctx context.Context, c *call) error {
	verb := c.verb()
	if verb != "verify" && verb != "explain" {
		return c.faceless(verb)
	}
	c.name, c.tool.args = "sig "+verb, "[REQUEST|-]"
	f := c.flags()
	t := trialFlags(f)
	base := new(string)
	if verb == "explain" {
		base = f.String("base", "", "`file` with the text that the sender signed, from its log, to compare with")
	}
	args, err := c.parse(f)
	if err != nil {
		return err
	}
	if verb == "verify" && *t.key == "" {
		return fmt.Errorf("%w: -key is missing", errUsage)
	}
	text, err := c.input(args)
	if err != nil {
		return err
	}
	if err := t.load(text); err != nil {
		return err
	}
	res, verdict := t.verify(ctx, t.at.Time)
	if verb == "verify" {
		if verdict == nil {
			printSigned(c, res, t.at.Time)
		}
		return verdict
	}
	signed, err := readBase(*base)
	if err != nil {
		return err
	}
	t.explain(c, res, verdict, signed)
	return verdict
}

// A trial is a request before its verifier.
type trial struct {
	key, address, prefix *string
	opaque               *bool
	at                   *timeFlag

	origin   origin.Origin
	verifier *httpsig.Verifier
	request  *http.Request
	body     []byte
}

func trialFlags(f *flag.FlagSet) *trial {
	t := &trial{
		key:     f.String("key", "", keyHelp),
		address: f.String("origin", "", "public `address` of the server that was asked, such as https://blog.example; without it, https and the Host that arrived"),
		prefix:  f.String("stripped-prefix", "", "`path` that a proxy took off, such as /social"),
		opaque:  f.Bool("opaque-key-ids", false, "accept key ids that are no IRIs, as in examples of specifications"),
		at:      new(timeFlag),
	}
	f.Var(t.at, "at", "`time` of the verdict: 2026-01-02T15:04:05Z, an HTTP date, seconds since 1970, or 2h (ago); without it, now")
	return t
}

// load reads the request and what it is judged by.
func (t *trial) load(text []byte) error {
	if t.at.IsZero() {
		t.at.Time = time.Now()
	}
	var err error
	if t.request, t.body, err = parseRequest(text); err != nil {
		return err
	}
	address := *t.address
	if address == "" {
		address = "https://" + t.request.Host
	}
	if t.origin, err = origin.Parse(address); err != nil {
		return fmt.Errorf("the address of the server is unknown, -origin names it: %w", err)
	}
	found := noKey()
	if *t.key != "" {
		if found, err = finder(*t.key, nil); err != nil {
			return err
		}
	}
	t.verifier = &httpsig.Verifier{
		Keys: found, Origins: httpsig.Single(t.origin), StrippedPrefix: *t.prefix, OpaqueKeyIDs: *t.opaque,
		Explain: true, Logger: slog.New(slog.DiscardHandler),
	}
	return nil
}

func (t *trial) verify(ctx context.Context, at time.Time) (*httpsig.Result, error) {
	return t.verifier.Verify(ctx, t.request, t.body, at)
}

// printSigned says who signed what.
func printSigned(c *call, res *httpsig.Result, at time.Time) {
	fmt.Fprintln(c.out, "valid")
	t := newTable(c.out)
	t.row("  key", word(res.KeyID))
	t.row("  owner", word(res.Owner))
	t.row("  scheme", fmt.Sprintf("%s, %s", res.Scheme, res.Algorithm))
	t.row("  covers", strings.Join(res.Covered, " "))
	t.row("  made", instant(res.Created)+", "+distance(res.Created, at))
	if !res.Expires.IsZero() {
		t.row("  ends", instant(res.Expires))
	}
	if res.WithoutQuery {
		t.row("  note", "the query of the target is not covered")
	}
	t.flush()
}

// distance says how far t lies from the verdict.
func distance(t, at time.Time) string {
	switch d := at.Sub(t).Round(time.Second); {
	case d > 0:
		return span(d) + " before the verdict"
	case d < 0:
		return span(-d) + " after the verdict"
	}
	return "at the instant of the verdict"
}

// span prints a duration, with days if it is long.
func span(d time.Duration) string {
	const day = 24 * time.Hour
	d = d.Round(time.Second)
	if d < 2*day {
		return d.String()
	}
	return fmt.Sprintf("%d days %s", d/day, d%day)
}

// codeOf returns the stable code of a refusal; "" for none.
func codeOf(err error) string {
	var refused *httpsig.Error
	if errors.As(err, &refused) {
		return refused.Code
	}
	return ""
}
