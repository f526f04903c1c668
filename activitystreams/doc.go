// Package activitystreams is the vocabulary of the social web: ActivityStreams 2.0, ActivityPub and
// what deployed servers add to them, as plain Go structs with a strict and lossless codec. By custom
// it is imported as "as".
//
// # Shapes and types
//
// Some twenty plain structs are the shapes: [Object], [Activity], [Actor], [Collection], [Link] and
// smaller ones. Each type of the vocabulary is a defined type over its shape: `type Note Object`,
// `type Follow Activity`. So literals are flat, a handler of *Follow cannot be given a *Like, and
// conversion is free. [ObjectOf], [ActivityOf], [ActorOf] and [CollectionOf] give the shape of any
// [Node], as the same memory; [CommonOf] gives pointers to the fields that nearly all shapes share.
// VOCABULARY.md lists every type and property with its meaning, IRI and source.
//
// # Values
//
// Nearly every property may be absent, single or a list, and nearly every thing may be just its
// IRI. [Refs] and [Ref] read the same in all cases: ref.ID() answers whether the thing is embedded
// or not, As[*Person](ref) answers when it is. [Text] is a value, a value per language, or both;
// [Time] and [Number] keep the text that they were read from; truth values are *bool, since absent
// is not false (`Sensitive: new(true)`).
//
// # Reading
//
// [ReadHeader] is for the door: it checks a whole document and tells who did what, by id, without
// building anything. [Decode] builds the [Node]. Both are strict where safety needs it (UTF-8,
// duplicate names, depth, counts, lengths: [Limits]) and refuse with a [*SyntaxError] that has a
// code, a JSON pointer and an offset. Both are lenient in shape, because the network is: one or
// many, string or object, null or absent, numbers in strings, dates without zone.
//
// Plain JSON and JSON-LD must agree. The @context is judged: terms that it maps where we do are
// read directly, and so are prefixes, full IRIs and other names for them. A context that maps a
// term of ActivityStreams elsewhere is refused with a [*ContextError]; so is what needs real JSON-LD
// processing, unless the [Decoder] has a [Normalizer] (package jsonld).
//
// What is decoded came from somebody else. Text of content and summary is HTML for a sanitiser
// ([Text.Untrusted]); an IRI becomes a link only through [IRI.HTTP], [HTMLURL] and their kin; an
// embedded object of another origin is a claim, not a fact.
//
// # Writing
//
// [Encode] writes a decoded node as it came, byte for byte but for white space and HTML-safe
// escapes, and only what was set anew in a new form: unknown members ([Object].Extra), order, nulls,
// lists of one, date and number spelling survive. A node made in Go begins with the least @context
// that defines the terms it uses. Hidden recipients are written like other fields: [StripBlind]
// removes them.
//
// # Types of your own
//
// A [Registry] teaches a Decoder and an Encoder an app's types and properties at run time:
// [RegisterType], [RegisterProperty].
//
// # Design
//
// Dependencies: origin (the IRI syntax check) and github.com/go-json-experiment/json/jsontext, the
// coming encoding/json/jsontext, whose Value is our [Raw]. The scanner is our own, though jsontext is
// as strict: recorded as offsets ("tokens"), one pass serves the header and the nodes, and it takes a
// tenth of the time that encoding/json needs to fill a map; a fuzz test compares it with jsontext. The
// tokens are not kept: the first time that something of a document is written again, or a translation
// is asked for, another pass makes them for good. Names of the vocabulary become numbers while they are
// scanned, and an @context whose bytes the Decoder saw before is neither scanned again nor kept with
// each document: keep one Decoder. Strings of a node are parts of one copy of its document, so keep
// strings.Clone(s) and not s if a short string is to outlive a large document.
//
// The code that differs between shapes is generated from vocabulary.txt by internal/vocabgen: the
// structs, a table from wire name to field number, and a switch from number to field. All else is
// written once, by kind of field.
package activitystreams

//go:generate go run ../internal/vocabgen vocabulary.txt .
