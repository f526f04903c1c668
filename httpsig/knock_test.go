package httpsig

import (
	"crypto/ed25519"
	"crypto/rand"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
)

func TestI20_OneRetryInTheOtherForm(t *testing.T) {
	t.Parallel()
	s := &Signer{KeyID: testKeyID, Key: testRSA()}
	for _, first := range []Scheme{"", Cavage, RFC9421} {
		for status, retries := range map[int]bool{
			400: true, 401: true, 403: true,
			200: false, 202: false, 204: false, 301: false, 307: false, 404: false, 405: false, 410: false, 413: false, 429: false, 500: false, 502: false, 503: false,
		} {
			k := FirstKnock(SignOptions{Scheme: first})
			next, ok := k.Next(s, status, nil, KnockPolicy{})
			require.Equal(t, retries, ok, status)
			require.Equal(t, retries, next.Degraded())
			if ok {
				require.Equal(t, k.Options.Scheme.Other(), next.Options.Scheme)
				require.NotEqual(t, k.Options.Scheme, next.Options.Scheme)
				_, ok = next.Next(s, status, nil, KnockPolicy{})
				require.False(t, ok, "exactly one")
			}
		}
	}
}

func TestI21_OptionalStatuses(t *testing.T) {
	t.Parallel()
	s := &Signer{KeyID: testKeyID, Key: testRSA()}
	for status, p := range map[int]KnockPolicy{404: {NotFound: true}, 410: {Gone: true}, 500: {ServerErrors: true}} {
		_, ok := FirstKnock(SignOptions{}).Next(s, status, nil, p)
		require.True(t, ok, status)
		_, ok = FirstKnock(SignOptions{}).Next(s, status, nil, KnockPolicy{})
		require.False(t, ok, status)
	}
	_, ok := FirstKnock(SignOptions{}).Next(s, 503, nil, KnockPolicy{NotFound: true, Gone: true, ServerErrors: true})
	require.False(t, ok)
}

// A hostile server refuses everything, challenges each time, and looks at each attempt.
func TestS30_NoDowngrade(t *testing.T) {
	t.Parallel()
	for _, challenge := range []string{"", `sig1=("@method");created`, `sig1=();nonce="n"`, `sig1=("x-token" "date");nonce="n"`, `sig1=("@status")`, `sig1=();alg="hmac-sha256"`, "(((("} {
		for _, status := range []int{400, 401, 403} {
			for _, first := range []Scheme{Cavage, RFC9421} {
				var attempts []http.Header
				server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
					attempts = append(attempts, r.Header.Clone())
					_, _ = io.Copy(io.Discard, r.Body)
					if challenge != "" {
						w.Header().Set("Accept-Signature", challenge)
					}
					w.WriteHeader(status)
				}))
				s := &Signer{KeyID: testKeyID, Key: testRSA()}
				k := FirstKnock(SignOptions{Scheme: first, ExtraHeaders: []string{"X-Token"}})
				for ok := true; ok && len(attempts) < 5; {
					r, err := http.NewRequest("POST", server.URL+"/inbox?a=b", strings.NewReader(testBody))
					require.NoError(t, err)
					r.Header.Set("X-Token", "t")
					r.Header.Set("Content-Type", "application/activity+json")
					require.NoError(t, s.Sign(r, []byte(testBody), testNow, k.Options))
					res, err := server.Client().Do(r)
					require.NoError(t, err)
					res.Body.Close()
					k, ok = k.Next(s, res.StatusCode, res.Header, KnockPolicy{NotFound: true, Gone: true, ServerErrors: true})
				}
				server.Close()
				require.GreaterOrEqual(t, len(attempts), 2)
				require.LessOrEqual(t, len(attempts), 3, "one alternate, one challenge")
				schemes := map[Scheme]int{}
				for i, h := range attempts {
					found, f := candidates(h, defaultLimits())
					require.Nil(t, f)
					require.Len(t, found, 1)
					c := found[0]
					require.Nil(t, c.fault)
					schemes[c.scheme]++
					require.True(t, c.covers("x-token"), "attempt %d", i)
					require.True(t, c.covers("content-type"), "attempt %d", i)
					if c.scheme == Cavage {
						for _, name := range []string{"(request-target)", "host", "date", "digest"} {
							require.True(t, c.covers(name), name)
						}
						continue
					}
					for _, name := range []string{"@method", "@target-uri", "content-digest"} {
						require.True(t, c.covers(name), name)
					}
					require.True(t, c.created.set)
				}
				require.Equal(t, 1, schemes[Cavage])
			}
		}
	}
}

