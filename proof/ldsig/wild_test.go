package ldsig_test

import (
	"bytes"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/gokith/kith/internal/sharedtest"
	"github.com/gokith/kith/proof/ldsig"
	"github.com/stretchr/testify/require"
)

// Documents that other software signed get through the guards to the question for the key, which is
// not in the corpus. The rest has a signature of nested objects only, a made-up value, the key of a
// relay, or describes an actor twice; the log says which.
func TestWildSignatures(t *testing.T) {
	t.Parallel()
	dir := sharedtest.Dir(t, "wild")
	codes := map[string]int{}
	require.NoError(t, filepath.WalkDir(dir, func(path string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		doc, err := os.ReadFile(path)
		if err != nil || !bytes.Contains(doc, []byte(`"RsaSignature2017"`)) {
			return err
		}
		_, err = (&ldsig.Verifier{Keys: finder{}}).Verify(t.Context(), doc, time.Now())
		var refused *ldsig.Error
		require.True(t, errors.As(err, &refused), path)
		codes[refused.Code]++
		if refused.Code != ldsig.CodeKeyUnavailable {
			t.Logf("%s: %v", filepath.Base(path), err)
		}
		return nil
	}))
	t.Log(codes)
	require.GreaterOrEqual(t, codes[ldsig.CodeKeyUnavailable], 27)
	require.Zero(t, codes[ldsig.CodeCanonical], "a context that deployed software signs with is not embedded")
}
