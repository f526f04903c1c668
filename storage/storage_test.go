package storage_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"strings"
	"testing"

	"github.com/gokith/kith/storage"
	"github.com/gokith/kith/storage/memory"
	"github.com/stretchr/testify/require"
)

// A canary goes through every way to print a row with a secret.
func TestS104_SecretsDoNotPrint(t *testing.T) {
	t.Parallel()
	const canary = "canary-key-material"
	k := storage.Key{ID: "https://a.example/#k", Secret: storage.Secret(canary)}
	var out bytes.Buffer
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%X", "%d", "%T %v"} {
		fmt.Fprintf(&out, verb+"\n", k)
		fmt.Fprintf(&out, verb+"\n", &k)
		fmt.Fprintf(&out, verb+"\n", k.Secret)
		fmt.Fprintf(&out, verb+"\n", []storage.Key{k})
		fmt.Fprintf(&out, verb+"\n", map[string]storage.Secret{"k": k.Secret})
	}
	doc, err := json.Marshal(map[string]any{"key": k, "secret": k.Secret})
	require.NoError(t, err)
	out.Write(doc)
	for _, h := range []slog.Handler{slog.NewJSONHandler(&out, nil), slog.NewTextHandler(&out, nil)} {
		slog.New(h).Info("key", "key", k, "secret", k.Secret, "error", fmt.Errorf("bad %v", k))
	}
	for _, form := range []string{canary, fmt.Sprintf("%x", canary), fmt.Sprintf("%X", canary), "Y2FuYXJ5", "99 97 110"} {
		require.NotContains(t, out.String(), form)
	}
	require.Contains(t, out.String(), "[redacted]")
}

func TestFoldHandleIsEqualFold(t *testing.T) {
	t.Parallel()
	words := []string{"alice", "ALICE", "Alice", "Élodie", "éLODIE", "straße", "STRASSE", "K", "k", "\u212a", "ſ", "s", "S", "Σ", "σ", "ς", "İ", "i", "ı", "I", "", "日本", "a_b", "Ω", "Ω", "ω"}
	for _, a := range words {
		for _, b := range words {
			require.Equal(t, strings.EqualFold(a, b), storage.FoldHandle(a) == storage.FoldHandle(b), "%q %q", a, b)
		}
		require.Equal(t, storage.FoldHandle(a), storage.FoldHandle(storage.FoldHandle(a)))
	}
}

func FuzzFoldHandle(f *testing.F) {
	f.Add("Alice", "aLICE")
	f.Add("\u212a", "k")
	f.Add("ß", "ẞ")
	f.Fuzz(func(t *testing.T, a, b string) {
		a, b = strings.ToValidUTF8(a, ""), strings.ToValidUTF8(b, "")
		require.Equal(t, strings.EqualFold(a, b), storage.FoldHandle(a) == storage.FoldHandle(b))
	})
}

func TestWithoutTx(t *testing.T) {
	t.Parallel()
	s := memory.New()
	require.NoError(t, s.Update(t.Context(), func(ctx context.Context, tx storage.Tx) error {
		require.ErrorIs(t, storage.CheckNoTx(ctx), storage.ErrInTransaction)
		require.NoError(t, storage.CheckNoTx(storage.WithoutTx(ctx)))
		require.ErrorIs(t, storage.CheckNoTx(storage.NewContext(storage.WithoutTx(ctx), tx)), storage.ErrInTransaction)
		return nil
	}))
}

func TestOriginErrorNamesBoth(t *testing.T) {
	t.Parallel()
	s := memory.New()
	require.NoError(t, storage.CheckOrigin(t.Context(), s, "https://old.example"))
	err := storage.CheckOrigin(t.Context(), s, "https://new.example")
	require.ErrorContains(t, err, "https://old.example")
	require.ErrorContains(t, err, "https://new.example")
}
