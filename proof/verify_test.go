package proof_test

import (
	"context"
	"crypto/ed25519"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/gokith/kith/keys"
	"github.com/gokith/kith/proof"
	"github.com/gokith/kith/proof/jcs"
	"github.com/stretchr/testify/require"
)

const (
	alice  = "https://a.example/users/alice"
	method = alice + "#ed25519-key"
	note   = `{"@context":["https://www.w3.org/ns/activitystreams","https://w3id.org/security/data-integrity/v2"],` +
		`"id":"https://a.example/notes/1","type":"Note","attributedTo":"https://a.example/users/alice","content":"<p>hi</p>","votes":3}`
)

var instant = time.Date(2026, 5, 4, 12, 0, 0, 0, time.UTC)

// signer is a key and what a finder knows about it.
type signer struct {
	key   keys.Private
	id    string
	owner string
}

func newSigner(t testing.TB, id string) signer {
	t.Helper()
	key, err := keys.GenerateEd25519(nil)
	require.NoError(t, err)
	owner, _, _ := strings.Cut(id, "#")
	return signer{key, id, owner}
}

func (s signer) entry() proof.Key { return proof.Key{ID: s.id, Owner: s.owner, Public: s.key.Public()} }

func (s signer) sign(t testing.TB, doc string, change func(*proof.Options)) string {
	t.Helper()
	o := proof.Options{Key: s.key, Method: s.id, Created: instant}
	if change != nil {
		change(&o)
	}
	out, err := proof.Sign([]byte(doc), o)
	require.NoError(t, err)
	require.True(t, json.Valid(out))
	return string(out)
}

func known(signers ...signer) finder {
	f := finder{}
	for _, s := range signers {
		f[s.id] = s.entry()
	}
	return f
}

func TestSignAndVerify(t *testing.T) {
	t.Parallel()
	s := newSigner(t, method)
	for _, doc := range []string{
		note,
		`{"type":"Like","actor":"https://a.example/users/alice"}`,
		`{"type":"Like","actor":{"id":"https://a.example/users/alice","type":"Person"}}`,
		`{"type":"Like","actor":["https://a.example/users/alice"]}`,
		`{"type":"Person","id":"https://a.example/users/alice","inbox":"https://a.example/inbox"}`,
		"\n{ \"actor\" : \"https:\\/\\/a.example/users/alice\" , \"n\" : 1.50, \"\\u0070\":null }\n",
		`{"@context":"https://www.w3.org/ns/activitystreams","actor":"https://a.example/users/alice","proofs":1,"signature":"text"}`,
	} {
		signed := s.sign(t, doc, nil)
		result, err := proof.Verify(t.Context(), []byte(signed), known(s), instant)
		require.NoError(t, err, doc)
		require.Equal(t, alice, result.Owner)
		require.JSONEq(t, doc, string(result.Document))
		require.Equal(t, s.key.Public(), result.Proofs[0].Key)
		require.Equal(t, instant, result.Proofs[0].Created)
		require.Empty(t, result.Unsupported)
	}
	signed := s.sign(t, note, func(o *proof.Options) {
		o.ID, o.Nonce, o.Expires, o.Created = "urn:proof:1", "x", time.Now().Add(time.Hour), time.Time{}
	})
	result, err := proof.Verify(t.Context(), []byte(signed), known(s), time.Now())
	require.NoError(t, err)
	require.Equal(t, "urn:proof:1", result.Proofs[0].ID)
	require.Equal(t, "x", result.Proofs[0].Nonce)
	require.False(t, result.Proofs[0].Expires.IsZero())
}

