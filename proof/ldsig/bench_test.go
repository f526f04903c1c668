package ldsig_test

import (
	"testing"
	"time"

	"github.com/gokith/kith/proof/ldsig"
	"github.com/stretchr/testify/require"
)

func BenchmarkVerify(b *testing.B) {
	doc, keysOf := mastodon(b)
	v := &ldsig.Verifier{Keys: keysOf}
	b.ReportAllocs()
	for b.Loop() {
		_, err := v.Verify(b.Context(), doc, time.Now())
		require.NoError(b, err)
	}
}
