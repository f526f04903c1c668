package activitystreams

import (
	"sync"
	"sync/atomic"
)

// A verdictCache remembers what contexts amount to, by their bytes. Servers send few different ones.
type verdictCache struct {
	recent atomic.Pointer[recentContexts]

	mu   sync.RWMutex
	seen map[string]*verdict
}

const (
	maxVerdicts    = 1024     // bounds the cache; when full it starts anew
	maxVerdictText = 16 << 10 // the longest context that is remembered
)

// A judged context is one that was scanned and judged before.
type judged struct {
	text    string
	values  int // in it, itself included
	verdict *verdict
}

// recentContexts are contexts of roots, each checked within the same limits. A document whose context
// begins with the text of one has just that context, since text is a whole value: it need not be
// scanned again. They never change.
type recentContexts struct {
	limits Limits
	all    [32]*judged
	next   int // the one to replace
}

// begins returns the context that src begins with, if it is known.
func (c *verdictCache) begins(src []byte, limits *Limits) *judged {
	r := c.recent.Load()
	if r == nil || r.limits != *limits {
		return nil
	}
	for _, k := range &r.all {
		if k == nil {
			return nil
		}
		if len(src) > len(k.text) && string(src[:len(k.text)]) == k.text {
			return k
		}
	}
	return nil
}

// remember adds a context of a root that was scanned in full.
func (c *verdictCache) remember(text []byte, values int, limits *Limits, v *verdict) {
	if len(text) > maxVerdictText || text[0] != '"' && text[0] != '[' && text[0] != '{' {
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	r := &recentContexts{limits: *limits}
	if old := c.recent.Load(); old != nil && old.limits == *limits {
		*r = *old
	}
	r.all[r.next] = &judged{string(text), values, v}
	r.next = (r.next + 1) % len(r.all)
	c.recent.Store(r)
}

// get judges a context, or returns what it was found to be.
func (c *verdictCache) get(text []byte, limit int) *verdict {
	c.mu.RLock()
	v := c.seen[string(text)]
	c.mu.RUnlock()
	if v != nil {
		return v
	}
	v = judgeText(string(text), limit)
	if len(text) > maxVerdictText {
		return v
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.seen == nil || len(c.seen) >= maxVerdicts {
		c.seen = make(map[string]*verdict)
	}
	c.seen[string(text)] = v
	return v
}

// judgeText judges an @context on its own, so that nothing keeps the document that it came from.
func judgeText(text string, limit int) *verdict {
	v := new(verdict)
	if d, err := contextDocument(text); err != nil {
		v.fail(CodeNotPlain, "@context", "", err.Reason)
	} else {
		v.context(d, 1, limit)
	}
	return v
}

// contextDocument scans the text of an @context, which is token 1 of the document.
func contextDocument(text string) (*document, *SyntaxError) {
	doc := `{"@context":` + text + `}`
	s := scanner{src: []byte(doc), limits: Limits{}.withDefaults(), whole: true}
	s.limits.Depth++
	s.limits.Bytes = len(doc)
	if err := s.scan(); err != nil {
		return nil, err
	}
	return &document{src: doc, toks: s.toks}, nil
}
