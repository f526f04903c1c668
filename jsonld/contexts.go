package jsonld

import (
	"embed"
	"encoding/json"
	"fmt"
	"iter"
	"net/url"
	"slices"
	"strings"
	"sync"
)

//go:embed contexts/index.json contexts/*.jsonld
var files embed.FS

// Embedded describes one context document compiled into the program.
type Embedded struct {
	File    string   `json:"file"`             // name under contexts/
	URLs    []string `json:"urls"`             // every spelling of its URL that resolves to it
	Paths   []string `json:"paths,omitempty"`  // paths at which any host serves it
	Licence string   `json:"licence"`          // SPDX identifier, or W3C
	Origin  string   `json:"origin"`           // repository, path and commit it was copied from
	Source  string   `json:"source,omitempty"` // URL from which the refresh tool asks for a newer one
	SHA256  string   `json:"sha256"`           // hex hash of the bytes, checked by a test
}

// Document returns the context document. The caller may change the bytes.
func (e Embedded) Document() []byte {
	b, err := files.ReadFile("contexts/" + e.File)
	if err != nil { // the index is checked against the files by a test
		return nil
	}
	return b
}

// library is the parsed index, built once and read-only afterwards.
type library struct {
	all   []Embedded
	byURL map[string]*entry
	paths []pathEntry
}

type entry struct {
	Embedded
	parse func() (any, error)
	price func() (size int, scoped map[string]int) // what it costs to use, see type price
}

type pathEntry struct {
	path string
	*entry
}

var embedded = sync.OnceValue(func() *library {
	b, err := files.ReadFile("contexts/index.json")
	if err != nil {
		panic(err) // compiled in
	}
	l := &library{byURL: make(map[string]*entry)}
	if err := json.Unmarshal(b, &l.all); err != nil {
		panic(fmt.Sprintf("jsonld: contexts/index.json: %v", err))
	}
	for _, e := range l.all {
		ent := &entry{Embedded: e}
		ent.parse = sync.OnceValues(func() (any, error) { return decode(ent.Document(), defaultLimits) })
		ent.price = sync.OnceValues(func() (int, map[string]int) {
			doc, _ := ent.parse()
			p := newPrice(defaultLimits)
			p.note(doc)
			return definitions(doc), p.scoped
		})
		for _, u := range e.URLs {
			l.byURL[u] = ent
		}
		for _, p := range e.Paths {
			l.paths = append(l.paths, pathEntry{p, ent})
		}
	}
	return l
})

// find returns the embedded context for a URL. A few contexts are served by every host of a kind
// of software at a fixed path (Pleroma's litepub-0.1.jsonld); those are found by their path.
func (l *library) find(u string) (*entry, bool) {
	if e, ok := l.byURL[u]; ok {
		return e, true
	}
	if e, ok := l.byURL[strings.TrimRight(u, "#")]; ok {
		return e, true
	}
	parsed, err := url.Parse(u)
	if err != nil || (parsed.Scheme != "https" && parsed.Scheme != "http") || parsed.RawQuery != "" {
		return nil, false
	}
	for _, p := range l.paths {
		if parsed.Path == p.path || strings.HasSuffix(p.path, ".") && versioned(parsed.Path, p.path) {
			return p.entry, true
		}
	}
	return nil, false
}

// versioned reports whether path is prefix followed by digits alone ("/apschema/v1." + "9").
func versioned(path, prefix string) bool {
	rest, ok := strings.CutPrefix(path, prefix)
	return ok && rest != "" && strings.Trim(rest, "0123456789") == ""
}

// Contexts iterates over the context documents that are compiled in, by file name.
func Contexts() iter.Seq[Embedded] { return slices.Values(embedded().all) }

// Known reports whether a context URL resolves without the network, and to which document.
func Known(contextURL string) (Embedded, bool) {
	e, ok := embedded().find(contextURL)
	if !ok {
		return Embedded{}, false
	}
	return e.Embedded, true
}
