package activitystreams_test

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"github.com/go-json-experiment/json/jsontext"
	"github.com/stretchr/testify/require"

	as "github.com/gokith/kith/activitystreams"
)

// code returns the code of the SyntaxError that a document is refused with, "" if it is accepted.
func code(t testing.TB, doc string, limits as.Limits) string {
	t.Helper()
	d := as.Decoder{Limits: limits}
	_, err := d.Decode([]byte(doc))
	_, headerErr := d.Header([]byte(doc))
	if err == nil {
		require.NoError(t, headerErr)
		return ""
	}
	var syntax *as.SyntaxError
	require.True(t, errors.As(err, &syntax), "%v", err)
	return syntax.Code
}

// TestJSONSyntax runs the JSON parser tests of nst/JSONTestSuite, judged by the strictest reading:
// i_ cases are refused when jsontext refuses them.
func TestJSONSyntax(t *testing.T) {
	t.Parallel()
	files, err := filepath.Glob(filepath.Join(own, "json-syntax", "*.txt"))
	require.NoError(t, err)
	require.Greater(t, len(files), 200)
	for _, file := range files {
		doc, err := os.ReadFile(file)
		require.NoError(t, err)
		name := filepath.Base(file)
		err = as.CheckJSON(doc)
		var syntax *as.SyntaxError
		switch {
		case errors.As(err, &syntax) && syntax.Code == as.CodeNumberLength: // valid JSON, refused: S-68
		case strings.HasPrefix(name, "y_object_duplicated"): // valid JSON, refused: S-69
			require.Error(t, err, name)
		case name[0] == 'y':
			require.NoError(t, err, name)
		case name[0] == 'n':
			require.Error(t, err, name)
		case strings.Contains(name, "BOM_empty_object"): // a BOM belongs to a document, not to a value
			_, err = as.Decode(doc)
			require.NoError(t, err, name)
		default:
			require.Equal(t, jsontext.Value(doc).IsValid(), err == nil, name)
		}
	}
}

func TestS66_DeepNesting(t *testing.T) {
	t.Parallel()
	nest := func(n int) string {
		return `{"object":` + strings.Repeat(`[`, n-1) + strings.Repeat(`]`, n-1) + `}`
	}
	require.Empty(t, code(t, nest(64), as.Limits{}))
	require.Equal(t, as.CodeDepth, code(t, nest(65), as.Limits{}))
	require.Equal(t, as.CodeDepth, code(t, nest(64_000), as.Limits{}))
	require.Equal(t, as.CodeBytes, code(t, nest(1_000_000), as.Limits{}))
	require.Equal(t, as.CodeDepth, code(t, strings.Repeat(`{"a":`, 1_000_000), as.Limits{Bytes: 100 << 20}))
	require.Empty(t, code(t, nest(100), as.Limits{Depth: 100}))
}

// TestS67_WideDocuments: the worst that one mebibyte can hold stays below 32 MiB. BenchmarkWide tells the time.
func TestS67_WideDocuments(t *testing.T) {
	wide := func(item string, n int) string {
		return `{"items":[` + strings.TrimSuffix(strings.Repeat(item+",", n), ",") + `]}`
	}
	require.Empty(t, code(t, wide(`0`, 19_998), as.Limits{}))
	require.Equal(t, as.CodeValues, code(t, wide(`0`, 19_999), as.Limits{}))
	require.Equal(t, as.CodeValues, code(t, wide(`{"a":0}`, 120_000), as.Limits{}))
	members := func(n int) string {
		var b strings.Builder
		for i := range n {
			fmt.Fprintf(&b, `"m%d":0,`, i)
		}
		return `{` + strings.TrimSuffix(b.String(), ",") + `}`
	}
	require.Empty(t, code(t, members(1000), as.Limits{}))
	require.Equal(t, as.CodeMembers, code(t, members(1001), as.Limits{}))
	for _, item := range []string{`{"a":0}`, `{"type":"Person"}`, `{"inbox":0}`, `{"type":"Video"}`, `{"type":"Note","x":"y"}`, `"a"`, `[]`, `{}`} {
		doc := wide(item, 7_999)
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		_, _ = as.Decode([]byte(doc))
		runtime.ReadMemStats(&after)
		require.Less(t, after.TotalAlloc-before.TotalAlloc, uint64(32<<20), item)
	}
}

