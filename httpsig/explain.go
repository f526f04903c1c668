package httpsig

import (
	"net/http"

	"github.com/gokith/kith/origin"
)

// hintStep names the steps that explain others and judge nothing.
const hintStep = "hint"

// explain looks for the reading of the request under which a failed signature would verify: the one
// that the sender meant. What it finds is a hint in the report and never changes the verdict. It
// costs some more arithmetic per refusal, so it runs only with Verifier.Explain.
func (t *trial) explain(alg Algorithm, key Key) {
	for _, g := range guesses(t.request, &t.message) {
		base, f := t.c.base(g.message)
		if f == nil && t.c.verifies(g.message, alg, key, base) {
			t.report.Steps = append(t.report.Steps, Step{Name: hintStep, Detail: "the signature is good for " + g.what,
				Expected: g.message.method + " " + g.message.url(), Got: t.message.method + " " + t.message.url()})
			return
		}
	}
}

// A guess is another way in which a sender may have seen the request.
type guess struct {
	what    string
	message *message
}

// guesses lists the usual mistakes: proxies that rewrite, senders that decode or cut.
func guesses(r *http.Request, m *message) []guess {
	var list []guess
	add := func(what string, change func(*message)) {
		list = append(list, guess{what, m.as(change)})
	}
	at := func(scheme, host string, then func(*message)) func(*message) {
		return func(g *message) {
			if o, err := origin.Parse(scheme + "://" + host); err == nil {
				g.origin, g.host = o, host
			}
			if then != nil {
				then(g)
			}
		}
	}
	other := map[string]string{"https": "http", "http": "https"}[m.origin.Scheme()]
	add("the Host that arrived: configure it, or the proxy", at(m.origin.Scheme(), r.Host, nil))
	add("the other scheme: the configured origin or the sender is wrong", at(other, m.origin.Authority(), nil))
	add("the other scheme and the Host that arrived", at(other, r.Host, nil))
	add("the target without its query", func(g *message) { g.target, g.wire = m.path(), m.path() })
	add("the target as it arrived: StrippedPrefix is wrong", func(g *message) { g.wire = requestTarget(r); g.target = originForm(g.wire) })
	if u := r.URL; u != nil {
		add("the path as a handler saw it: a prefix was stripped or added", func(g *message) { g.target = u.RequestURI(); g.wire = g.target })
		add("the target with its path decoded: the sender signs what it does not send", func(g *message) {
			g.target = u.Path
			if u.RawQuery != "" {
				g.target += "?" + u.RawQuery
			}
			g.wire = g.target
		})
	}
	for _, method := range []string{http.MethodGet, http.MethodPost} {
		if method != m.method {
			add("method "+method, func(g *message) { g.method = method })
		}
	}
	return list
}
