package ldsig_test

import (
	"context"
	"crypto/rsa"
	"errors"
	"fmt"
	"math/big"
	"strings"
	"testing"
	"time"

	"github.com/gokith/kith/httpsig"
	"github.com/gokith/kith/jsonld"
	"github.com/gokith/kith/keys"
	"github.com/gokith/kith/proof"
	"github.com/gokith/kith/proof/ldsig"
	"github.com/stretchr/testify/require"
)

const (
	alice  = "https://a.example/users/alice"
	keyID  = alice + "#main-key"
	asOnly = `"@context":"https://www.w3.org/ns/activitystreams"`
)

var instant = time.Date(2026, 5, 4, 12, 0, 0, 0, time.UTC)

// testKey is made once: RSA keys are slow to make.
func testKey(t testing.TB) keys.Private {
	t.Helper()
	key, err := keys.ParsePrivatePEM(read(t, "private_key.pem"))
	require.NoError(t, err)
	return key
}

func known(t testing.TB) finder {
	t.Helper()
	return finder{keyID: {ID: keyID, Owner: alice, Public: testKey(t).Public()}}
}

func sign(t testing.TB, doc string) string {
	t.Helper()
	out, err := ldsig.Sign(t.Context(), []byte(doc), ldsig.Options{Key: testKey(t), Creator: keyID, Created: instant})
	require.NoError(t, err)
	return string(out)
}

const undo = `{` + asOnly + `,"id":"https://a.example/undo/1","type":"Undo","actor":"https://a.example/users/alice",` +
	`"object":{"id":"https://a.example/announce/1","type":"Announce","actor":"https://a.example/users/alice",` +
	`"object":"https://b.example/notes/1","to":["https://www.w3.org/ns/activitystreams#Public"]}}`

func TestSignAndVerify(t *testing.T) {
	t.Parallel()
	signed := sign(t, undo)
	result, err := (&ldsig.Verifier{Keys: known(t)}).Verify(t.Context(), []byte(signed), instant)
	require.NoError(t, err)
	require.Equal(t, alice, result.Owner)
	require.Equal(t, instant, result.Created)
	require.Contains(t, string(result.Document), "https://b.example/notes/1")
	// Signing again replaces the signature.
	require.Equal(t, 1, strings.Count(sign(t, signed), `"RsaSignature2017"`))
}

// S-29: signed statements put in another shape have no effect: the document counts as unsigned, with
// the keyword at any depth, as a name, as a value, and escaped.
func TestS29_Rearranged(t *testing.T) {
	t.Parallel()
	signed := sign(t, undo)
	signature := signed[strings.Index(signed, `"signature":`):strings.Index(signed, `,"type":"Undo"`)]
	announce := `{"id":"https://a.example/announce/1","type":"Announce","actor":"https://a.example/users/alice",` +
		`"object":"https://b.example/notes/1","to":["https://www.w3.org/ns/activitystreams#Public"]`
	inner := `{"id":"https://a.example/undo/1","type":"Undo","actor":"https://a.example/users/alice","object":"https://a.example/announce/1"}`
	shapes := map[string]string{
		"@reverse": `{` + asOnly + `,` + signature + `,` + announce[1:] + `,"@reverse":{"object":` + inner + `}}`,
		"@reverse in the context": `{"@context":["https://www.w3.org/ns/activitystreams",{"undone":{"@reverse":"as:object"}}],` + signature + `,` +
			announce[1:] + `,"undone":` + inner + `}`,
		"@graph":           `{` + asOnly + `,` + signature + `,"@graph":[` + announce + `},` + inner + `]}`,
		"@included":        `{` + asOnly + `,` + signature + `,` + announce[1:] + `,"@included":[` + inner + `]}`,
		"alias of @graph":  `{"@context":["https://www.w3.org/ns/activitystreams",{"g":"@graph"}],` + signature + `,"g":[` + announce + `},` + inner + `]}`,
		"alias, escaped":   `{"@context":["https://www.w3.org/ns/activitystreams",{"g":"\u0040graph"}],` + signature + `,"g":[` + announce + `},` + inner + `]}`,
		"@nest":            strings.Replace(signed, `"type":"Undo"`, `"type":"Undo","@nest":{}`, 1),
		"@graph container": strings.Replace(signed, asOnly, `"@context":["https://www.w3.org/ns/activitystreams",{"x":{"@id":"as:object","@container":"@graph"}}]`, 1),
	}
	for depth := range 6 {
		for _, keyword := range []string{"@graph", "@included", "@reverse"} {
			nested := `{"` + keyword + `":[]}`
			for range depth {
				nested = `{"type":"Object","tag":[` + nested + `]}`
			}
			shapes[fmt.Sprint(keyword, " at depth ", depth)] = strings.Replace(signed, `"type":"Undo"`, `"type":"Undo","tag":`+nested, 1)
		}
	}
	for name, shape := range shapes {
		require.NotEqual(t, signed, shape, name)
		result, err := (&ldsig.Verifier{Keys: forbidden{t}}).Verify(t.Context(), []byte(shape), instant)
		require.Nil(t, result, name)
		requireCode(t, err, ldsig.CodeKeyword, name)
		require.ErrorIs(t, err, ldsig.ErrUnsigned, name)
	}
	_, err := ldsig.Sign(t.Context(), []byte(shapes["@graph"]), ldsig.Options{Key: testKey(t), Creator: keyID})
	requireCode(t, err, ldsig.CodeKeyword)
}