// BenchmarkWide reads documents that are as wide as they may be: 100 ms are the floor.
func BenchmarkWide(b *testing.B) {
	for _, item := range []string{`{"a":0}`, `{"type":"Person"}`, `{"type":"Video"}`, `{"type":"Note","x":"y"}`} {
		doc := []byte(`{"items":[` + strings.TrimSuffix(strings.Repeat(item+",", 7_999), ",") + `]}`)
		b.Run(item, func(b *testing.B) {
			for b.Loop() {
				_, _ = as.Decode(doc)
			}
		})
	}
}

func TestS68_GiantLiterals(t *testing.T) {
	t.Parallel()
	number := func(s string) string { return `{"totalItems":` + s + `}` }
	require.Empty(t, code(t, number("1e999999"), as.Limits{}))
	require.Empty(t, code(t, number(strings.Repeat("9", 64)), as.Limits{}))
	require.Equal(t, as.CodeNumberLength, code(t, number(strings.Repeat("9", 65)), as.Limits{}))
	require.Equal(t, as.CodeNumberLength, code(t, number(strings.Repeat("9", 65_000)), as.Limits{}))
	text := func(n int) string { return `{"content":"` + strings.Repeat("a", n) + `"}` }
	require.Empty(t, code(t, text(512<<10), as.Limits{}))
	require.Equal(t, as.CodeStringLength, code(t, text(512<<10+1), as.Limits{}))

	for src, want := range map[string]int64{"12": 12, `"12"`: 12, "640.0": 640, "9223372036854775807": 1<<63 - 1, "-1": -1} {
		c, err := as.Decode([]byte(`{"type":"Collection","totalItems":` + src + `}`))
		require.NoError(t, err)
		got, ok := c.(*as.Collection).TotalItems.Int64()
		require.True(t, ok, src)
		require.Equal(t, want, got)
	}
	for _, src := range []string{"1e999999", "9223372036854775808", "1.5", `"twelve"`, `""`, "null", "true", "[]"} {
		c, err := as.Decode([]byte(`{"type":"Collection","totalItems":` + src + `}`))
		require.NoError(t, err)
		_, ok := c.(*as.Collection).TotalItems.Int64()
		require.False(t, ok, src)
		again, err := as.Encode(c)
		require.NoError(t, err)
		require.Contains(t, string(again), src, "the text is kept")
	}
}

func TestS69_DuplicateNames(t *testing.T) {
	t.Parallel()
	for _, doc := range []string{
		`{"actor":"https://a.example/1","actor":"https://b.example/1"}`,
		`{"actor":"https://a.example/1","\u0061ctor":"https://b.example/1"}`,
		`{"object":{"id":"https://a.example/1","x":[{"y":1,"z":2,"y":3}]}}`,
		`{"@context":{"a":"b","a":"c"}}`,
		`{"":1,"":2}`,
	} {
		require.Equal(t, as.CodeDuplicate, code(t, doc, as.Limits{}), doc)
	}
	// Names match exactly: another case is another name.
	n, err := as.Decode([]byte(`{"id":"https://a.example/1","ID":"https://b.example/1","Type":"Note","type":"Like","Actor":"https://b.example/u","actor":"https://a.example/u"}`))
	require.NoError(t, err)
	like := n.(*as.Like)
	require.Equal(t, as.IRI("https://a.example/1"), like.ID)
	require.Equal(t, as.IRI("https://a.example/u"), like.Actor.First().ID())
	require.Len(t, like.Extra, 3)
}

func TestS70_Encoding(t *testing.T) {
	t.Parallel()
	for doc, want := range map[string]string{
		"\xef\xbb\xbf{}":              "",
		"\xef\xbb\xbf\xef\xbb\xbf{}":  as.CodeSyntax,
		"{}\xef\xbb\xbf":              as.CodeTrailing,
		"{} {}":                       as.CodeTrailing,
		"{}\x00":                      as.CodeTrailing,
		"{\"name\":\"\xff\"}":         as.CodeUTF8,
		"{\"name\":\"\xc0\xaf\"}":     as.CodeUTF8, // overlong
		"{\"name\":\"\xed\xa0\x80\"}": as.CodeUTF8, // a surrogate as UTF-8
		"{\"\xff\":1}":                as.CodeUTF8,
		`{"name":"\ud800"}`:           as.CodeSurrogate,
		`{"name":"\udc00\ud800"}`:     as.CodeSurrogate,
		`{"name":"\ud83d\ude00"}`:     "",
		`{"name":"\u0000"}`:           "",
		"{\"name\":\"\n\"}":           as.CodeSyntax,
		`[]`:                          as.CodeNotObject,
		`"x"`:                         as.CodeNotObject,
		``:                            as.CodeSyntax,
		`{"a":1,}`:                    as.CodeSyntax,
		`{'a':1}`:                     as.CodeSyntax,
		`{"a":01}`:                    as.CodeSyntax,
		`{"a":NaN}`:                   as.CodeSyntax,
		`{"a":"\x"}`:                  as.CodeSyntax,
		"{\x00}":                      as.CodeSyntax,
		`{"id":"` + strings.Repeat("a", 2049) + `"}`:    as.CodeIRILength,
		`{"actor":"` + strings.Repeat("a", 2048) + `"}`: "",
		`{"actor":"` + strings.Repeat("a", 2049) + `"}`: as.CodeIRILength,
	} {
		d := as.Decoder{}
		_, err := d.Decode([]byte(doc))
		var syntax *as.SyntaxError
		if want == "" {
			require.NoError(t, err, "%.60q", doc)
			continue
		}
		require.True(t, errors.As(err, &syntax), "%.60q: %v", doc, err)
		require.Equal(t, want, syntax.Code, "%.60q", doc)
	}
}

