package memory

import (
	"context"

	"github.com/gokith/kith/storage"
)

// PendingReceipts implements storage.Backlog.
func (r roles) PendingReceipts(ctx context.Context, most int) (n int, err error) {
	err = r.read(ctx, func(st *state) error {
		for p := range st.places.from(receiptPlace{state: storage.ReceiptPending}) {
			if p.state != storage.ReceiptPending || n >= most {
				break
			}
			n++
		}
		return nil
	})
	return n, err
}