type forbidden struct{ t *testing.T }

func (f forbidden) FindKey(context.Context, string) (httpsig.Key, error) {
	f.t.Error("a key was asked for")
	return httpsig.Key{}, errors.New("no")
}

// S-29: the same statements without keywords, but in a shape that a JSON reader takes for something
// else. Each of these has the very graph that was signed.
func TestS29_SameGraphOtherTree(t *testing.T) {
	t.Parallel()
	signed := sign(t, undo)
	signature := signed[strings.Index(signed, `"signature":`):strings.Index(signed, `,"type":"Undo"`)]
	split := `{` + asOnly + `,"id":"https://a.example/undo/1","type":"Undo","actor":"https://a.example/users/alice","object":[` +
		`{"id":"https://a.example/announce/1","type":"Announce","actor":"https://a.example/users/alice"},` +
		`{"id":"https://a.example/announce/1","object":"https://b.example/notes/1","to":["https://www.w3.org/ns/activitystreams#Public"]}]}`
	var p jsonld.Processor
	want, err := p.Canonicalize(t.Context(), []byte(undo))
	require.NoError(t, err)
	got, err := p.Canonicalize(t.Context(), []byte(split))
	require.NoError(t, err)
	require.Equal(t, string(want), string(got)) // the attack works on whoever trusts the signature alone
	split = strings.Replace(split, asOnly, asOnly+","+signature, 1)
	_, err = (&ldsig.Verifier{Keys: known(t)}).Verify(t.Context(), []byte(split), instant)
	requireCode(t, err, ldsig.CodeUnsignedPart)
	require.Contains(t, err.Error(), "twice")

	// A cycle can be opened anywhere; so it is not signed in the first place, nor taken.
	cycle := `{` + asOnly + `,"id":"https://a.example/1","type":"Create","actor":"https://a.example/users/alice",` +
		`"object":{"id":"https://a.example/2","type":"Note","context":"https://a.example/1"}}`
	_, err = ldsig.Sign(t.Context(), []byte(cycle), ldsig.Options{Key: testKey(t), Creator: keyID})
	requireCode(t, err, ldsig.CodeUnsignedPart)
	require.Contains(t, err.Error(), "refers back")
}

