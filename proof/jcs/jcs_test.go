package jcs_test

import (
	"bytes"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/gokith/kith/internal/sharedtest"
	"github.com/gokith/kith/proof/jcs"
	"github.com/stretchr/testify/require"
)

const vectors = "../../internal/testdata/jcs"

func read(t testing.TB, path ...string) []byte {
	t.Helper()
	data, err := os.ReadFile(filepath.Join(append([]string{vectors}, path...)...))
	require.NoError(t, err)
	return data
}

// The published files of RFC 8785's author: text and bytes of the result.
func TestRFC8785Files(t *testing.T) {
	t.Parallel()
	entries, err := os.ReadDir(filepath.Join(vectors, "input"))
	require.NoError(t, err)
	require.Len(t, entries, 4)
	for _, entry := range entries {
		got, err := jcs.Canonicalize(read(t, "input", entry.Name()))
		require.NoError(t, err, entry.Name())
		require.Equal(t, string(bytes.TrimSpace(read(t, "output", entry.Name()))), string(got))
		digits := strings.Join(strings.Fields(string(read(t, "outhex", strings.Replace(entry.Name(), ".json", ".txt", 1)))), "")
		want, err := hex.DecodeString(digits)
		require.NoError(t, err)
		require.Equal(t, want, got)
		again, err := jcs.Canonicalize(got)
		require.NoError(t, err)
		require.Equal(t, got, again)
	}
}

// RFC 8785 appendix B, from several spellings of each double.
func TestRFC8785Numbers(t *testing.T) {
	t.Parallel()
	var table struct {
		Numbers []struct{ IEEE, Text string }
		Refuse  []string
	}
	require.NoError(t, json.Unmarshal(read(t, "rfc8785-appendix-b.json"), &table))
	require.Len(t, table.Numbers, 16)
	for _, number := range table.Numbers {
		bits, err := strconv.ParseUint(number.IEEE, 16, 64)
		require.NoError(t, err)
		f := math.Float64frombits(bits)
		for _, format := range []string{"%.16e", "%.20e", "%.16E"} {
			got, err := jcs.Canonicalize(fmt.Appendf(nil, format, f))
			require.NoError(t, err)
			require.Equal(t, number.Text, string(got), format)
		}
		got, err := jcs.Canonicalize([]byte(number.Text))
		require.NoError(t, err, number.Text)
		require.Equal(t, number.Text, string(got))
	}
	for _, text := range []string{"NaN", "Infinity", "-Infinity", "1e309", "-1e309", "1e999999", "[1e400]"} {
		_, err := jcs.Canonicalize([]byte(text))
		require.Error(t, err, text)
	}
	require.Len(t, table.Refuse, 2)
}

func requireCode(t testing.TB, err error, code string, about ...any) {
	t.Helper()
	var refused *jcs.Error
	require.ErrorAs(t, err, &refused, about...)
	require.Equal(t, code, refused.Code, about...)
	require.Contains(t, err.Error(), refused.Reason)
}

// S-28: a number whose digits could be changed without changing what is hashed is no number to sign.
func TestS28_NumberRespelling(t *testing.T) {
	t.Parallel()
	for _, text := range []string{
		"9007199254740993", "-9007199254740993", "295147905179352825856", "12345678901234567890", "100000000000000000001",
		`{"a":[1,{"b":9007199254740993}]}`, "1e309", strings.Repeat("1", 65),
	} {
		_, err := jcs.Canonicalize([]byte(text))
		requireCode(t, err, jcs.CodeNumber, text)
	}
	for in, want := range map[string]string{
		"9007199254740992": "9007199254740992", "9007199254740994": "9007199254740994", "-9007199254740991": "-9007199254740991",
		"295147905179352830000": "295147905179352830000", "100000000000000000000": "100000000000000000000",
		"1000000000000000000000": "1e+21", "-0": "0", "0": "0", "-0.0": "0", "1.0": "1", "1E2": "100", "0.10": "0.1", "1e-400": "0",
		"333333333.33333329": "333333333.3333333", "0." + strings.Repeat("3", 62): "0.3333333333333333",
	} {
		got, err := jcs.Canonicalize([]byte(in))
		require.NoError(t, err, in)
		require.Equal(t, want, string(got), in)
	}
	var at *jcs.Error
	_, err := jcs.Canonicalize([]byte(`{"a":[1,{"b":9007199254740993}]}`))
	require.ErrorAs(t, err, &at)
	require.Equal(t, "/a/1/b", at.Pointer)
}

