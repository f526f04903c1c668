package sqlite_test

import (
	"log/slog"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/gokith/kith/sqlite"
	"github.com/gokith/kith/storage"
	"github.com/gokith/kith/storage/storagetest"
)

func open(t testing.TB, opts ...sqlite.Option) *sqlite.Store {
	t.Helper()
	s, err := sqlite.Open(filepath.Join(t.TempDir(), "kith.db"), append([]sqlite.Option{sqlite.WithLogger(slog.New(slog.DiscardHandler))}, opts...)...)
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, s.Close()) })
	return s
}

func TestStore(t *testing.T) {
	t.Parallel()
	storagetest.Run(t, func(t *testing.T) storage.Store { return open(t) })
}

func TestS94_ClockSetBack(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "kith.db")
	storagetest.ClockSetBack(t, true, func(t *testing.T) storage.Store {
		s, err := sqlite.Open(path)
		require.NoError(t, err)
		return s
	})
}
