package activitystreams

import (
	"iter"
	"slices"
)

// A Term is a name of the vocabulary: a property or a type.
type Term struct {
	Name string   // on the wire
	IRIs []string // what it stands for; the first is its own, the others are what servers map it to
	Core bool     // of ActivityStreams or security: a document that maps it elsewhere is refused
}

// Terms returns all names of the vocabulary, sorted, for those who build contexts from it. "id" and
// "type" have the keywords of JSON-LD for IRIs, and names that no context defines begin with "_:".
func Terms() iter.Seq[Term] {
	return func(yield func(Term) bool) {
		for _, t := range terms {
			if !yield(Term{Name: t.name, IRIs: slices.Clone(t.iris), Core: t.fixed}) {
				return
			}
		}
	}
}