// RFC 8785 section 3.2.3: the order is that of UTF-16 code units, in which astral characters come
// before U+E000 to U+FFFF.
func TestOrder(t *testing.T) {
	t.Parallel()
	got, err := jcs.Canonicalize([]byte(`{"\ufb33":1,"😂":2,"€":3,"\r":4,"1":5,"\u0080":6,"ö":7,"</script>":8,"":9,"aa":{"b":1,"a":2},"a":[3,1,2]}`))
	require.NoError(t, err)
	require.Equal(t, `{"":9,"\r":4,"1":5,"</script>":8,"a":[3,1,2],"aa":{"a":2,"b":1},"`+"\u0080"+`":6,"ö":7,"€":3,"😂":2,"`+"\ufb33"+`":1}`, string(got))
	got, err = jcs.Canonicalize([]byte(` [ "\u003c\u0026\/\u2028\u001f\u0008\"\\\u007f" , true,null ] `))
	require.NoError(t, err)
	require.Equal(t, "[\"<&/\u2028\\u001f\\b\\\"\\\\\x7f\",true,null]", string(got))
}

// S-69 and S-70 hold here too: what is not I-JSON is not hashed.
func TestS70_NotIJSON(t *testing.T) {
	t.Parallel()
	for text, code := range map[string]string{
		"":                         jcs.CodeSyntax,
		"  ":                       jcs.CodeSyntax,
		"{":                        jcs.CodeSyntax,
		"{}x":                      jcs.CodeSyntax,
		"{} {}":                    jcs.CodeSyntax,
		"1 2":                      jcs.CodeSyntax,
		"\ufeff{}":                 jcs.CodeSyntax,
		`{"a":1,}`:                 jcs.CodeSyntax,
		`{'a':1}`:                  jcs.CodeSyntax,
		`"\ud800"`:                 jcs.CodeSyntax,
		`"\udc00\ud800"`:           jcs.CodeSyntax,
		"\"\xff\"":                 jcs.CodeSyntax,
		"\"\xed\xa0\x80\"":         jcs.CodeSyntax,
		"\"\n\"":                   jcs.CodeSyntax,
		"01":                       jcs.CodeSyntax,
		"+1":                       jcs.CodeSyntax,
		"1.":                       jcs.CodeSyntax,
		`{"a":1,"a":2}`:            jcs.CodeDuplicate,
		`{"a":1,"\u0061":2}`:       jcs.CodeDuplicate,
		`[{"b":{"a":1,"a":1}}]`:    jcs.CodeDuplicate,
		strings.Repeat("[", 65):    jcs.CodeDepth,
		strings.Repeat("[", 1e6):   jcs.CodeDepth,
		strings.Repeat(" ", 2<<20): jcs.CodeSize,
	} {
		_, err := jcs.Canonicalize([]byte(text))
		requireCode(t, err, code, fmt.Sprintf("%.20q", text))
	}
	deepest := strings.Repeat("[", 64) + strings.Repeat("]", 64)
	_, err := jcs.Canonicalize([]byte(deepest))
	require.NoError(t, err)
	_, err = jcs.Limits{MaxDepth: 2, MaxNumber: 3, MaxBytes: 10}.Canonicalize([]byte("[[123]]"))
	require.NoError(t, err)
	for _, text := range []string{"[[[1]]]", "1234", "[1,2,3,4,5]"} {
		_, err = jcs.Limits{MaxDepth: 2, MaxNumber: 3, MaxBytes: 10}.Canonicalize([]byte(text))
		require.Error(t, err, text)
	}
}

func TestInputIsLeftAlone(t *testing.T) {
	t.Parallel()
	doc := []byte(`{"b":1.0,"a":"\u0061"}`)
	_, err := jcs.Canonicalize(doc)
	require.NoError(t, err)
	require.Equal(t, `{"b":1.0,"a":"\u0061"}`, string(doc))
	require.NoError(t, iotest.TestReader(bytes.NewReader(doc), doc))
}

// JSON parser tests of others: what is accepted is well-formed, what must fail fails.
func TestJSONSyntaxSuite(t *testing.T) {
	t.Parallel()
	dir := sharedtest.Dir(t, "invalid/json-syntax")
	entries, err := os.ReadDir(dir)
	require.NoError(t, err)
	tried := 0
	for _, entry := range entries {
		doc, err := os.ReadFile(filepath.Join(dir, entry.Name()))
		require.NoError(t, err)
		got, err := jcs.Canonicalize(doc)
		if strings.HasPrefix(entry.Name(), "n_") {
			require.Error(t, err, entry.Name())
			tried++
		}
		if err == nil {
			require.True(t, json.Valid(got), entry.Name())
		}
	}
	require.Greater(t, tried, 100)
}

func FuzzCanonicalize(f *testing.F) {
	for _, name := range []string{"arrays", "structures", "unicode", "values"} {
		f.Add(read(f, "input", name+".json"))
	}
	for _, seed := range []string{"-0", "1e21", `{"😂":1,"\ufb33":2}`, `"\ud83d\ude02"`, "9007199254740993"} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, doc []byte) {
		once, err := jcs.Canonicalize(doc)
		if err != nil {
			return
		}
		twice, err := jcs.Canonicalize(once)
		require.NoError(t, err)
		require.Equal(t, once, twice)
		// A second parser sees the same value.
		var a, b any
		require.NoError(t, json.Unmarshal(doc, &a))
		require.NoError(t, json.Unmarshal(once, &b))
		require.Equal(t, a, b)
	})
}
