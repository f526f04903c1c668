package delivery_test

import (
	"context"
	"net/http"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/gokith/kith/delivery"
	"github.com/gokith/kith/httpsig"
	"github.com/gokith/kith/keys"
	"github.com/gokith/kith/storage/memory"
)

// TestS93_LeaseOutlivesAttempts: no limits are taken under which a delivery may pass to another process
// while it is still tried.
func TestS93_LeaseOutlivesAttempts(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		limits delivery.Limits
		ok     bool
	}{
		"defaults":              {delivery.Limits{}, true},
		"longer than both":      {delivery.Limits{Slice: 5 * time.Second, Attempt: 10 * time.Second, Lease: 16 * time.Second}, true},
		"as long as both":       {delivery.Limits{Slice: 5 * time.Second, Attempt: 10 * time.Second, Lease: 15 * time.Second}, false},
		"lease alone":           {delivery.Limits{Lease: 35 * time.Second}, false},
		"lease above defaults":  {delivery.Limits{Lease: 36 * time.Second}, true},
		"attempt alone":         {delivery.Limits{Attempt: 3 * time.Minute}, false},
		"slice alone":           {delivery.Limits{Slice: 150 * time.Second}, false},
		"slice and attempt cut": {delivery.Limits{Slice: time.Millisecond, Attempt: time.Millisecond, Lease: 3 * time.Millisecond}, true},
	} {
		_, err := delivery.New(delivery.Config{
			Store: memory.New(), Transport: http.DefaultTransport, Limits: c.limits,
			Signer: func(context.Context, string, keys.Algorithm) (*httpsig.Signer, error) { return nil, nil },
		})
		if c.ok {
			require.NoError(t, err, name)
			continue
		}
		require.ErrorIs(t, err, delivery.ErrLimits, name)
		require.ErrorContains(t, err, "Lease", name)
	}
}