// S-28: mutations of a signed document. Each is one edit of the text; none may pass.
func TestS28_Mutations(t *testing.T) {
	t.Parallel()
	s, mallory := newSigner(t, method), newSigner(t, "https://m.example/users/mallory#key")
	neighbour := newSigner(t, "https://a.example/users/bob#key")
	signed := s.sign(t, note, func(o *proof.Options) { o.Expires = instant.Add(time.Hour) })
	mutations := []struct{ name, old, new, code string }{
		{"content", "<p>hi</p>", "<p>ho</p>", proof.CodeSignature},
		{"respelt content stays", "<p>hi", "\\u003cp>hi", ""},
		{"white space stays", `"type":"Note"`, "\"type\" :\n\"Note\"", ""},
		{"number respelt stays", `"votes":3`, `"votes":3.0`, ""},
		{"number changed", `"votes":3`, `"votes":4`, proof.CodeSignature},
		{"number to string", `"votes":3`, `"votes":"3"`, proof.CodeSignature},
		{"inexact number", `"votes":3`, `"votes":9007199254740993`, proof.CodeSyntax},
		{"member added", `"votes":3`, `"votes":3,"to":"x"`, proof.CodeSignature},
		{"member removed", `,"votes":3`, ``, proof.CodeSignature},
		{"member doubled", `"votes":3`, `"votes":3,"votes":3`, proof.CodeSyntax},
		{"member doubled, escaped", `"votes":3`, `"votes":3,"v\u006ftes":3`, proof.CodeSyntax},
		{"proof doubled", `,"proof":`, `,"proof":{},"proof":`, proof.CodeSyntax},
		{"lone surrogate", "<p>hi", `\ud800`, proof.CodeSyntax},
		{"null added", `"votes":3`, `"votes":3,"x":null`, proof.CodeSignature},
		{"author", "users/alice\",\"content", "users/bob\",\"content", proof.CodeSignature},
		{"author's host", "https://a.example/users/alice\",\"content", "https://b.example/users/alice\",\"content", proof.CodeOwnerMismatch},
		{"authors", `"https://a.example/users/alice","content"`, `["https://a.example/users/alice","https://b.example"],"content"`, proof.CodeOwner},
		{"author without id", `"https://a.example/users/alice","content"`, `{"type":"Person"},"content"`, proof.CodeOwner},
		{"author a number", `"https://a.example/users/alice","content"`, `7,"content"`, proof.CodeOwner},
		{"author an empty string", `"https://a.example/users/alice","content"`, `"","content"`, proof.CodeOwner},
		{"no author", `"attributedTo"`, `"attributedFrom"`, proof.CodeOwner},
		{"actor added", `"votes":3`, `"votes":3,"actor":"https://m.example/users/mallory"`, proof.CodeOwnerMismatch},
		{"context shortened", `["https://www.w3.org/ns/activitystreams",`, `[`, proof.CodeContext},
		{"context prepended", `{"@context":[`, `{"@context":["https://m.example/ns",`, proof.CodeContext},
		{"context removed", `"@context":`, `"context":`, proof.CodeContext},
		{"purpose", `"assertionMethod"`, `"authentication"`, proof.CodePurpose},
		{"purpose removed", `"proofPurpose"`, `"purpose"`, proof.CodePurpose},
		{"type", `"DataIntegrityProof"`, `"Ed25519Signature2020"`, proof.CodeUnsupported},
		{"suite", `"eddsa-jcs-2022"`, `"eddsa-rdfc-2022"`, proof.CodeUnsupported},
		{"early name of the suite", `"eddsa-jcs-2022"`, `"jcs-eddsa-2022"`, proof.CodeUnsupported},
		{"suite a list", `"eddsa-jcs-2022"`, `["eddsa-jcs-2022"]`, proof.CodeSyntax},
		{"another's method", method, mallory.id, proof.CodeOwnerMismatch},
		{"a neighbour's method", method, neighbour.id, proof.CodeSignature},
		{"unknown method", "#ed25519-key", "#other", proof.CodeKeyUnavailable},
		{"relative method", method, "#ed25519-key", proof.CodeMethod},
		{"created", "2026-05-04T12:00:00Z", "2026-05-04T12:00:01Z", proof.CodeSignature},
		{"created in the future", "2026-05-04T12:00:00Z", "2026-05-04T12:05:01Z", proof.CodeCreated},
		{"created without zone", "2026-05-04T12:00:00Z", "2026-05-04T12:00:00", proof.CodeCreated},
		{"created a number", `"2026-05-04T12:00:00Z"`, "1777896000", proof.CodeCreated},
		{"expires", "2026-05-04T13:00:00Z", "2036-05-04T13:00:00Z", proof.CodeSignature},
		{"expires removed", `"expires"`, `"expired"`, proof.CodeSignature},
		{"expires past", "2026-05-04T13:00:00Z", "2026-05-04T12:00:00Z", proof.CodeExpired},
		{"expires malformed", "2026-05-04T13:00:00Z", "tomorrow", proof.CodeExpired},
		{"value", `"proofValue":"z`, `"proofValue":"zzz`, proof.CodeValue},
		{"value, no prefix", `"proofValue":"z`, `"proofValue":"`, proof.CodeValue},
		{"value, other base", `"proofValue":"z`, `"proofValue":"u`, proof.CodeValue},
		{"value, long", `"proofValue":"z`, `"proofValue":"z` + strings.Repeat("z", 500), proof.CodeValue},
		{"value, not a digit", `"proofValue":"z`, `"proofValue":"z0`, proof.CodeValue},
		{"value removed", `"proofValue"`, `"value"`, proof.CodeValue},
		{"domain added", `"proofPurpose"`, `"domain":"b.example","proofPurpose"`, proof.CodeDomain},
		{"domain a number", `"proofPurpose"`, `"domain":7,"proofPurpose"`, proof.CodeSyntax},
		{"challenge added", `"proofPurpose"`, `"challenge":"x","proofPurpose"`, proof.CodeChallenge},
		{"proof member added", `"proofPurpose"`, `"x":"y","proofPurpose"`, proof.CodeSignature},
		{"previous unknown", `"proofPurpose"`, `"previousProof":"urn:x","proofPurpose"`, proof.CodePrevious},
		{"previous empty", `"proofPurpose"`, `"previousProof":"","proofPurpose"`, proof.CodePrevious},
		{"previous itself", `"proofPurpose"`, `"id":"urn:x","previousProof":"urn:x","proofPurpose"`, proof.CodePrevious},
		{"previous a number", `"proofPurpose"`, `"previousProof":[1],"proofPurpose"`, proof.CodeSyntax},
		{"proof missing", `"proof":`, `"prove":`, proof.CodeMissing},
		{"proof respelt", `"proof":`, `"Proof":`, proof.CodeMissing},
		{"proof a string", `"proof":`, `"proof":"x","prove":`, proof.CodeSyntax},
		{"proof null", `"proof":`, `"proof":null,"prove":`, proof.CodeSyntax},
		{"proofs empty", `"proof":`, `"proof":[],"prove":`, proof.CodeMissing},
		{"proof of the inner object", `{"@context"`, `{"object":` + signed + `,"@context"`, proof.CodeSignature},
		{"signed object wrapped", `{"@context"`, `{"type":"Create","actor":"` + alice + `","object":{"@context"`, proof.CodeSyntax},
	}
	require.GreaterOrEqual(t, len(mutations), 30)
	for _, m := range mutations {
		text := strings.Replace(signed, m.old, m.new, 1)
		require.NotEqual(t, signed, text, m.name)
		result, err := proof.Verify(t.Context(), []byte(text), known(s, mallory, neighbour), instant)
		if m.code == "" {
			require.NoError(t, err, m.name)
			continue
		}
		require.Nil(t, result, m.name)
		requireCode(t, err, m.code, m.name)
	}
	for _, text := range []string{"", "[]", "null", "x", signed + "x", signed + signed, "[" + signed + "]"} {
		_, err := proof.Verify(t.Context(), []byte(text), known(s), instant)
		require.Error(t, err, text)
	}
}

