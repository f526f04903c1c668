package main

import (
	"errors"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/gokith/kith/httpsig"
)

// explain prints the report of a verdict as tables: the checks, the clock, and each covered field as
// this side sees it, beside what the sender signed if that is known; then what to do about it.
func (t *trial) explain(c *call, res *httpsig.Result, verdict error, signed []field) {
	report := reportOf(res, verdict)
	if report == nil {
		return
	}
	fmt.Fprintf(c.out, "%s %s as of %s\n\n", word(report.Method), word(report.URL), instant(t.at.Time))
	if !strings.EqualFold(report.WireHost, t.origin.Authority()) {
		fmt.Fprintf(c.out, "Host arrived as %s and is taken for %s\n\n", word(report.WireHost), word(t.origin.Authority()))
	}
	printSteps(c, report.Steps)
	for _, s := range report.Signatures {
		fmt.Fprintf(c.out, "\nsignature %s\n", line(signatureTitle(s)))
		t.clock(c, s)
		printSteps(c, s.Steps)
		known := signed
		if known == nil && s.SignedBase != "" {
			known = parseBase(s.SignedBase)
		}
		t.printBase(c, s, known)
	}
	if verdict == nil {
		fmt.Fprintln(c.out, "\nvalid")
		return
	}
	t.conclude(c, codeOf(verdict), report)
}

// conclude says what is wrong in a sentence or two, and whether that is all.
func (t *trial) conclude(c *call, code string, report *httpsig.Report) {
	others, good, found := map[string]bool{}, false, false
	for _, step := range report.Failures() {
		if step.Code != code {
			others[step.Code] = true
		}
	}
	for _, s := range report.Signatures {
		found = found || s.SignedBase != ""
		for _, step := range s.Steps {
			good = good || step.Name == "signature" && step.OK()
		}
	}
	text := advice(code)
	if code == httpsig.CodeMismatch && found {
		text = "The hint names the mistake: mend it there, and the signature is good."
	}
	fmt.Fprintf(c.out, "\nrefused: %s\n", code)
	if text != "" {
		fmt.Fprintf(c.out, "  %s\n", text)
	}
	clock := code == httpsig.CodeExpired || code == httpsig.CodeFuture
	switch {
	case len(others) > 0:
		fmt.Fprintf(c.out, "  It would be refused all the same: %s.\n", strings.Join(slices.Sorted(maps.Keys(others)), ", "))
	case good && clock:
		fmt.Fprintf(c.out, "  But for the clock it is valid (-at %s).\n", instant(t.madeAt(report.Signatures[0])))
	case good:
		fmt.Fprintln(c.out, "  Nothing else is wrong: the signature itself is good.")
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

// printSteps prints checks as a table, with what was expected and what came below, and then hints.
func printSteps(c *call, steps []httpsig.Step) {
	t := newTable(c.out, "  CHECK", "VERDICT", "WHY")
	for _, s := range steps {
		verdict := "ok"
		switch {
		case s.Name == "hint":
			continue
		case !s.OK():
			verdict = s.Code
		}
		t.row("  "+s.Name, verdict, s.Detail)
		if s.Expected != "" {
			t.row("", "  expected", exact(s.Expected))
		}
		if s.Expected != "" || s.Got != "" {
			t.row("", "  got", exact(s.Got))
		}
	}
	t.flush()
	for _, s := range steps {
		if s.Name == "hint" {
			fmt.Fprintf(c.out, "  hint: %s\n", line(s.Detail))
		}
	}
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

// printBase prints the text that is verified, field by field. A field that the sender signed otherwise,
// as far as that is known, has both values below each other.
func (t *trial) printBase(c *call, s *httpsig.SignatureReport, signed []field) {
	if s.Base == "" {
		t.printCovered(c, s)
		return
	}
	here := parseBase(s.Base)
	if signed == nil {
		table := newTable(c.out, "  COVERED", "AS IT ARRIVED")
		for _, f := range here {
			table.row("  "+f.name, exact(f.value))
		}
		table.flush()
		return
	}
	table := newTable(c.out, "  COVERED", "", "AS IT ARRIVED, AND AS IT WAS SIGNED")
	for i, f := range here {
		there := at(signed, i, f.name)
		switch {
		case there == nil:
			table.row("  "+f.name, "differs", exact(f.value))
			table.row("", "signed", "(not at all)")
		case there.value != f.value:
			table.row("  "+f.name, "differs", exact(f.value))
			table.row("", "signed", exact(there.value))
		default:
			table.row("  "+f.name, "same", exact(f.value))
		}
	}
	for i, f := range signed {
		if _, ok := find(here, i, f.name); !ok {
			table.row("  "+exact(f.name), "differs", "(not covered here)")
			table.row("", "signed", exact(f.value))
		}
	}
	table.flush()
}

// printCovered prints the fields of a text that cannot be built.
func (t *trial) printCovered(c *call, s *httpsig.SignatureReport) {
	if len(s.Covered) == 0 {
		return
	}
	table := newTable(c.out, "  COVERED", "AS IT ARRIVED")
	for _, name := range s.Covered {
		value := strings.Join(t.request.Header.Values(name), ", ")
		switch {
		case strings.HasPrefix(name, "(") || strings.HasPrefix(name, "@") || name == "host":
			continue // they are always there
		case value == "":
			value = "(absent)"
		}
		table.row("  "+name, exact(value))
	}
	table.flush()
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