// S-29: what no statement covers either is gone from the document or makes it unsigned.
func TestS29_UnsignedParts(t *testing.T) {
	t.Parallel()
	signed := sign(t, undo)
	context := func(local string) string { return `"@context":["https://www.w3.org/ns/activitystreams",` + local + `]` }
	for name, edit := range map[string]struct{ old, new, code string }{
		"relative id":       {`"type":"Undo"`, `"type":"Undo","tag":{"id":"relative","name":"forged"}`, ldsig.CodeUnsignedPart},
		"blank id":          {`"type":"Undo"`, `"type":"Undo","tag":{"id":"_:b","name":"forged"}`, ldsig.CodeUnsignedPart},
		"malformed id":      {`"type":"Undo"`, `"type":"Undo","tag":{"id":"https://a.example/a b","name":"forged"}`, ldsig.CodeUnsignedPart},
		"language":          {`"type":"Undo"`, `"type":"Undo","contentMap":{"no language":"forged"}`, ldsig.CodeUnsignedPart},
		"index":             {`"type":"Undo"`, `"type":"Undo","tag":{"@index":"forged","type":"Note"}`, ldsig.CodeUnsignedPart},
		"index of a value":  {`"type":"Undo"`, `"type":"Undo","content":{"@index":"forged","@value":"x"}`, ldsig.CodeUnsignedPart},
		"type of a value":   {`"type":"Undo"`, `"type":"Undo","content":{"@type":"forged","@value":"x"}`, ldsig.CodeCanonical},
		"JSON in a value":   {`"type":"Undo"`, `"type":"Undo","content":{"@type":"@json","@value":{"forged":1}}`, ldsig.CodeUnsignedPart},
		"several documents": {asOnly, asOnly + `,"x":1`, ""},
		"no meaning":        {`"type":"Undo"`, `"type":"Undo","forgedTerm":"forged"`, ""},
		"type no meaning":   {`"type":"Undo"`, `"type":["Undo","forgedType"]`, ldsig.CodeSignature},
		"term made void":    {asOnly, context(`{"forgedTerm":null}`) + `,"forgedTerm":1`, ""},
		"unknown context":   {asOnly, context(`"https://m.example/forged"`), ldsig.CodeCanonical},
		"inexact number":    {`"type":"Undo"`, `"type":"Undo","totalItems":9007199254740993`, ldsig.CodeSyntax},
		"doubled member":    {`"type":"Undo"`, `"type":"Undo","type":"Undo"`, ldsig.CodeSyntax},
		"statement added":   {`"type":"Undo"`, `"type":"Undo","content":"forged"`, ldsig.CodeSignature},
		"statement changed": {`b.example/notes/1`, `b.example/notes/2`, ldsig.CodeSignature},
		"type changed":      {`"type":"Undo"`, `"type":"Create"`, ldsig.CodeSignature},
		"type gone":         {`"type":"Undo"`, `"type":"forgedType"`, ldsig.CodeSignature},
		"term renamed":      {asOnly, context(`{"object":"as:result"}`), ldsig.CodeSignature},
		"another actor":     {`"actor":"https://a.example/users/alice","id":"https://a.example/undo`, `"actor":"https://m.example/m","id":"https://a.example/undo`, ldsig.CodeOwnerMismatch},
		"a neighbour":       {`"actor":"https://a.example/users/alice","id":"https://a.example/undo`, `"actor":"https://a.example/users/bob","id":"https://a.example/undo`, ldsig.CodeOwnerMismatch},
		"no actor":          {`"actor":"https://a.example/users/alice","id":"https://a.example/undo`, `"id":"https://a.example/undo`, ldsig.CodeOwner},
		"no meaning at all": {asOnly, `"@context":{}`, ldsig.CodeUnsignedPart},
	} {
		shape := strings.Replace(signed, edit.old, edit.new, 1)
		require.NotEqual(t, signed, shape, name)
		result, err := (&ldsig.Verifier{Keys: known(t)}).Verify(t.Context(), []byte(shape), instant)
		if edit.code == "" {
			require.NoError(t, err, name)
			require.NotContains(t, string(result.Document), "forged", name)
			continue
		}
		requireCode(t, err, edit.code, name)
		if edit.code == ldsig.CodeUnsignedPart {
			require.ErrorIs(t, err, ldsig.ErrUnsigned)
		}
	}
}

