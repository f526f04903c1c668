package proof_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/gokith/kith/internal/base58"
	"github.com/gokith/kith/keys"
	"github.com/gokith/kith/proof"
	"github.com/stretchr/testify/require"
)

// identitySignature is a signature that fits every message under the small-order key 1.
var identitySignature = "z" + base58.Encode(append([]byte{1}, make([]byte, 63)...))

func named(id string, previous ...string) func(*proof.Options) {
	return func(o *proof.Options) { o.ID, o.Previous = id, previous }
}

func TestSets(t *testing.T) {
	t.Parallel()
	owner, witness := newSigner(t, method), newSigner(t, "https://w.example/users/wit#key")
	both := owner.sign(t, witness.sign(t, note, named("urn:w")), named("urn:o"))
	result, err := proof.Verify(t.Context(), []byte(both), known(owner, witness), instant)
	require.NoError(t, err)
	require.Equal(t, alice, result.Owner)
	require.Equal(t, []string{witness.owner, alice}, []string{result.Proofs[0].Owner, result.Proofs[1].Owner})
	require.JSONEq(t, note, string(result.Document))

	// Every proof of ours must hold, the witness's too.
	broken := strings.Replace(both, `"id":"urn:w"`, `"id":"urn:v"`, 1)
	_, err = proof.Verify(t.Context(), []byte(broken), known(owner, witness), instant)
	requireCode(t, err, proof.CodeSignature)
	var refused *proof.Error
	require.ErrorAs(t, err, &refused)
	require.Equal(t, 0, refused.Proof)
	require.Contains(t, err.Error(), "proof 0")

	// Witnesses alone prove no ownership.
	_, err = proof.Verify(t.Context(), []byte(witness.sign(t, note, nil)), known(owner, witness), instant)
	requireCode(t, err, proof.CodeOwnerMismatch)

	// Equal ids would make a chain ambiguous.
	twice := owner.sign(t, witness.sign(t, note, named("urn:o")), named("urn:o"))
	_, err = proof.Verify(t.Context(), []byte(twice), known(owner, witness), instant)
	requireCode(t, err, proof.CodePrevious)
}

// Proofs of other suites are left out of the verdict and reported, as when ML-DSA stands beside.
func TestUnsupportedBeside(t *testing.T) {
	t.Parallel()
	s := newSigner(t, method)
	other := `{"type":"DataIntegrityProof","cryptosuite":"mldsa44-jcs-2024","id":"urn:m","proofValue":"u"}`
	signed := s.sign(t, strings.Replace(note, `"votes":3`, `"votes":3,"proof":`+other, 1), nil)
	result, err := proof.Verify(t.Context(), []byte(signed), known(s), instant)
	require.NoError(t, err)
	require.Equal(t, []string{"type DataIntegrityProof, cryptosuite mldsa44-jcs-2024"}, result.Unsupported)
	require.Len(t, result.Proofs, 1)
	// A chain on top of a proof that nobody verified is not verified either.
	chained := s.sign(t, strings.Replace(note, `"votes":3`, `"votes":3,"proof":`+other, 1), named("", "urn:m"))
	_, err = proof.Verify(t.Context(), []byte(chained), known(s), instant)
	requireCode(t, err, proof.CodePrevious)
}

func TestTooManyProofs(t *testing.T) {
	t.Parallel()
	s := newSigner(t, method)
	doc := note
	for range proof.DefaultMaxProofs {
		doc = s.sign(t, doc, nil)
	}
	_, err := proof.Verify(t.Context(), []byte(doc), known(s), instant)
	require.NoError(t, err)
	_, err = proof.Verify(t.Context(), []byte(s.sign(t, doc, nil)), known(s), instant)
	requireCode(t, err, proof.CodeTooMany)
	_, err = (&proof.Verifier{Keys: known(s), MaxProofs: 1}).Verify(t.Context(), []byte(doc), instant)
	requireCode(t, err, proof.CodeTooMany)
}

// A chain binds the earlier proofs: dropping or changing one breaks the later.
func TestChains(t *testing.T) {
	t.Parallel()
	first, second, owner := newSigner(t, "https://b.example/b#key"), newSigner(t, "https://c.example/c#key"), newSigner(t, method)
	all := known(first, second, owner)
	doc := second.sign(t, first.sign(t, note, named("urn:1")), named("urn:2"))
	chain := owner.sign(t, doc, named("urn:3", "urn:1", "urn:2"))
	result, err := proof.Verify(t.Context(), []byte(chain), all, instant)
	require.NoError(t, err)
	require.Len(t, result.Proofs, 3)
	require.Equal(t, []string{"urn:1", "urn:2"}, result.Proofs[2].Previous)
	require.JSONEq(t, note, string(result.Document))

	var parts struct{ Proof []json.RawMessage }
	require.NoError(t, json.Unmarshal([]byte(chain), &parts))
	require.Len(t, parts.Proof, 3)
	with := func(proofs ...json.RawMessage) []byte {
		list, err := json.Marshal(proofs)
		require.NoError(t, err)
		return fmt.Appendf(nil, `%s,"proof":%s}`, strings.TrimSuffix(note, "}"), list)
	}
	_, err = proof.Verify(t.Context(), with(parts.Proof...), all, instant)
	require.NoError(t, err)
	// Another order in the set is the same set.
	_, err = proof.Verify(t.Context(), with(parts.Proof[2], parts.Proof[1], parts.Proof[0]), all, instant)
	require.NoError(t, err)
	_, err = proof.Verify(t.Context(), with(parts.Proof[0], parts.Proof[2]), all, instant)
	requireCode(t, err, proof.CodePrevious)
	// A first proof made anew under the same id is another one.
	again := first.sign(t, note, func(o *proof.Options) { o.ID, o.Nonce = "urn:1", "anew" })
	var replaced struct{ Proof json.RawMessage }
	require.NoError(t, json.Unmarshal([]byte(again), &replaced))
	_, err = proof.Verify(t.Context(), with(replaced.Proof, parts.Proof[1], parts.Proof[2]), all, instant)
	requireCode(t, err, proof.CodeSignature)

	single := owner.sign(t, first.sign(t, note, named("urn:1")), named("urn:3", "urn:1"))
	require.Contains(t, single, `"previousProof":"urn:1"`)
	_, err = proof.Verify(t.Context(), []byte(single), all, instant)
	require.NoError(t, err)
}

