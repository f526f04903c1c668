package httpsig

import (
	"fmt"
	"log/slog"
	"strconv"
	"strings"
	"time"
)

// A Report tells how a request was judged: every step in order, and for each signature what it
// covers and the exact text (signature base) that was verified. It is the same in logs, the
// delivery ledger, the command line and tests, and marshals to JSON.
type Report struct {
	At         time.Time          `json:"at"`                   // the instant of the verdict
	Method     string             `json:"method"`               //
	URL        string             `json:"url"`                  // the public URL, as rebuilt from the configured origin
	WireHost   string             `json:"wireHost"`             // the Host that arrived, which a proxy may have rewritten
	Steps      []Step             `json:"steps"`                // checks of the request as a whole
	Signatures []*SignatureReport `json:"signatures,omitempty"` // one per signature that was tried
}

// A SignatureReport tells how one signature of a request was judged.
type SignatureReport struct {
	Label     string    `json:"label"` // the RFC 9421 label; "" for draft-cavage
	Scheme    Scheme    `json:"scheme"`
	KeyID     string    `json:"keyId,omitempty"`
	Algorithm Algorithm `json:"algorithm,omitempty"` // as derived from the key
	Covered   []string  `json:"covered,omitempty"`
	Created   time.Time `json:"created,omitzero"`
	Expires   time.Time `json:"expires,omitzero"`
	Base      string    `json:"base,omitempty"` // the text that the signature signs, whenever it can be built
	Steps     []Step    `json:"steps"`
	Verified  bool      `json:"verified"`
	// SignedBase is another text, for which the signature is good: what the sender seems to have
	// signed. Only Explain looks for it.
	SignedBase string `json:"signedBase,omitempty"`
}

// A Step is one check. Code is empty when it passed.
type Step struct {
	Name     string `json:"name"`
	Code     string `json:"code,omitempty"`
	Detail   string `json:"detail,omitempty"`
	Expected string `json:"expected,omitempty"`
	Got      string `json:"got,omitempty"`
}

// OK reports whether the check passed.
func (s Step) OK() bool { return s.Code == "" }

// String prints the step on one line.
func (s Step) String() string {
	var b strings.Builder
	s.print(&b)
	return b.String()
}

func (s Step) print(b *strings.Builder) {
	switch {
	case s.Name == hintStep:
		b.WriteString("hint ")
	case s.OK():
		fmt.Fprintf(b, "ok    %s", s.Name)
	default:
		fmt.Fprintf(b, "FAIL  %s: %s", s.Name, s.Code)
	}
	if s.Detail != "" {
		fmt.Fprintf(b, " (%s)", s.Detail)
	}
	if s.Expected != "" || s.Got != "" {
		fmt.Fprintf(b, ": expected %q, got %q", s.Expected, s.Got)
	}
}

// Failures yields the steps that failed, of the request first and then of each signature.
func (r *Report) Failures() []Step {
	if r == nil {
		return nil
	}
	var failed []Step
	add := func(steps []Step) {
		for _, s := range steps {
			if !s.OK() {
				failed = append(failed, s)
			}
		}
	}
	add(r.Steps)
	for _, s := range r.Signatures {
		add(s.Steps)
	}
	return failed
}

// String prints the report for a person: the request, its steps, and each signature with its base.
func (r *Report) String() string {
	if r == nil {
		return ""
	}
	var b strings.Builder
	fmt.Fprintf(&b, "%s %s at %s\n", r.Method, r.URL, r.At.UTC().Format(time.RFC3339))
	printSteps(&b, r.Steps)
	for _, s := range r.Signatures {
		b.WriteString(s.title())
		printSteps(&b, s.Steps)
		if s.Base != "" {
			fmt.Fprintf(&b, "  base:\n    %s\n", strings.ReplaceAll(s.Base, "\n", "\n    "))
		}
	}
	return b.String()
}

// title names a signature on one line.
func (r *SignatureReport) title() string {
	title := "signature " + string(r.Scheme)
	if r.Label != "" {
		title += " " + r.Label
	}
	title += " by " + strconv.Quote(r.KeyID)
	if r.Algorithm != "" {
		title += " with " + string(r.Algorithm)
	}
	return title + "\n"
}

func printSteps(b *strings.Builder, steps []Step) {
	for _, s := range steps {
		b.WriteString("  ")
		s.print(b)
		b.WriteByte('\n')
	}
}

// LogValue logs the request and what failed, without the signature base.
func (r *Report) LogValue() slog.Value {
	if r == nil {
		return slog.Value{}
	}
	attrs := []slog.Attr{slog.String("method", r.Method), slog.String("url", r.URL)}
	for _, s := range r.Failures() {
		attrs = append(attrs, slog.String(s.Name, s.String()))
	}
	return slog.GroupValue(attrs...)
}

// newReport makes an empty report, with room for the usual steps, in one piece.
func newReport() *Report {
	room := &struct {
		Report
		steps      [4]Step
		signatures [1]*SignatureReport
	}{}
	room.Steps, room.Signatures = room.steps[:0], room.signatures[:0]
	return &room.Report
}

// An outcome is what a caller gets of one signature, in one piece.
type outcome struct {
	SignatureReport
	result  Result
	steps   [12]Step
	covered [6]string
}

// newSignature adds the report of one signature.
func (r *Report) newSignature(c *candidate) *outcome {
	s := &outcome{}
	s.Steps = s.steps[:0]
	s.Label, s.Scheme, s.KeyID, s.Covered = c.label, c.scheme, c.keyID, c.covered(s.covered[:0])
	s.Created, s.Expires = c.created.time(), c.expires.time()
	r.Signatures = append(r.Signatures, &s.SignatureReport)
	return s
}

// record adds the outcome of a check and hands the fault through.
func record(steps *[]Step, name string, f *fault) *fault {
	if f == nil {
		*steps = append(*steps, Step{Name: name})
		return nil
	}
	*steps = append(*steps, Step{Name: name, Code: f.code, Detail: f.detail, Expected: f.expected, Got: f.got})
	return f
}

func (r *Report) step(name string, f *fault) *fault { return record(&r.Steps, name, f) }

func (r *SignatureReport) step(name string, f *fault) *fault { return record(&r.Steps, name, f) }