func TestS29_SignatureMembers(t *testing.T) {
	t.Parallel()
	signed := sign(t, undo)
	for name, edit := range map[string]struct{ old, new, code string }{
		"none":               {`"signature":`, `"signatures":`, ldsig.CodeMissing},
		"a string":           {`"signature":`, `"signature":"x","was":`, ldsig.CodeMissing},
		"other type":         {"RsaSignature2017", "Ed25519Signature2018", ldsig.CodeMissing},
		"no creator":         {`"creator"`, `"created_by"`, ldsig.CodeSyntax},
		"relative creator":   {`"creator":"` + keyID, `"creator":"#main-key`, ldsig.CodeSyntax},
		"other creator":      {`"creator":"` + keyID, `"creator":"` + alice + `#other`, ldsig.CodeKeyUnavailable},
		"no created":         {`"created"`, `"made"`, ldsig.CodeCreated},
		"created malformed":  {"2026-05-04T12:00:00Z", "yesterday", ldsig.CodeCreated},
		"created changed":    {"2026-05-04T12:00:00Z", "2026-05-04T12:00:01Z", ldsig.CodeSignature},
		"created in future":  {"2026-05-04T12:00:00Z", "2026-05-04T12:05:01Z", ldsig.CodeCreated},
		"expires added":      {`"creator"`, `"expires":"2036-01-01T00:00:00Z","creator"`, ldsig.CodeSignature},
		"expires past":       {`"creator"`, `"expires":"2026-05-04T12:00:00Z","creator"`, ldsig.CodeExpired},
		"expires malformed":  {`"creator"`, `"expires":7,"creator"`, ldsig.CodeExpired},
		"nonce added":        {`"creator"`, `"nonce":"x","creator"`, ldsig.CodeSignature},
		"value not base64":   {`"signatureValue":"`, `"signatureValue":"*`, ldsig.CodeSyntax},
		"value cut":          {`"signatureValue":"`, `"signatureValue":"AAAA`, ldsig.CodeSignature},
		"id and type differ": {`"signatureValue"`, `"id":"https://a.example/s","signatureValue"`, ""},
		"own context":        {`"signatureValue"`, `"@context":{"creator":null},"signatureValue"`, ""},
	} {
		shape := strings.Replace(signed, edit.old, edit.new, 1)
		require.NotEqual(t, signed, shape, name)
		_, err := (&ldsig.Verifier{Keys: known(t)}).Verify(t.Context(), []byte(shape), instant)
		if edit.code == "" {
			require.NoError(t, err, name)
			continue
		}
		requireCode(t, err, edit.code, name)
	}
	for _, text := range []string{"", "[]", "{}", "null", "x"} {
		_, err := (&ldsig.Verifier{Keys: known(t)}).Verify(t.Context(), []byte(text), instant)
		require.Error(t, err, text)
	}
}

type down struct{}

func (down) FindKey(context.Context, string) (httpsig.Key, error) { return httpsig.Key{}, down{} }
func (down) Error() string                                        { return "the key's host is down" }
func (down) Temporary() bool                                      { return true }

func TestKeys(t *testing.T) {
	t.Parallel()
	signed := []byte(sign(t, undo))
	verify := func(f httpsig.KeyFinder) error {
		_, err := (&ldsig.Verifier{Keys: f}).Verify(t.Context(), signed, instant)
		return err
	}
	err := verify(down{})
	requireCode(t, err, ldsig.CodeKeyUnavailable)
	var refused *ldsig.Error
	require.ErrorAs(t, err, &refused)
	require.True(t, refused.Temporary())
	requireCode(t, verify(nil), ldsig.CodeKeyUnavailable)
	edwards, err := keys.GenerateEd25519(nil)
	require.NoError(t, err)
	pub := testKey(t).Public()
	requireCode(t, verify(finder{keyID: {ID: keyID, Owner: alice, Public: edwards.Public()}}), ldsig.CodeKeyType)
	requireCode(t, verify(finder{keyID: {ID: keyID, Owner: alice}}), ldsig.CodeKeyType)
	weak := &rsa.PublicKey{N: new(big.Int).SetBit(big.NewInt(1), 1023, 1), E: 65537}
	requireCode(t, verify(finder{keyID: {ID: keyID, Owner: alice, Public: weak}}), ldsig.CodeKeyType)
	requireCode(t, verify(finder{keyID: {ID: keyID + "2", Owner: alice, Public: pub}}), ldsig.CodeKeyMismatch)
	requireCode(t, verify(finder{keyID: {ID: keyID, Owner: "https://a.example/users/bob", Public: pub}}), ldsig.CodeOwnerMismatch)
	// A stranger's key is not even asked for.
	stranger := strings.Replace(string(signed), keyID, "https://m.example/users/mallory#main-key", 1)
	_, err = (&ldsig.Verifier{Keys: forbidden{t}}).Verify(t.Context(), []byte(stranger), instant)
	requireCode(t, err, ldsig.CodeOwnerMismatch)
	_, err = (&ldsig.Verifier{Keys: known(t), Owner: "https://a.example/users/bob"}).Verify(t.Context(), signed, instant)
	requireCode(t, err, ldsig.CodeOwnerMismatch)
	_, err = (&ldsig.Verifier{Keys: known(t), MaxSkew: time.Hour}).Verify(t.Context(), signed, instant.Add(-time.Minute*59))
	require.NoError(t, err)
}

