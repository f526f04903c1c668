package base58_test

import (
	"encoding/hex"
	"testing"

	"github.com/gokith/kith/internal/base58"
	"github.com/stretchr/testify/require"
)

// The examples of draft-msporny-base58 section 5 and of Bitcoin's alphabet.
func TestVectors(t *testing.T) {
	t.Parallel()
	for text, raw := range map[string]string{
		"":                  "",
		"1":                 "00",
		"11":                "0000",
		"2NEpo7TZRRrLZSi2U": hex.EncodeToString([]byte("Hello World!")),
		"USm3fpXnKG5EUBx2ndxBDMPVciP5hGey2Jh4NDv6gmeo1LkMeiKrLJUUBk6Z": hex.EncodeToString([]byte("The quick brown fox jumps over the lazy dog.")),
		"11233QC4": "0000287fb4cd",
	} {
		want, err := hex.DecodeString(raw)
		require.NoError(t, err)
		require.Equal(t, text, base58.Encode(want))
		got, ok := base58.Decode(text)
		require.True(t, ok)
		require.Equal(t, want, got)
	}
	for _, bad := range []string{"0", "O", "I", "l", "a b", "é", "a\n"} {
		_, ok := base58.Decode(bad)
		require.False(t, ok, bad)
	}
}

func FuzzRoundTrip(f *testing.F) {
	f.Add([]byte{0, 0, 1}, "11z")
	f.Fuzz(func(t *testing.T, data []byte, text string) {
		got, ok := base58.Decode(base58.Encode(data))
		require.True(t, ok)
		require.Equal(t, append([]byte{}, data...), got)
		if raw, ok := base58.Decode(text); ok {
			require.Equal(t, text, base58.Encode(raw))
		}
	})
}
