package jsonld

import (
	"bytes"
	"context"
	"crypto/sha256"
	"crypto/sha512"
	"encoding/hex"
	"hash"
	"maps"
	"slices"
	"strconv"
	"strings"
)

// Canonical is a dataset in canonical form.
type Canonical struct {
	// NQuads is the canonical N-Quads document: sorted, without repetition.
	NQuads []byte
	// Labels maps the label of each blank node of the input to its canonical one, both without "_:".
	Labels map[string]string
	// Steps is what the work cost, in the unit of Limits.Steps.
	Steps int
}

// CanonicalizeQuads canonicalises a dataset by RDFC-1.0 with SHA-256. The work is bounded by
// l.Steps and l.Quads; a graph that needs more (fully linked blank nodes, say) is refused with
// ErrBudget, which is the algorithm's own answer to poison graphs (RDFC-1.0 §7.1). Cancelling ctx
// ends it too.
func CanonicalizeQuads(ctx context.Context, quads []Quad, l Limits) (*Canonical, error) {
	return canonicalize(ctx, quads, l.orDefault(), sha256.New)
}

// CanonicalizeQuadsSHA384 is CanonicalizeQuads with SHA-384 as the internal hash, as the ecdsa-rdfc
// suites for P-384 keys want it.
func CanonicalizeQuadsSHA384(ctx context.Context, quads []Quad, l Limits) (*Canonical, error) {
	return canonicalize(ctx, quads, l.orDefault(), sha512.New384)
}

func canonicalize(ctx context.Context, quads []Quad, l Limits, newHash func() hash.Hash) (*Canonical, error) {
	if len(quads) > l.Quads {
		return nil, limit("quads", "")
	}
	c := canonicalizer{
		ctx: ctx, limit: l.Steps, hash: newHash(),
		quads: make(map[string][]*Quad), first: make(map[string]string), issued: newIssuer("c14n"),
	}
	seen := make(map[Quad]bool, len(quads))
	for i := range quads {
		if !seen[quads[i]] { // a dataset is a set: a repeated quad must not count twice in the hashes
			seen[quads[i]] = true
			c.index(&quads[i])
		}
	}
	if err := c.label(); err != nil {
		return nil, err
	}
	return &Canonical{NQuads: c.write(quads), Labels: c.issued.ids, Steps: c.steps}, nil
}

// canonicalizer is the canonicalization state of RDFC-1.0 §4.3. The names of its methods are those
// of the algorithms in §4.4 to §4.8.
type canonicalizer struct {
	ctx    context.Context
	limit  int
	steps  int
	hash   hash.Hash
	quads  map[string][]*Quad // blank node to quads map
	first  map[string]string  // hash first degree quads, once for each node
	issued *issuer            // canonical issuer
}

func (c *canonicalizer) index(q *Quad) {
	seen := make([]string, 0, 3)
	for _, t := range []*Term{&q.Subject, &q.Object, &q.Graph} {
		if t.Kind == Blank && !slices.Contains(seen, t.Value) {
			seen = append(seen, t.Value)
			c.quads[t.Value] = append(c.quads[t.Value], q)
		}
	}
}

// step accounts for n hashed quads or labels.
func (c *canonicalizer) step(n int) error {
	if c.steps += n; c.steps > c.limit { // check: S-73
		return &Error{Code: ErrBudget.Code, Name: "steps", Detail: "canonicalisation would take more than " + strconv.Itoa(c.limit) + " steps"}
	}
	if err := c.ctx.Err(); err != nil {
		return &Error{Code: ErrBudget.Code, Name: "context", Err: err}
	}
	return nil
}

// label is §4.4: it gives every blank node its canonical label.
func (c *canonicalizer) label() error {
	byHash := make(map[string][]string)
	for id := range c.quads {
		h := c.hashFirstDegree(id)
		byHash[h] = append(byHash[h], id)
	}
	hashes := slices.Sorted(maps.Keys(byHash))
	for _, h := range hashes {
		if ids := byHash[h]; len(ids) == 1 {
			c.issued.issue(ids[0])
			delete(byHash, h)
		}
	}
	for _, h := range hashes {
		if err := c.labelShared(byHash[h]); err != nil {
			return err
		}
	}
	return nil
}

// labelShared labels the nodes that share a first-degree hash.
func (c *canonicalizer) labelShared(ids []string) error {
	type path struct {
		hash   string
		issuer *issuer
	}
	var paths []path
	slices.Sort(ids) // the result does not depend on it, the number of steps does
	for _, id := range ids {
		if c.issued.has(id) {
			continue
		}
		temporary := newIssuer("b")
		temporary.issue(id)
		h, iss, err := c.hashNDegree(id, temporary)
		if err != nil {
			return err
		}
		paths = append(paths, path{h, iss})
	}
	slices.SortStableFunc(paths, func(a, b path) int { return strings.Compare(a.hash, b.hash) })
	for _, p := range paths {
		for _, id := range p.issuer.order {
			c.issued.issue(id)
		}
	}
	return nil
}

func (c *canonicalizer) sum() string { return hex.EncodeToString(c.hash.Sum(nil)) }

// hashFirstDegree is §4.6. It runs once for each node, so that its cost is that of the input.
func (c *canonicalizer) hashFirstDegree(id string) string {
	if h, ok := c.first[id]; ok {
		return h
	}
	lines := make([][]byte, 0, len(c.quads[id]))
	for _, q := range c.quads[id] {
		masked := *q
		for _, t := range []*Term{&masked.Subject, &masked.Object, &masked.Graph} {
			if t.Kind == Blank {
				if t.Value == id {
					t.Value = "a"
				} else {
					t.Value = "z"
				}
			}
		}
		lines = append(lines, masked.append(nil))
	}
	slices.SortFunc(lines, bytes.Compare)
	c.hash.Reset()
	for _, line := range lines {
		c.hash.Write(line)
	}
	h := c.sum()
	c.first[id] = h
	return h
}

