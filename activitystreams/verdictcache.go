package activitystreams

import "sync"

// A verdictCache remembers what contexts amount to, by their bytes. Servers send few different ones.
type verdictCache struct {
	mu   sync.RWMutex
	seen map[string]*verdict
}

// maxVerdicts bounds the cache; when full it starts anew.
const maxVerdicts = 1024

// maxVerdictText is the longest context that is remembered.
const maxVerdictText = 16 << 10

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
	doc := `{"@context":` + text + `}`
	s := scanner{src: []byte(doc), limits: Limits{}.withDefaults()}
	s.limits.Depth++
	if err := s.scan(); err != nil {
		v.fail(CodeNotPlain, "@context", "", err.Reason)
		return v
	}
	v.context(&document{src: doc, toks: s.toks}, 1, limit)
	return v
}