// S-28: a signed object wrapped into an unsigned activity proves nothing about the activity.
func TestS28_InnerProofIsNotTheOuters(t *testing.T) {
	t.Parallel()
	s := newSigner(t, method)
	inner := s.sign(t, note, nil)
	outer := `{"type":"Create","actor":"https://a.example/users/alice","object":` + inner + `}`
	_, err := proof.Verify(t.Context(), []byte(outer), known(s), instant)
	require.ErrorIs(t, err, proof.ErrNoProof)
	// The inner proof moved outwards does not fit there.
	var parts struct{ Proof json.RawMessage }
	require.NoError(t, json.Unmarshal([]byte(inner), &parts))
	moved := `{"type":"Create","actor":"https://a.example/users/alice","object":` + note + `,"proof":` + string(parts.Proof) + `}`
	_, err = proof.Verify(t.Context(), []byte(moved), known(s), instant)
	require.Error(t, err)
	// Both signed: each stands for itself.
	both := s.sign(t, outer, nil)
	_, err = proof.Verify(t.Context(), []byte(both), known(s), instant)
	require.NoError(t, err)
}

// S-28, S-21: a valid proof of a neighbour on the same host, or of a stranger, is not the owner's.
func TestS28_OtherOwner(t *testing.T) {
	t.Parallel()
	for _, id := range []string{"https://a.example/users/bob#key", "https://m.example/users/mallory#key"} {
		other := newSigner(t, id)
		_, err := proof.Verify(t.Context(), []byte(other.sign(t, note, nil)), known(other), instant)
		requireCode(t, err, proof.CodeOwnerMismatch)
	}
	// The finder's answer decides about the owner, not the look of the key id.
	s := newSigner(t, method)
	s.owner = "https://a.example/users/bob"
	_, err := proof.Verify(t.Context(), []byte(s.sign(t, note, nil)), known(s), instant)
	requireCode(t, err, proof.CodeOwnerMismatch)
	// A stranger's key is not even asked for.
	stranger := newSigner(t, "https://m.example/users/mallory#key")
	_, err = proof.Verify(t.Context(), []byte(stranger.sign(t, note, nil)), forbidden{t}, instant)
	requireCode(t, err, proof.CodeOwnerMismatch)
}