// hashRelated is §4.7.
func (c *canonicalizer) hashRelated(related string, q *Quad, iss *issuer, position byte) string {
	var name string
	if id, ok := c.issued.ids[related]; ok {
		name = "_:" + id
	} else if id, ok := iss.ids[related]; ok {
		name = "_:" + id
	} else {
		name = c.hashFirstDegree(related)
	}
	c.hash.Reset()
	c.hash.Write([]byte{position})
	if position != 'g' {
		c.hash.Write([]byte("<" + q.Predicate.Value + ">"))
	}
	c.hash.Write([]byte(name))
	return c.sum()
}

// related is steps 1 to 3 of §4.8: the neighbours of id by the hash of how they are related to it.
func (c *canonicalizer) related(id string, iss *issuer) (map[string][]string, error) {
	byHash := make(map[string][]string)
	for _, q := range c.quads[id] {
		if err := c.step(1); err != nil {
			return nil, err
		}
		for i, t := range []*Term{&q.Subject, &q.Object, &q.Graph} {
			if t.Kind == Blank && t.Value != id {
				h := c.hashRelated(t.Value, q, iss, "sog"[i])
				byHash[h] = append(byHash[h], t.Value)
			}
		}
	}
	return byHash, nil
}

// hashNDegree is §4.8.
func (c *canonicalizer) hashNDegree(id string, iss *issuer) (string, *issuer, error) {
	byHash, err := c.related(id, iss)
	if err != nil {
		return "", nil, err
	}
	var data strings.Builder
	for _, h := range slices.Sorted(maps.Keys(byHash)) {
		var chosen string
		var chosenIssuer *issuer
		data.WriteString(h)
		for order := range permutations(byHash[h]) {
			path, after, err := c.path(order, iss, chosen)
			if err != nil {
				return "", nil, err
			}
			if after != nil && (chosenIssuer == nil || path < chosen) {
				chosen, chosenIssuer = path, after
			}
		}
		data.WriteString(chosen)
		iss = chosenIssuer
	}
	c.hash.Reset()
	c.hash.Write([]byte(data.String()))
	return c.sum(), iss, nil
}

// path is steps 5.4.1 to 5.4.5 of §4.8: the path that one order of the neighbours makes. The issuer
// is nil when the path is already worse than the one chosen so far.
func (c *canonicalizer) path(order []string, iss *issuer, chosen string) (string, *issuer, error) {
	if err := c.step(len(order)); err != nil {
		return "", nil, err
	}
	worse := func(path []byte) bool {
		return chosen != "" && len(path) >= len(chosen) && string(path) > chosen
	}
	iss = iss.clone()
	var path []byte
	var recurse []string
	for _, related := range order {
		if id, ok := c.issued.ids[related]; ok {
			path = append(append(path, "_:"...), id...)
		} else {
			if !iss.has(related) {
				recurse = append(recurse, related)
			}
			path = append(append(path, "_:"...), iss.issue(related)...)
		}
		if worse(path) {
			return "", nil, nil
		}
	}
	for _, related := range recurse {
		h, after, err := c.hashNDegree(related, iss)
		if err != nil {
			return "", nil, err
		}
		path = append(append(path, "_:"...), iss.issue(related)...)
		path = append(append(append(path, '<'), h...), '>')
		iss = after
		if worse(path) {
			return "", nil, nil
		}
	}
	return string(path), iss, nil
}

// write serialises the dataset under its canonical labels.
func (c *canonicalizer) write(quads []Quad) []byte {
	lines := make([][]byte, len(quads))
	size := 0
	for i, q := range quads {
		for _, t := range []*Term{&q.Subject, &q.Object, &q.Graph} {
			if t.Kind == Blank {
				t.Value = c.issued.ids[t.Value]
			}
		}
		lines[i] = q.append(nil)
		size += len(lines[i])
	}
	slices.SortFunc(lines, bytes.Compare)
	out := make([]byte, 0, size)
	for i, line := range lines {
		if i == 0 || !bytes.Equal(line, lines[i-1]) {
			out = append(out, line...)
		}
	}
	return out
}

// issuer is an identifier issuer (RDFC-1.0 §4.5): it remembers what it gave, and in which order.
type issuer struct {
	prefix string
	ids    map[string]string
	order  []string
}

func newIssuer(prefix string) *issuer { return &issuer{prefix: prefix, ids: make(map[string]string)} }

func (i *issuer) has(id string) bool { _, ok := i.ids[id]; return ok }

func (i *issuer) issue(id string) string {
	if given, ok := i.ids[id]; ok {
		return given
	}
	given := i.prefix + strconv.Itoa(len(i.order))
	i.ids[id] = given
	i.order = append(i.order, id)
	return given
}

func (i *issuer) clone() *issuer {
	return &issuer{prefix: i.prefix, ids: maps.Clone(i.ids), order: slices.Clone(i.order)}
}

// permutations yields every order of list, each in a slice that is valid until the next one.
func permutations(list []string) func(yield func([]string) bool) {
	return func(yield func([]string) bool) {
		list := slices.Sorted(slices.Values(list))
		for {
			if !yield(list) {
				return
			}
			// The next order in the lexical sense; equal neighbours make it skip repetitions.
			i := len(list) - 2
			for i >= 0 && list[i] >= list[i+1] {
				i--
			}
			if i < 0 {
				return
			}
			j := len(list) - 1
			for list[j] <= list[i] {
				j--
			}
			list[i], list[j] = list[j], list[i]
			slices.Reverse(list[i+1:])
		}
	}
}
