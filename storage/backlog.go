package storage

import "context"

// Backlog is a power that a store may have: to tell how many receipts wait without counting them all.
type Backlog interface {
	// PendingReceipts counts receipts that are pending, but no further than most.
	PendingReceipts(ctx context.Context, most int) (int, error)
}

// Waits is a power that a store may have: to tell what waits without counting what does not.
type Waits interface {
	// Waiting is Stats without Tables. It takes as long as much waits, however big the tables are.
	Waiting(ctx context.Context) (Stats, error)
}

// Waiting is [Waits].Waiting, for any store: without that power it takes Stats, which reads whole tables.
func Waiting(ctx context.Context, s Store) (Stats, error) {
	if w, ok := power[Waits](s); ok {
		return w.Waiting(ctx)
	}
	st, err := s.Stats(ctx)
	st.Tables = nil
	return st, err
}

// PendingReceipts counts the pending receipts of s, but no further than most if the store, or one under
// its wrappers, has [Backlog]; else it takes the number from Stats, which reads whole tables.
func PendingReceipts(ctx context.Context, s Store, most int) (int, error) {
	for inner := s; ; {
		if b, ok := inner.(Backlog); ok {
			return b.PendingReceipts(ctx, most)
		}
		w, ok := inner.(interface{ Unwrap() Store })
		if !ok {
			break
		}
		inner = w.Unwrap()
	}
	stats, err := s.Stats(ctx)
	return stats.PendingReceipts, err
}
