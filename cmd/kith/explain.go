package main

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"time"

	"github.com/gokith/kith/httpsig"
)

// explain prints the report of a verdict as tables: the checks, the clock, and each covered field as
// this side sees it, beside what the sender signed if that is known.
func (t *trial) explain(ctx context.Context, c *call, res *httpsig.Result, verdict error, signed []field) {
	report := reportOf(res, verdict)
	if report == nil {
		return
	}
	at := t.at.Time
	fmt.Fprintf(c.out, "%s %s as of %s\n\n", word(report.Method), word(report.URL), instant(at))
	if !strings.EqualFold(report.WireHost, t.origin.Authority()) {
		fmt.Fprintf(c.out, "Host arrived as %s\n\n", word(report.WireHost))
	}
	printSteps(c, report.Steps)
	for _, s := range report.Signatures {
		fmt.Fprintf(c.out, "\nsignature %s\n", line(signatureTitle(s)))
		t.clock(c, s)
		printSteps(c, s.Steps)
		printBase(c, s, signed)
	}
	t.apart(ctx, c, verdict, report)
	if verdict == nil {
		fmt.Fprintln(c.out, "\nvalid")
	}
}

func reportOf(res *httpsig.Result, verdict error) *httpsig.Report {
	var refused *httpsig.Error
	switch {
	case res != nil:
		return res.Report
	case errors.As(verdict, &refused):
		return refused.Report
	}
	return nil
}

func signatureTitle(s *httpsig.SignatureReport) string {
	title := string(s.Scheme)
	if s.Label != "" {
		title += " " + s.Label
	}
	if s.KeyID != "" {
		title += " by " + word(s.KeyID)
	}
	if s.Algorithm != "" {
		title += ", " + string(s.Algorithm)
	}
	return title
}

// printSteps prints checks as a table, with what was expected and what came below.
func printSteps(c *call, steps []httpsig.Step) {
	t := newTable(c.out, "  CHECK", "VERDICT", "WHY")
	for _, s := range steps {
		verdict := "ok"
		switch {
		case s.Name == "hint":
			verdict = ""
		case !s.OK():
			verdict = s.Code
		}
		t.row("  "+s.Name, verdict, s.Detail)
		if s.Expected != "" || s.Got != "" {
			t.row("", "  expected", exact(s.Expected))
			t.row("", "  got", exact(s.Got))
		}
	}
	t.flush()
}

// madeAt is when a signature says it was made: in its parameters, or else in Date.
func (t *trial) madeAt(s *httpsig.SignatureReport) time.Time {
	if !s.Created.IsZero() {
		return s.Created
	}
	date, err := http.ParseTime(t.request.Header.Get("Date"))
	if err != nil {
		return time.Time{}
	}
	return date
}

// clock says how far the clocks are apart.
func (t *trial) clock(c *call, s *httpsig.SignatureReport) {
	made, at := t.madeAt(s), t.at.Time
	if made.IsZero() {
		fmt.Fprintln(c.out, "  made at an unknown time")
		return
	}
	fmt.Fprintf(c.out, "  made %s, %s", instant(made), distance(made, at))
	switch {
	case at.Sub(made) > httpsig.DefaultMaxAge:
		fmt.Fprintf(c.out, ": %s too old, or one of the clocks is wrong", span(at.Sub(made)-httpsig.DefaultMaxAge))
	case made.Sub(at) > httpsig.DefaultMaxSkew:
		fmt.Fprintf(c.out, ": %s too early, so one of the clocks is wrong", span(made.Sub(at)-httpsig.DefaultMaxSkew))
	}
	fmt.Fprintln(c.out)
	if !s.Expires.IsZero() {
		fmt.Fprintf(c.out, "  ends %s, %s\n", instant(s.Expires), distance(s.Expires, at))
	}
}

// apart says what the verdict would be but for the clock.
func (t *trial) apart(ctx context.Context, c *call, verdict error, report *httpsig.Report) {
	code := codeOf(verdict)
	if code != httpsig.CodeExpired && code != httpsig.CodeFuture || len(report.Signatures) == 0 {
		return
	}
	made := t.madeAt(report.Signatures[0])
	if made.IsZero() {
		return
	}
	switch _, then := t.verify(ctx, made); then {
	case nil:
		fmt.Fprintf(c.out, "\napart from the clock it is valid (-at %s)\n", instant(made))
	default:
		fmt.Fprintf(c.out, "\napart from the clock it is refused too (-at %s): %s\n", instant(made), line(then.Error()))
	}
}

// A field is a line of a signature base.
type field struct{ name, value string }

func parseBase(base string) []field {
	var all []field
	for text := range strings.SplitSeq(strings.TrimRight(strings.ReplaceAll(base, "\r\n", "\n"), "\n"), "\n") {
		name, value, _ := strings.Cut(text, ": ")
		all = append(all, field{name, value})
	}
	return all
}

func readBase(file string) ([]field, error) {
	if file == "" {
		return nil, nil
	}
	text, err := readFile(file)
	if err != nil {
		return nil, err
	}
	return parseBase(string(text)), nil
}

// printBase prints the text that is verified, field by field, and marks those that the sender signed
// otherwise.
func printBase(c *call, s *httpsig.SignatureReport, signed []field) {
	if s.Base == "" {
		return
	}
	head := []string{"  COVERED", "AS IT ARRIVED"}
	if signed != nil {
		head = []string{"  COVERED", "", "AS IT ARRIVED", "AS IT WAS SIGNED"}
	}
	t := newTable(c.out, head...)
	here := parseBase(s.Base)
	for i, f := range here {
		switch {
		case signed == nil:
			t.row("  "+f.name, exact(f.value))
		default:
			t.row(append([]string{"  " + f.name}, compare(f, at(signed, i, f.name))...)...)
		}
	}
	for i, f := range signed {
		if _, ok := find(here, i, f.name); !ok {
			t.row("  "+f.name, "differs", "(not covered here)", exact(f.value))
		}
	}
	t.flush()
}

func compare(here field, there *field) []string {
	switch {
	case there == nil:
		return []string{"differs", exact(here.value), "(not signed)"}
	case here.value != there.value:
		return []string{"differs", exact(here.value), exact(there.value)}
	}
	return []string{"same", exact(here.value), ""}
}

func at(fields []field, i int, name string) *field {
	if j, ok := find(fields, i, name); ok {
		return &fields[j]
	}
	return nil
}

// find returns the place of a name, which is as a rule the same on both sides.
func find(fields []field, i int, name string) (int, bool) {
	if i < len(fields) && fields[i].name == name {
		return i, true
	}
	for j, f := range fields {
		if f.name == name {
			return j, true
		}
	}
	return 0, false
}