// I-98: an LD signature is made after the proof and goes before the proof is checked; a member that
// only has its name is content.
func TestI98_LDSignatureBesideProof(t *testing.T) {
	t.Parallel()
	s := newSigner(t, method)
	signed := s.sign(t, note, nil)
	with := func(value string) []byte {
		return []byte(strings.TrimSuffix(signed, "}") + `,"signature":` + value + `}`)
	}
	result, err := proof.Verify(t.Context(), with(`{"type":"RsaSignature2017","signatureValue":"x"}`), known(s), instant)
	require.NoError(t, err)
	require.NotContains(t, string(result.Document), "signature")
	for _, value := range []string{`"x"`, `{"type":"Other"}`, `[{"type":"RsaSignature2017"}]`, `{}`, `null`} {
		_, err := proof.Verify(t.Context(), with(value), known(s), instant)
		requireCode(t, err, proof.CodeSignature, value)
	}
}

// The proof's own @context must be how the document's begins, and is what was signed.
func TestContextRule(t *testing.T) {
	t.Parallel()
	s := newSigner(t, method)
	signed := s.sign(t, note, nil)
	extended := strings.Replace(signed, `data-integrity/v2"]`, `data-integrity/v2",{"x":"https://m.example/x"}]`, 1)
	require.NotEqual(t, signed, extended)
	result, err := proof.Verify(t.Context(), []byte(extended), known(s), instant)
	require.NoError(t, err)
	require.NotContains(t, string(result.Document), "m.example")
	require.JSONEq(t, note, string(result.Document))

	// A single string counts as a list of one.
	one := strings.Replace(note, `["https://www.w3.org/ns/activitystreams","https://w3id.org/security/data-integrity/v2"]`, `"https://www.w3.org/ns/activitystreams"`, 1)
	signed = s.sign(t, one, nil)
	listed := strings.Replace(signed, `{"@context":"https://www.w3.org/ns/activitystreams"`, `{"@context":["https://www.w3.org/ns/activitystreams","https://m.example/ns"]`, 1)
	require.NotEqual(t, signed, listed)
	_, err = proof.Verify(t.Context(), []byte(listed), known(s), instant)
	require.NoError(t, err)

	// Without a context of its own, the document's is signed with the rest.
	bare := s.sign(t, `{"actor":"`+alice+`"}`, nil)
	_, err = proof.Verify(t.Context(), []byte(bare), known(s), instant)
	require.NoError(t, err)
	added := strings.Replace(bare, `{"actor"`, `{"@context":"https://m.example/ns","actor"`, 1)
	_, err = proof.Verify(t.Context(), []byte(added), known(s), instant)
	requireCode(t, err, proof.CodeSignature)
}

func FuzzVerify(f *testing.F) {
	// One key for all worker processes, and a fixed one for repeatable seeds.
	key, err := keys.ParseSecretMultikey("z3u2en7t5LR2WtQH5PfFqMqwVHBeXouLzo6haApm8XHqvjxq")
	require.NoError(f, err)
	s := signer{key, method, alice}
	f.Add([]byte(s.sign(f, note, nil)))
	f.Add([]byte(s.sign(f, s.sign(f, note, named("urn:1")), named("urn:2", "urn:1"))))
	f.Add([]byte(`{"proof":{"type":"DataIntegrityProof"}}`))
	f.Add([]byte(`{"actor":["a"],"proof":[{}]}`))
	keysOf := known(s)
	canonical := func(t *testing.T, doc []byte) string {
		var value map[string]any
		require.NoError(t, json.Unmarshal(doc, &value))
		delete(value, "@context")
		out, err := json.Marshal(value)
		require.NoError(t, err)
		return string(out)
	}
	want := ""
	f.Fuzz(func(t *testing.T, doc []byte) {
		if want == "" {
			want = canonical(t, []byte(note))
		}
		result, err := proof.Verify(t.Context(), bytes.Clone(doc), keysOf, instant.Add(time.Minute))
		if err != nil {
			require.Nil(t, result)
			return
		}
		require.Equal(t, want, canonical(t, result.Document)) // the only document that was ever signed
	})
}

// An error prints its code, and is found by it.
func TestErrorsByCode(t *testing.T) {
	t.Parallel()
	s := newSigner(t, method)
	broken := strings.Replace(s.sign(t, note, nil), "<p>hi</p>", "<p>ho</p>", 1)
	_, err := proof.Verify(t.Context(), []byte(broken), known(s), instant)
	require.ErrorContains(t, err, "proof.signature: proof 0: ")
	require.ErrorIs(t, err, &proof.Error{Code: proof.CodeSignature})
	require.NotErrorIs(t, err, &proof.Error{Code: proof.CodeMissing})
	require.NotErrorIs(t, err, &proof.Error{Code: proof.CodeSignature, Detail: "another"})
	_, err = proof.Verify(t.Context(), []byte(note), known(s), instant)
	require.ErrorContains(t, err, "proof.missing: the document")
}