type forbidden struct{ t *testing.T }

func (f forbidden) FindKey(context.Context, string) (proof.Key, error) {
	f.t.Error("a key was asked for")
	return proof.Key{}, errors.New("no")
}

type failing struct{ err error }

func (f failing) FindKey(context.Context, string) (proof.Key, error) { return proof.Key{}, f.err }

type temporary struct{}

func (temporary) Error() string   { return "the key's host is down" }
func (temporary) Temporary() bool { return true }

func TestKeys(t *testing.T) {
	t.Parallel()
	s := newSigner(t, method)
	doc := []byte(s.sign(t, note, nil))
	var refused *proof.Error

	_, err := proof.Verify(t.Context(), doc, failing{fmt.Errorf("get: %w", temporary{})}, instant)
	requireCode(t, err, proof.CodeKeyUnavailable)
	require.ErrorAs(t, err, &refused)
	require.True(t, refused.Temporary())
	require.ErrorIs(t, err, temporary{})
	require.Zero(t, refused.Proof)

	_, err = proof.Verify(t.Context(), doc, failing{errors.New("gone")}, instant)
	require.ErrorAs(t, err, &refused)
	require.False(t, refused.Temporary())

	_, err = proof.Verify(t.Context(), doc, nil, instant)
	requireCode(t, err, proof.CodeKeyUnavailable)

	// S-23: the finder gave a key with another id.
	_, err = proof.Verify(t.Context(), doc, finder{method: {ID: method + "2", Owner: alice, Public: s.key.Public()}}, instant)
	requireCode(t, err, proof.CodeKeyMismatch)

	rsa, err := keys.GenerateRSA(nil)
	require.NoError(t, err)
	for _, pub := range []any{rsa.Public(), nil, "key"} {
		_, err = proof.Verify(t.Context(), doc, finder{method: {ID: method, Owner: alice, Public: pub}}, instant)
		requireCode(t, err, proof.CodeKeyType)
	}
}

// S-10: with the identity point as key, one signature would fit every document.
func TestS10_SmallOrderKey(t *testing.T) {
	t.Parallel()
	s := newSigner(t, method)
	doc := s.sign(t, note, nil)
	start := strings.Index(doc, `"proofValue":"`) + len(`"proofValue":"`)
	end := start + strings.Index(doc[start:], `"`)
	forged := doc[:start] + identitySignature + doc[end:]
	point, err := hex.DecodeString("01" + strings.Repeat("00", 31))
	require.NoError(t, err)
	_, err = proof.Verify(t.Context(), []byte(forged), finder{method: {ID: method, Owner: alice, Public: ed25519.PublicKey(point)}}, instant)
	requireCode(t, err, proof.CodeKeyType)
}

func TestExpectations(t *testing.T) {
	t.Parallel()
	s := newSigner(t, method)
	bound := []byte(s.sign(t, note, func(o *proof.Options) { o.Domain, o.Challenge, o.Purpose = "b.example", "c1", "authentication" }))
	good := proof.Verifier{Keys: known(s), Domain: "b.example", Challenge: "c1", Purpose: "authentication"}
	_, err := good.Verify(t.Context(), bound, instant)
	require.NoError(t, err)
	for code, change := range map[string]func(*proof.Verifier){
		proof.CodeDomain:    func(v *proof.Verifier) { v.Domain = "c.example" },
		proof.CodeChallenge: func(v *proof.Verifier) { v.Challenge = "" },
		proof.CodePurpose:   func(v *proof.Verifier) { v.Purpose = "" },
	} {
		v := good
		change(&v)
		_, err := v.Verify(t.Context(), bound, instant)
		requireCode(t, err, code)
	}
	v := good
	v.Domain = ""
	_, err = v.Verify(t.Context(), bound, instant)
	requireCode(t, err, proof.CodeDomain)

	// Unbound proofs do not answer a question.
	plain := []byte(s.sign(t, note, nil))
	_, err = (&proof.Verifier{Keys: known(s), Domain: "b.example"}).Verify(t.Context(), plain, instant)
	requireCode(t, err, proof.CodeDomain)
	_, err = (&proof.Verifier{Keys: known(s), Challenge: "c"}).Verify(t.Context(), plain, instant)
	requireCode(t, err, proof.CodeChallenge)

	// Someone else may be expected.
	_, err = (&proof.Verifier{Keys: known(s), Owner: "https://a.example/users/bob"}).Verify(t.Context(), plain, instant)
	requireCode(t, err, proof.CodeOwnerMismatch)
}

