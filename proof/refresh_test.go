package proof_test

import (
	"context"
	"errors"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/gokith/kith/httpsig"
	"github.com/gokith/kith/proof"
)

// cache knows old keys until it is asked to look again.
type cache struct {
	old, fresh finder
	err        error // of looking again
	looks      *int
}

func (c cache) FindKey(ctx context.Context, id string) (proof.Key, error) {
	return c.old.FindKey(ctx, id)
}

func (c cache) RefreshKey(ctx context.Context, id string) (proof.Key, error) {
	*c.looks++
	if c.err != nil {
		return proof.Key{}, c.err
	}
	return c.fresh.FindKey(ctx, id)
}

// TestS26_ReplacedKey: a key that was replaced under its id is looked at anew once, after a failure only.
func TestS26_ReplacedKey(t *testing.T) {
	t.Parallel()
	before, after, stranger := newSigner(t, method), newSigner(t, method), newSigner(t, method)
	looks := 0
	keys := cache{old: known(before), fresh: known(after), looks: &looks}
	for _, c := range []struct {
		by    signer
		code  string
		looks int
	}{{before, "", 0}, {after, "", 1}, {stranger, proof.CodeSignature, 1}} {
		looks = 0
		_, err := proof.Verify(t.Context(), []byte(c.by.sign(t, note, nil)), keys, instant)
		if c.code == "" {
			require.NoError(t, err)
		} else {
			requireCode(t, err, c.code)
		}
		require.Equal(t, c.looks, looks)
	}

	// Trouble while looking again is not the document's fault.
	keys.err = errors.Join(errors.New("down"), httpsig.ErrKeyGone)
	_, err := proof.Verify(t.Context(), []byte(after.sign(t, note, nil)), keys, instant)
	requireCode(t, err, proof.CodeKeyUnavailable)
	require.ErrorIs(t, err, httpsig.ErrKeyGone)
}

// TestS28_Extended: contexts that somebody added after the proof was made do not escape notice.
func TestS28_Extended(t *testing.T) {
	t.Parallel()
	s := newSigner(t, method)
	signed := s.sign(t, note, nil)
	result, err := proof.Verify(t.Context(), []byte(signed), known(s), instant)
	require.NoError(t, err)
	require.False(t, result.Extended)

	const added = `"https://w3id.org/security/data-integrity/v2",{"content":"as:summary"}]`
	extended := strings.Replace(signed, `"https://w3id.org/security/data-integrity/v2"]`, added, 1)
	result, err = proof.Verify(t.Context(), []byte(extended), known(s), instant)
	require.NoError(t, err)
	require.True(t, result.Extended)
	require.NotContains(t, string(result.Document), "as:summary")
}