func TestI23_AcceptSignature(t *testing.T) {
	t.Parallel()
	// The example of RFC 9421 §5.1, with a key that we have.
	h := http.Header{"Accept-Signature": {`sig1=("@method" "@target-uri" "@authority" "content-digest" "cache-control");keyid="test-key-rsa-pss";created;tag="app-123"`}}
	requests, err := ParseAcceptSignature(h)
	require.NoError(t, err)
	require.Equal(t, []SignatureRequest{{Label: "sig1", Components: []string{"@method", "@target-uri", "@authority", "content-digest", "cache-control"},
		Created: true, KeyID: "test-key-rsa-pss", Tag: "app-123"}}, requests)
	text, err := AcceptSignature(requests...)
	require.NoError(t, err)
	again, err := ParseAcceptSignature(http.Header{"Accept-Signature": {text}})
	require.NoError(t, err)
	require.Equal(t, requests, again)

	s := &Signer{KeyID: "test-key-rsa-pss", Key: testRSA()}
	opt, ok := requests[0].Answer(s, SignOptions{Components: []string{"date"}, WithoutQuery: true})
	require.True(t, ok)
	require.Equal(t, SignOptions{Scheme: RFC9421, Components: []string{"date", "@method", "@target-uri", "@authority", "content-digest", "cache-control"}, Tag: "app-123", Label: "sig1"}, opt)
	_, ok = requests[0].Answer(&Signer{KeyID: "other", Key: testRSA()}, SignOptions{})
	require.False(t, ok)
	_, ok = SignatureRequest{Algorithm: Ed25519}.Answer(s, SignOptions{})
	require.False(t, ok)
	_, ok = SignatureRequest{Algorithm: "hmac-sha256"}.Answer(s, SignOptions{})
	require.False(t, ok)
	opt, ok = SignatureRequest{Expires: true, Algorithm: RSAPSSSHA512, Nonce: "n"}.Answer(s, SignOptions{})
	require.True(t, ok)
	require.Equal(t, SignOptions{Scheme: RFC9421, Algorithm: RSAPSSSHA512, Expires: time.Hour, Nonce: "n"}, opt)

	// The example is answered as asked.
	r, err := http.NewRequest("POST", testInbox, nil)
	require.NoError(t, err)
	r.Header.Set("Cache-Control", "no-cache")
	opt, _ = requests[0].Answer(s, SignOptions{})
	require.NoError(t, s.Sign(r, []byte(testBody), testNow, opt))
	v := &Verifier{Keys: finder{s.KeyID: {ID: s.KeyID, Public: testRSA().Public()}}, Origins: AnyOf(localOrigin(t)), OpaqueKeyIDs: true, RequiredTag: "app-123"}
	res, err := v.Verify(t.Context(), arrive(r, testBody), []byte(testBody), testNow)
	require.NoError(t, err)
	for _, name := range requests[0].Components {
		require.True(t, slices.Contains(res.Covered, name), name)
	}

	requests, err = ParseAcceptSignature(nil)
	require.NoError(t, err)
	require.Empty(t, requests)
	for value, code := range map[string]string{
		"((": CodeMalformed, "sig1=1": CodeMalformed, "sig1": CodeMalformed,
		`sig1=("@status")`: CodeComponent, `sig1=("@method";req)`: CodeComponent, `sig1=();x`: CodeComponent, `sig1=();nonce=1`: CodeComponent,
		`sig1=("a"` + strings.Repeat(` "a"`, 40) + `)`: CodeTooLarge, "x=" + strings.Repeat("1", 9000): CodeTooLarge,
	} {
		_, err := ParseAcceptSignature(http.Header{"Accept-Signature": {value}})
		requireCode(t, err, code, value)
	}
	_, err = AcceptSignature(SignatureRequest{Label: "sig1", Components: []string{"@status"}})
	requireCode(t, err, CodeComponent)
	_, err = AcceptSignature(SignatureRequest{Label: "Not A Key"})
	require.Error(t, err)
}

// A challenge from refusal to acceptance: a nonce is asked for, given, and good once.
func TestChallenge(t *testing.T) {
	t.Parallel()
	_, key, err := ed25519.GenerateKey(rand.Reader)
	require.NoError(t, err)
	s := &Signer{KeyID: testKeyID, Key: key}
	store := &NonceStore{IssuedOnly: true}
	v := testVerifier(t, key.Public())
	v.UseNonce, v.RequireNonce = store.Use, true

	k := FirstKnock(SignOptions{})
	r := signed(t, key, "GET", testInbox, "", k.Options)
	_, err = v.Verify(t.Context(), r, nil, testNow)
	requireCode(t, err, CodeNonce)
	nonce, ok := store.Issue(t.Context(), time.Now())
	require.True(t, ok)
	text, err := AcceptSignature(SignatureRequest{Label: "sig1", Components: []string{"@method", "@target-uri", `"@query-param";name="x"`}, Created: true, Nonce: nonce})
	require.NoError(t, err)

	k, ok = k.Next(s, 401, http.Header{"Accept-Signature": {text}}, KnockPolicy{})
	require.True(t, ok)
	require.Equal(t, nonce, k.Options.Nonce)
	r = signed(t, key, "GET", testInbox, "", k.Options)
	res, err := v.Verify(t.Context(), r, nil, testNow)
	require.NoError(t, err)
	require.Equal(t, nonce, res.Nonce)
	require.Contains(t, res.Covered, `@query-param;name="x"`)
	_, err = v.Verify(t.Context(), r, nil, testNow)
	requireCode(t, err, CodeNonce)
}

func TestNonceStoreIsBounded(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		store := &NonceStore{Max: 3, Life: time.Minute}
		ctx := t.Context()
		first, ok := store.Issue(ctx, time.Now())
		require.True(t, ok)
		for _, n := range []string{"a", "b"} {
			ok, err := store.Use(ctx, "k", n, time.Now().Add(time.Minute))
			require.NoError(t, err)
			require.True(t, ok)
		}
		_, ok = store.Issue(ctx, time.Now())
		require.False(t, ok, "full")
		ok, _ = store.Use(ctx, "k", "c", time.Now().Add(time.Minute))
		require.False(t, ok, "full")
		time.Sleep(time.Minute + time.Second)
		ok, _ = store.Use(ctx, "k", first, time.Now())
		require.False(t, ok, "its time is over")
		ok, _ = store.Use(ctx, "k", "c", time.Now().Add(time.Minute))
		require.True(t, ok, "the old ones are forgotten")
		ok, _ = store.Use(ctx, "other", "c", time.Now().Add(time.Minute))
		require.True(t, ok, "a nonce belongs to its key")
		ok, _ = store.Use(ctx, "k", "c", time.Now().Add(time.Minute))
		require.False(t, ok)
	})
}
