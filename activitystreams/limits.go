package activitystreams

import (
	"cmp"
	"fmt"
	"math"
)

// Limits bound what a document may hold. A zero field means its default.
type Limits struct {
	Bytes   int // size of the document; default 1 MiB (L-01, L-02)
	Depth   int // nesting of objects and lists; default 64 (L-04)
	Values  int // values in a document; default 20,000 (L-05)
	Members int // members of one object; default 1,000 (L-06)
	String  int // bytes of a string literal; default 512 KiB (L-07)
	Number  int // bytes of a number literal; default 64 (L-07)
	IRI     int // bytes of an IRI; default 2,048 (L-08)
	Context int // entries of an @context; default 32 (L-09)
	Nodes   int // embedded objects that become nodes; default 8,000, so that the worst document stays cheap (L-05)

	Recipients  int // to, cc, bto, bcc and audience of one node, each; default 256 (L-10)
	Tags        int // tags of one node; default 256 (L-10)
	Attachments int // attachments of one node; default 64 (L-11)
	Options     int // options of a poll; default 100 (L-11)
	Keys        int // keys of an actor; default 16 (L-11)
	Aliases     int // alsoKnownAs of an actor; default 64 (L-11)
}

func (l Limits) withDefaults() Limits {
	return Limits{
		Bytes: cmp.Or(l.Bytes, 1<<20), Depth: cmp.Or(l.Depth, 64), Values: cmp.Or(l.Values, 20_000), Members: cmp.Or(l.Members, 1000),
		String: cmp.Or(l.String, 512<<10), Number: cmp.Or(l.Number, 64), IRI: cmp.Or(l.IRI, 2048), Context: cmp.Or(l.Context, 32), Nodes: cmp.Or(l.Nodes, 8000),
		Recipients: cmp.Or(l.Recipients, 256), Tags: cmp.Or(l.Tags, 256), Attachments: cmp.Or(l.Attachments, 64),
		Options: cmp.Or(l.Options, 100), Keys: cmp.Or(l.Keys, 16), Aliases: cmp.Or(l.Aliases, 64),
	}
}

// unlimited is for text that was checked before.
var unlimited = Limits{
	Bytes: math.MaxInt, Depth: math.MaxInt, Values: math.MaxInt, Members: math.MaxInt, String: math.MaxInt, Number: math.MaxInt,
}

// Codes of a [SyntaxError].
const (
	CodeSyntax       = "json.syntax"        // not JSON
	CodeTrailing     = "json.trailing"      // something after the value
	CodeUTF8         = "json.utf8"          // not UTF-8
	CodeSurrogate    = "json.surrogate"     // half a surrogate pair in a string
	CodeDuplicate    = "json.duplicate"     // an object has a name twice
	CodeNotObject    = "json.not_object"    // the document is not an object
	CodeBytes        = "json.bytes"         // over Limits.Bytes
	CodeDepth        = "json.depth"         // over Limits.Depth
	CodeValues       = "json.values"        // over Limits.Values
	CodeMembers      = "json.members"       // over Limits.Members
	CodeStringLength = "json.string_length" // over Limits.String
	CodeNumberLength = "json.number_length" // over Limits.Number
	CodeIRILength    = "json.iri_length"    // over Limits.IRI
	CodeCount        = "json.count"         // over one of the limits on recipients, tags, attachments, …
)

// A SyntaxError says why a document was refused before anything was made of it.
type SyntaxError struct {
	Code    string // one of the Code constants
	Pointer string // JSON pointer (RFC 6901) to the value at fault
	Offset  int64  // byte offset in the document
	Reason  string
}

// Error says what was wrong, for logs and people.
func (e *SyntaxError) Error() string {
	return fmt.Sprintf("activitystreams: %s at %q, byte %d (%s)", e.Reason, e.Pointer, e.Offset, e.Code)
}
