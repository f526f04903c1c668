package sqlstore

import "context"

// PendingReceipts implements storage.Backlog.
func (s Roles) PendingReceipts(ctx context.Context, most int) (int, error) {
	return readFirst(ctx, s.engine, scanCount, `SELECT count(*) FROM (SELECT 1 FROM kith_receipts WHERE state = 'pending' LIMIT ?) AS waiting`, most)
}
