package httpsig

import (
	"crypto/sha256"
	"net/http"
	"testing"

	"github.com/stretchr/testify/require"
)

// What a signature may cost in allocations beside its arithmetic. (Times are for the benchmarks:
// they depend on the machine.)
func TestAllocationBudget(t *testing.T) {
	if raceEnabled {
		t.Skip("the race detector allocates")
	}
	for name, key := range testSigners(t) {
		alg := usable(Cavage, key.Public())[0]
		base := string(make([]byte, 250))
		sig, err := sign(Cavage, alg, key, base)
		require.NoError(t, err)
		bareSign := testing.AllocsPerRun(20, func() { sha256.Sum256(benchBody); _, _ = sign(Cavage, alg, key, base) })
		bareVerify := testing.AllocsPerRun(20, func() { sha256.Sum256(benchBody); verifies(Cavage, alg, key.Public(), base, sig) })
		for scheme, budget := range map[Scheme]float64{Cavage: 40, RFC9421: 120} {
			s := &Signer{KeyID: testKeyID, Key: key}
			r, err := http.NewRequest("POST", testInbox, nil)
			require.NoError(t, err)
			r.Header.Set("Content-Type", "application/activity+json")
			got := testing.AllocsPerRun(20, func() { _ = s.Sign(r, benchBody, testNow, SignOptions{Scheme: scheme}) })
			require.LessOrEqual(t, got-bareSign, budget, "sign %s %s", name, scheme)
			in, v := arrive(r, ""), testVerifier(t, key.Public())
			got = testing.AllocsPerRun(20, func() { _, err = v.Verify(t.Context(), in, benchBody, testNow) })
			require.NoError(t, err)
			require.LessOrEqual(t, got-bareVerify, budget, "verify %s %s", name, scheme)
		}
	}
}
