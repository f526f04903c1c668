package inbox

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	as "github.com/gokith/kith/activitystreams"
	"github.com/gokith/kith/storage"
	"github.com/gokith/kith/storage/memory"
)

// many is a store that takes many claims at once, slowly, and notes how many came together.
type many struct {
	storage.Store
	spoilt as.IRI // claims with this activity fail

	mu     sync.Mutex
	groups []int
}

var errSpoilt = errors.New("spoilt")

func (m *many) ClaimMany(ctx context.Context, rows ...storage.Receipt) ([]string, error) {
	return storage.ClaimMany(ctx, m.Store, rows...)
}

func (m *many) Update(ctx context.Context, fn func(context.Context, storage.Tx) error) error {
	time.Sleep(time.Millisecond)
	return m.Store.Update(ctx, func(ctx context.Context, tx storage.Tx) error {
		counted := &claims{Tx: tx, spoilt: m.spoilt}
		err := fn(ctx, counted)
		m.mu.Lock()
		defer m.mu.Unlock()
		m.groups = append(m.groups, counted.n)
		return err
	})
}

type claims struct {
	storage.Tx
	spoilt as.IRI
	n      int
}

func (c *claims) Claim(ctx context.Context, r storage.Receipt) (storage.Receipt, bool, error) {
	c.n++
	if r.Activity == c.spoilt {
		return r, false, errSpoilt
	}
	return c.Tx.Claim(ctx, r)
}

func receipt(i int) storage.Receipt {
	return storage.Receipt{
		Activity: as.IRI(fmt.Sprintf("https://a.example/activities/%d", i)), Actor: "https://a.example/users/alice",
		Signer: "https://a.example/users/alice", Proven: storage.ProvenSignature, Body: []byte("{}"), Received: time.Now(),
	}
}

// Messages that come together are stored together. Each sender learns of his own whether it is new, and one
// that the store cannot take is nobody else's trouble.
func TestClaimsShareATransaction(t *testing.T) {
	for _, spoilt := range []int{-1, 7} {
		synctest.Test(t, func(t *testing.T) {
			inner := memory.New()
			_, known, err := inner.Claim(t.Context(), receipt(3))
			require.NoError(t, err)
			require.True(t, known)
			store := &many{Store: inner, spoilt: receipt(spoilt).Activity}
			in := &Inbox{Config: Config{Store: store}}
			in.Logger = slog.New(slog.DiscardHandler)
			var wg sync.WaitGroup
			ids := make([]string, 20)
			for i := range ids {
				wg.Go(func() {
					row := receipt(i)
					first, err := in.store(t.Context(), &row)
					if i == spoilt {
						require.ErrorIs(t, err, errSpoilt)
						return
					}
					require.NoError(t, err)
					require.Equal(t, i != 3, first)
					if first {
						ids[i] = row.ID
					}
				})
				synctest.Wait()
			}
			wg.Wait()
			require.Equal(t, 1, store.groups[0], "the first goes at once")
			if spoilt < 0 {
				require.Equal(t, []int{1, 19}, store.groups)
			}
			seen := make(map[string]struct{})
			for i, id := range ids {
				if i == 3 || i == spoilt {
					require.Empty(t, id)
					continue
				}
				require.NotContains(t, seen, id)
				seen[id] = struct{}{}
			}
			rows := 0
			for row, err := range inner.Receipts(t.Context(), storage.ReceiptQuery{State: storage.ReceiptPending}) {
				require.NoError(t, err)
				require.NotEqual(t, store.spoilt, row.Activity)
				rows++
			}
			require.Equal(t, map[bool]int{true: 20, false: 19}[spoilt < 0], rows)
		})
	}
}
