package httpsig_test

import (
	"context"
	"crypto/ed25519"
	"net/http"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/gokith/kith/httpsig"
	"github.com/gokith/kith/origin"
)

// replaced is a finder that learns of the new key by looking again, which takes a second.
type replaced struct {
	old, fresh ed25519.PublicKey
	known      atomic.Bool
	looks      atomic.Int32
}

const replacedID = "https://a.example/users/ana#main-key"

func (r *replaced) FindKey(context.Context, string) (httpsig.Key, error) {
	key := httpsig.Key{ID: replacedID, Owner: "https://a.example/users/ana", Public: r.old}
	if r.known.Load() {
		key.Public = r.fresh
	}
	return key, nil
}

func (r *replaced) RefreshKey(ctx context.Context, id string) (httpsig.Key, error) {
	r.looks.Add(1)
	time.Sleep(time.Second)
	r.known.Store(true)
	return r.FindKey(ctx, id)
}

// TestS26_ReplacedUnderLoad: of requests that come at once with a replaced key, none is refused, and one
// look is made. Forgeries do not cause another one.
func TestS26_ReplacedUnderLoad(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		old, _, err := ed25519.GenerateKey(nil)
		require.NoError(t, err)
		fresh, private, err := ed25519.GenerateKey(nil)
		require.NoError(t, err)
		_, forger, err := ed25519.GenerateKey(nil)
		require.NoError(t, err)
		here, err := origin.Parse("https://b.example")
		require.NoError(t, err)
		keys := &replaced{old: old, fresh: fresh}
		v := &httpsig.Verifier{Keys: keys, Origins: httpsig.Single(here)}
		verify := func(key ed25519.PrivateKey) error {
			r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "https://b.example/notes/1", nil)
			if err != nil {
				return err
			}
			if err := (&httpsig.Signer{KeyID: replacedID, Key: key}).Sign(r, nil, time.Now(), httpsig.SignOptions{}); err != nil {
				return err
			}
			_, err = v.Verify(t.Context(), r, nil, time.Now())
			return err
		}
		var wg sync.WaitGroup
		var refused atomic.Int32
		for i := range 20 {
			wg.Go(func() {
				time.Sleep(time.Duration(i) * 100 * time.Millisecond) // before, during and after the look
				if verify(private) != nil {
					refused.Add(1)
				}
			})
		}
		wg.Wait()
		require.Zero(t, refused.Load())
		for range 20 {
			require.Error(t, verify(forger))
		}
		require.EqualValues(t, 1, keys.looks.Load())
	})
}
