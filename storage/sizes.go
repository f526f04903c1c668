package storage

import (
	"context"
	"maps"
	"slices"
	"time"
)

// TableSize is how big a table is.
type TableSize struct {
	Name string `json:"name"`
	Rows int    `json:"rows"`
	// Bytes is the space on disk with that of its indexes, or 0 if the back-end cannot tell.
	Bytes int64 `json:"bytes"`
}

// SizeSample is how big the tables were at some time.
type SizeSample struct {
	Time   time.Time   `json:"time"`
	Tables []TableSize `json:"tables"`
}

// Sizer is a power that a store may have: to tell how big each table is, and to remember how big it
// was. One sample is kept for each day (UTC).
type Sizer interface {
	// TableSizes returns the size of each table, the queue's included, in order of name. It reads
	// whole tables.
	TableSizes(ctx context.Context) ([]TableSize, error)
	// PutSizes keeps a sample in place of that day's.
	PutSizes(ctx context.Context, s SizeSample) error
	// Sizes returns the samples, oldest first.
	Sizes(ctx context.Context) ([]SizeSample, error)
	// PruneSizes erases the samples of days before that of the given time, and returns their number.
	PruneSizes(ctx context.Context, before time.Time) (int, error)
}

// power returns the first store under the wrappers of s that has the optional interface P.
func power[P any](s Store) (P, bool) {
	for {
		if p, ok := s.(P); ok {
			return p, true
		}
		w, ok := s.(interface{ Unwrap() Store })
		if !ok {
			var none P
			return none, false
		}
		s = w.Unwrap()
	}
}

// TableSizes returns the size of each table in order of name: without bytes, and perhaps without the
// queue's, if s has no [Sizer].
func TableSizes(ctx context.Context, s Store) ([]TableSize, error) {
	if z, ok := power[Sizer](s); ok {
		return z.TableSizes(ctx)
	}
	st, err := s.Stats(ctx)
	if err != nil {
		return nil, err
	}
	var out []TableSize
	for _, name := range slices.Sorted(maps.Keys(st.Tables)) {
		out = append(out, TableSize{Name: name, Rows: st.Tables[name]})
	}
	return out, nil
}

// Sizes returns the samples that s keeps, oldest first; none if it has no [Sizer].
func Sizes(ctx context.Context, s Store) ([]SizeSample, error) {
	z, ok := power[Sizer](s)
	if !ok {
		return nil, nil
	}
	return z.Sizes(ctx)
}

// SampleSizes keeps a sample unless the day of now has one, and erases those older than retain. It is a
// chore for one process at a time; without a [Sizer] it does nothing.
func SampleSizes(ctx context.Context, s Store, now time.Time, retain time.Duration) error {
	z, ok := power[Sizer](s)
	if !ok {
		return nil
	}
	samples, err := z.Sizes(ctx)
	if err != nil {
		return err
	}
	if n := len(samples); n > 0 && samples[n-1].Time.UTC().Format(time.DateOnly) == now.UTC().Format(time.DateOnly) {
		return nil
	}
	tables, err := z.TableSizes(ctx)
	if err != nil {
		return err
	}
	if err := z.PutSizes(ctx, SizeSample{Time: now, Tables: tables}); err != nil {
		return err
	}
	_, err = z.PruneSizes(ctx, now.Add(-retain))
	return err
}