// S-73: a graph that keeps canonicalisation busy ends in an error, soon.
func TestS73_Poison(t *testing.T) {
	t.Parallel()
	var nodes []string
	for i := range 12 {
		var links []string
		for j := range 12 {
			if i != j {
				links = append(links, `{"type":"Object"}`)
			}
		}
		nodes = append(nodes, `{"type":"Object","tag":[`+strings.Join(links, ",")+`]}`)
	}
	doc := strings.Replace(sign(t, undo), `"type":"Undo"`, `"type":"Undo","tag":[`+strings.Join(nodes, ",")+`]`, 1)
	v := ldsig.Verifier{Keys: known(t), Limits: jsonld.Limits{Steps: 50}}
	start := time.Now()
	_, err := v.Verify(t.Context(), []byte(doc), instant)
	requireCode(t, err, ldsig.CodeCanonical)
	require.ErrorIs(t, err, jsonld.ErrBudget)
	require.Less(t, time.Since(start), time.Second)
}

// A proof is made first, then the signature; each verifies with the other present.
func TestI98_ProofThenSignature(t *testing.T) {
	t.Parallel()
	edwards, err := keys.GenerateEd25519(nil)
	require.NoError(t, err)
	const method = alice + "#ed25519-key"
	doc := strings.Replace(undo, asOnly, `"@context":["https://www.w3.org/ns/activitystreams","https://w3id.org/security/data-integrity/v2"]`, 1)
	proven, err := proof.Sign([]byte(doc), proof.Options{Key: edwards, Method: method, Created: instant})
	require.NoError(t, err)
	both := []byte(sign(t, string(proven)))
	result, err := (&ldsig.Verifier{Keys: known(t)}).Verify(t.Context(), both, instant)
	require.NoError(t, err)
	require.NotContains(t, string(result.Document), "proofValue")
	_, err = proof.Verify(t.Context(), both, finder{method: {ID: method, Owner: alice, Public: edwards.Public()}}, instant)
	require.NoError(t, err)
}

func TestSignRefuses(t *testing.T) {
	t.Parallel()
	edwards, err := keys.GenerateEd25519(nil)
	require.NoError(t, err)
	for name, test := range map[string]struct {
		doc  string
		o    ldsig.Options
		code string
	}{
		"no key":          {undo, ldsig.Options{Creator: keyID}, ldsig.CodeOptions},
		"Ed25519":         {undo, ldsig.Options{Key: edwards, Creator: keyID}, ldsig.CodeOptions},
		"no creator":      {undo, ldsig.Options{Key: testKey(t)}, ldsig.CodeOptions},
		"not JSON":        {"{", ldsig.Options{Key: testKey(t), Creator: keyID}, ldsig.CodeSyntax},
		"not an object":   {"[]", ldsig.Options{Key: testKey(t), Creator: keyID}, ldsig.CodeSyntax},
		"unknown context": {`{"@context":"https://m.example/ns"}`, ldsig.Options{Key: testKey(t), Creator: keyID}, ldsig.CodeCanonical},
		"no context":      {`{"type":"Note"}`, ldsig.Options{Key: testKey(t), Creator: keyID}, ldsig.CodeUnsignedPart},
	} {
		_, err := ldsig.Sign(t.Context(), []byte(test.doc), test.o)
		requireCode(t, err, test.code, name)
	}
}

func FuzzVerify(f *testing.F) {
	f.Add([]byte(sign(f, undo)))
	mastodonDoc, _ := mastodon(f)
	f.Add(mastodonDoc)
	f.Add([]byte(`{"signature":{"type":"RsaSignature2017"}}`))
	keysOf := known(f)
	f.Fuzz(func(t *testing.T, doc []byte) {
		result, err := (&ldsig.Verifier{Keys: keysOf}).Verify(t.Context(), doc, instant.Add(time.Minute))
		if err != nil {
			var refused *ldsig.Error
			require.ErrorAs(t, err, &refused)
			require.Nil(t, result)
			return
		}
		require.Contains(t, string(result.Document), "https://b.example/notes/1")
		require.Contains(t, string(result.Document), `"Undo"`)
	})
}