func TestDates(t *testing.T) {
	t.Parallel()
	s := newSigner(t, method)
	doc := []byte(s.sign(t, note, func(o *proof.Options) { o.Expires = instant.Add(time.Hour) }))
	v := proof.Verifier{Keys: known(s)}
	for offset, code := range map[time.Duration]string{
		-5*time.Minute - time.Second: proof.CodeCreated,
		-5 * time.Minute:             "",
		0:                            "",
		time.Hour - time.Second:      "",
		time.Hour:                    proof.CodeExpired,
		100 * 365 * 24 * time.Hour:   proof.CodeExpired,
	} {
		_, err := v.Verify(t.Context(), doc, instant.Add(offset))
		if code == "" {
			require.NoError(t, err, offset)
			continue
		}
		requireCode(t, err, code, offset)
	}
	v.MaxSkew = time.Minute
	_, err := v.Verify(t.Context(), doc, instant.Add(-2*time.Minute))
	requireCode(t, err, proof.CodeCreated)
	// A proof without expires lasts.
	_, err = v.Verify(t.Context(), []byte(s.sign(t, note, nil)), instant.AddDate(50, 0, 0))
	require.NoError(t, err)
	// expires before created is nonsense, whatever the clock says.
	backwards := strings.Replace(string(doc), "2026-05-04T13:00:00Z", "2026-05-04T11:59:59Z", 1)
	_, err = v.Verify(t.Context(), []byte(backwards), instant.Add(-time.Minute))
	requireCode(t, err, proof.CodeExpired)
}

func TestLimits(t *testing.T) {
	t.Parallel()
	s := newSigner(t, method)
	deep := `{"actor":"` + alice + `","x":` + strings.Repeat("[", 63) + strings.Repeat("]", 63) + `}`
	_, err := proof.Verify(t.Context(), []byte(s.sign(t, deep, nil)), known(s), instant)
	require.NoError(t, err)
	tooDeep := []byte(strings.Replace(deep, `"x":[`, `"x":[[`, 1))
	_, err = proof.Sign([]byte(strings.Replace(string(tooDeep), "]}", "]]}", 1)), proof.Options{Key: s.key, Method: s.id})
	requireCode(t, err, proof.CodeSyntax)
	v := proof.Verifier{Keys: known(s), Limits: jcs.Limits{MaxBytes: 100}}
	_, err = v.Verify(t.Context(), []byte(s.sign(t, note, nil)), instant)
	requireCode(t, err, proof.CodeSyntax)
	var size *jcs.Error
	require.ErrorAs(t, err, &size)
	require.Equal(t, jcs.CodeSize, size.Code)
}

func TestSignRefuses(t *testing.T) {
	t.Parallel()
	s := newSigner(t, method)
	rsa, err := keys.ParsePrivatePEM(read(t, "keys/rfc9421/test-key-rsa.key.pem"))
	require.NoError(t, err)
	for name, test := range map[string]struct {
		doc  string
		o    proof.Options
		code string
	}{
		"no key":              {note, proof.Options{Method: method}, proof.CodeOptions},
		"RSA key":             {note, proof.Options{Key: rsa, Method: method}, proof.CodeOptions},
		"no method":           {note, proof.Options{Key: s.key}, proof.CodeOptions},
		"expires first":       {note, proof.Options{Key: s.key, Method: method, Expires: instant.AddDate(-50, 0, 0)}, proof.CodeOptions},
		"not an object":       {"[]", proof.Options{Key: s.key, Method: method}, proof.CodeSyntax},
		"not JSON":            {"{", proof.Options{Key: s.key, Method: method}, proof.CodeSyntax},
		"text after":          {note + "x", proof.Options{Key: s.key, Method: method}, proof.CodeSyntax},
		"follows nothing":     {note, proof.Options{Key: s.key, Method: method, Previous: []string{"urn:x"}}, proof.CodePrevious},
		"LD signature before": {`{"signature":{"type":"RsaSignature2017"}}`, proof.Options{Key: s.key, Method: method}, proof.CodeOrder},
	} {
		_, err := proof.Sign([]byte(test.doc), test.o)
		requireCode(t, err, test.code, name)
	}
}