func TestSyntaxErrorSaysWhere(t *testing.T) {
	t.Parallel()
	for doc, want := range map[string]string{
		`{"object":{"tag":[{"name":"x"},{"a/b~":tru}]}}`: "/object/tag/1/a~1b~0 39",
		`{"a":[1,2,`:          "/a/2 10",
		`{"a":{"b":1,"b":2}}`: "/a/b 12",
	} {
		_, err := as.Decode([]byte(doc))
		var syntax *as.SyntaxError
		require.True(t, errors.As(err, &syntax), doc)
		require.Equal(t, want, fmt.Sprint(syntax.Pointer, " ", syntax.Offset), doc)
	}
	_, err := as.Decode([]byte(`{"object":[{"actor":"` + strings.Repeat("a", 3000) + `"}]}`))
	var syntax *as.SyntaxError
	require.True(t, errors.As(err, &syntax))
	require.Equal(t, "/object/0/actor", syntax.Pointer)
	require.EqualValues(t, 20, syntax.Offset)
}

func TestS77_OversizedStructures(t *testing.T) {
	t.Parallel()
	list := func(name string, n int) string {
		return `{"type":"Question","` + name + `":[` + strings.TrimSuffix(strings.Repeat(`"https://a.example/1",`, n), ",") + `]}`
	}
	for name, bound := range map[string]int{"to": 256, "cc": 256, "bto": 256, "bcc": 256, "audience": 256, "tag": 256, "attachment": 64, "oneOf": 100, "anyOf": 100} {
		require.Empty(t, code(t, list(name, bound), as.Limits{}), name)
		_, err := as.Decode([]byte(list(name, bound+1)))
		var syntax *as.SyntaxError
		require.True(t, errors.As(err, &syntax), name)
		require.Equal(t, as.CodeCount, syntax.Code)
		require.Equal(t, "/"+name, syntax.Pointer)
	}
	for name, bound := range map[string]int{"publicKey": 16, "assertionMethod": 16, "alsoKnownAs": 64} {
		doc := func(n int) []byte { return []byte(strings.Replace(list(name, n), "Question", "Person", 1)) }
		_, err := as.Decode(doc(bound))
		require.NoError(t, err, name)
		_, err = as.Decode(doc(bound + 1))
		require.Error(t, err, name)
	}
	_, err := (&as.Decoder{Limits: as.Limits{Tags: 1000}}).Decode([]byte(list("tag", 1000)))
	require.NoError(t, err)
}

// FuzzScan compares the scanner with jsontext, which is strict about the same things.
func FuzzScan(f *testing.F) {
	files, _ := filepath.Glob(filepath.Join(own, "json-syntax", "*.txt"))
	for _, file := range files {
		if doc, err := os.ReadFile(file); err == nil && len(doc) < 1000 {
			f.Add(doc)
		}
	}
	f.Fuzz(func(t *testing.T, doc []byte) {
		if len(doc) > 4096 || bytes.Count(doc, []byte("[")) > 60 || bytes.Count(doc, []byte("{")) > 60 {
			return
		}
		err := as.CheckJSON(doc)
		var syntax *as.SyntaxError
		if errors.As(err, &syntax) && syntax.Code == as.CodeNumberLength {
			return
		}
		if valid := jsontext.Value(doc).IsValid(); valid != (err == nil) {
			t.Fatalf("%q: jsontext says %v, we say %v", doc, valid, err)
		}
	})
}
