package jsonld

import (
	"bytes"
	"encoding/json"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// TestEncodeLikeEncodingJSON: the same bytes, for all that decode returns.
func TestEncodeLikeEncodingJSON(t *testing.T) {
	t.Parallel()
	check := func(v any) {
		var b bytes.Buffer
		enc := json.NewEncoder(&b)
		enc.SetEscapeHTML(false)
		require.NoError(t, enc.Encode(v))
		got, err := encode(v)
		require.NoError(t, err)
		require.Equal(t, string(bytes.TrimSuffix(b.Bytes(), []byte("\n"))), string(got))
	}
	for r := range rune(0x3000) {
		check("<a>" + string(r) + "&")
	}
	random := rand.New(rand.NewPCG(3, 4))
	for range 2000 {
		raw := make([]byte, random.IntN(12))
		for i := range raw {
			raw[i] = byte(random.IntN(256))
		}
		check(strings.ToValidUTF8(string(raw), "\ufffd"))
		got, err := encode(string(raw)) // versions of Go differ in how they spell what is no UTF-8
		require.NoError(t, err)
		var back string
		require.NoError(t, json.Unmarshal(got, &back))
		require.Equal(t, string([]rune(string(raw))), back)
	}
	for _, v := range []any{
		nil, true, false, "", json.Number("1.50"), json.Number("-0"), json.Number("1e999"), 1.1, []any{}, []any(nil), map[string]any{}, map[string]any(nil),
		map[string]any{"b": []any{nil, map[string]any{"z": 1.0, "a\n": "x"}}, "a": json.Number("12345678901234567890"), "é": "\u2028"},
	} {
		check(v)
	}
	for _, v := range []any{json.Number("x"), marked(isNull), []any{&opaque{}}} {
		_, err := encode(v)
		require.ErrorIs(t, err, ErrInvalid)
	}
}
