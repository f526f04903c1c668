package kith

import (
	"context"
	"encoding/base64"
	"errors"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/gokith/kith/httpsig"
	"github.com/gokith/kith/storage/memory"
)

// claims is what several processes share.
type claims struct {
	mu   sync.Mutex
	held map[string]time.Time
}

func (c *claims) claim(_ context.Context, nonce string, until time.Time) (bool, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	_, taken := c.held[nonce]
	c.held[nonce] = until
	return !taken, nil
}

// TestS14_SealedNonces: what one process issues every process with the same secret takes, once among
// them all, until its time is over; what nobody issued is claimed by nobody.
func TestS14_SealedNonces(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		ctx, shared := t.Context(), &claims{held: make(map[string]time.Time)}
		process := func(secret byte) *nonceSeal {
			return &nonceSeal{claim: shared.claim, life: time.Minute, secret: func(context.Context) ([]byte, error) {
				return append(make([]byte, 31), secret), nil
			}}
		}
		one, two, stranger := process(1), process(1), process(2)
		use := func(n *nonceSeal, nonce string) bool {
			ok, err := n.use(ctx, "https://a.example/#key", nonce, time.Time{})
			require.NoError(t, err)
			return ok
		}
		issue := func(n *nonceSeal) string {
			nonce, err := n.issue(ctx, time.Now())
			require.NoError(t, err)
			return nonce
		}
		nonce := issue(one)
		require.NotEqual(t, nonce, issue(one))
		require.True(t, use(two, nonce))
		require.False(t, use(one, nonce))
		require.False(t, use(two, nonce))
		require.Equal(t, time.Now().Add(time.Minute).Unix(), shared.held[nonce].Unix(), "for as long as it is good")

		claimed := len(shared.held)
		forged, err := base64.RawURLEncoding.DecodeString(issue(one))
		require.NoError(t, err)
		for i := range forged {
			changed := append([]byte(nil), forged...)
			changed[i] ^= 1
			require.False(t, use(one, base64.RawURLEncoding.EncodeToString(changed)), i)
		}
		for _, bad := range []string{"", "abc", issue(stranger), issue(one) + "A", issue(one)[1:], "=" + issue(one)} {
			require.False(t, use(one, bad), bad)
		}
		late := issue(one)
		time.Sleep(time.Minute + 2*time.Second)
		require.False(t, use(one, late))
		require.Len(t, shared.held, claimed, "no strange name is kept")

		broken := &nonceSeal{secret: func(context.Context) ([]byte, error) { return nil, errors.New("the store is down") }}
		_, err = broken.issue(ctx, time.Now())
		require.ErrorContains(t, err, "the store is down")
		_, err = broken.use(ctx, "", late, time.Time{})
		require.ErrorContains(t, err, "the store is down")
		short := &nonceSeal{secret: func(context.Context) ([]byte, error) { return []byte("secret"), nil }}
		_, err = short.issue(ctx, time.Now())
		require.ErrorContains(t, err, "too short")
	})
}

// TestS14_NoncesAfterTheClockIsSetBack: a nonce that was used is not good again, however far the clock goes
// back, as long as anything that was signed with it passes: nothing from the future does.
func TestS14_NoncesAfterTheClockIsSetBack(t *testing.T) {
	t.Parallel()
	s := &Server{store: memory.New()}
	const used = 48 * time.Hour
	at := func(clock time.Duration) bool {
		fresh := false
		synctest.Test(t, func(t *testing.T) {
			time.Sleep(clock) // a bubble's clock begins at a fixed time
			var err error
			end := time.Date(2000, 1, 1, 0, 0, 0, 0, time.UTC).Add(used + time.Second)
			fresh, err = s.claimNonce(t.Context(), "nonce", end)
			require.NoError(t, err)
		})
		return fresh
	}
	require.True(t, at(used))
	for _, back := range []time.Duration{0, time.Second, 10 * time.Minute, httpsig.DefaultMaxAge, httpsig.DefaultMaxAge + httpsig.DefaultMaxSkew} {
		require.False(t, at(used-back), back)
	}
}
