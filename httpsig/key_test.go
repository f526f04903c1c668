package httpsig

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"testing"

	"github.com/stretchr/testify/require"
)

type temporaryError struct{ error }

func (temporaryError) Temporary() bool { return true }

// What a KeyFinder answers decides the status: try again, never, or not you.
func TestKeyFinderErrors(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		err    error
		code   string
		status int
	}{
		{ErrKeyNotFound, CodeKeyUnknown, 401},
		{errors.New("any other"), CodeKeyUnknown, 401},
		{fmt.Errorf("fetch: %w", ErrKeyGone), CodeKeyGone, 401},
		{fmt.Errorf("policy: %w", ErrBlocked), CodeBlocked, 403},
		{fmt.Errorf("dial: %w", temporaryError{errors.New("timeout")}), CodeKeyUnavailable, 503},
		{context.DeadlineExceeded, CodeKeyUnavailable, 503},
		{fmt.Errorf("%w", context.Canceled), CodeKeyUnavailable, 503},
	} {
		v := testVerifier(t, nil)
		v.Keys = KeyFinderFunc(func(context.Context, string) (Key, error) { return Key{}, c.err })
		_, err := v.Verify(t.Context(), signed(t, testRSA(), "GET", testInbox, "", SignOptions{}), nil, testNow)
		requireCode(t, err, c.code)
		require.Equal(t, c.status, err.(*Error).Status)
		require.Equal(t, c.status == 503, err.(*Error).Temporary())
		require.ErrorIs(t, err, c.err)
	}
	_, err := new(Verifier).Verify(t.Context(), signed(t, testRSA(), "GET", testInbox, "", SignOptions{}), nil, testNow)
	requireCode(t, err, CodeConfig)
	require.Equal(t, http.StatusInternalServerError, err.(*Error).Status)
}

// Of several signatures, one whose key may come later decides for "try again".
func TestUnavailableBeatsMismatch(t *testing.T) {
	t.Parallel()
	r := inbound("POST", "/inbox", testBody)
	messageAs(t, testRSA(), r, "a", messageInput(fullMessage+` "x-absent"`))
	messageAs(t, testRSA(), r, "b", messageInput(fullMessage))
	v := testVerifier(t, nil)
	v.Keys = KeyFinderFunc(func(context.Context, string) (Key, error) { return Key{}, context.DeadlineExceeded })
	_, err := v.Verify(t.Context(), r, []byte(testBody), testNow)
	requireCode(t, err, CodeKeyUnavailable)
}

// No key is asked for while anything that costs nothing speaks against the request.
func TestNoKeyLookupForHopelessRequests(t *testing.T) {
	t.Parallel()
	v := testVerifier(t, nil)
	v.Keys = KeyFinderFunc(func(context.Context, string) (Key, error) { t.Error("asked for a key"); return Key{}, nil })
	verify := func(r *http.Request, body string) {
		_, err := v.Verify(t.Context(), r, []byte(body), testNow)
		require.Error(t, err)
	}
	verify(signed(t, testRSA(), "POST", testInbox, testBody, SignOptions{}), "other body")
	r := inbound("POST", "/inbox", testBody)
	cavageAs(t, testRSA(), r, cavageParamsFor("host date"))
	verify(r, testBody)
	r = inbound("POST", "/inbox", testBody)
	r.Header.Set("Date", "Sat, 21 Nov 2020 12:00:00 GMT")
	cavageAs(t, testRSA(), r, cavageParamsFor(fullCavage))
	verify(r, testBody)
	r = inbound("POST", "/inbox", testBody)
	cavageAs(t, testRSA(), r, `keyId="acct:x@y",headers="`+fullCavage+`"`)
	verify(r, testBody)
	r = inbound("POST", "/inbox", testBody)
	cavageAs(t, testRSA(), r, cavageParamsFor(fullCavage+" x-absent"))
	verify(r, testBody)
}
