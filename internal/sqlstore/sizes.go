package sqlstore

import (
	"context"
	"encoding/json"
	"slices"
	"strings"
	"time"

	"github.com/gokith/kith/storage"
)

var _ storage.Sizer = Roles{}

// Measurer is an [Engine] that knows all tables, the queue's too, and their bytes.
type Measurer interface {
	TableSizes(ctx context.Context, c Conn) ([]storage.TableSize, error)
}

// TableSizes implements storage.Sizer.
func (s Roles) TableSizes(ctx context.Context) (out []storage.TableSize, err error) {
	err = s.engine.Read(ctx, func(c Conn) error {
		if m, ok := s.engine.(Measurer); ok {
			out, err = m.TableSizes(ctx, c)
			return err
		}
		out = nil
		for _, t := range tables {
			n, err := first(ctx, c, scanCount, `SELECT count(*) FROM `+t)
			if err != nil {
				return err
			}
			out = append(out, storage.TableSize{Name: t, Rows: n})
		}
		return nil
	})
	slices.SortFunc(out, func(a, b storage.TableSize) int { return strings.Compare(a.Name, b.Name) })
	return out, err
}

// sizesOf names the row of a day among those of kith_meta, which says what concerns the whole store.
// Names of days are in order of time, and lie between "size " and "size!".
func sizesOf(day time.Time) string { return "size " + day.UTC().Format(time.DateOnly) }

// PutSizes implements storage.Sizer.
func (s Roles) PutSizes(ctx context.Context, sample storage.SizeSample) error {
	sample.Time = sample.Time.UTC().Truncate(time.Microsecond)
	value, err := json.Marshal(sample)
	if err != nil {
		return err
	}
	return s.engine.Single(ctx, func(c Conn) error {
		_, err := c.Exec(ctx, `INSERT INTO kith_meta (name, value) VALUES (?, ?) ON CONFLICT (name) DO UPDATE SET value = excluded.value`,
			sizesOf(sample.Time), string(value))
		return err
	})
}

// Sizes implements storage.Sizer.
func (s Roles) Sizes(ctx context.Context) (out []storage.SizeSample, err error) {
	scan := func(r row) (sample storage.SizeSample, err error) {
		var value string
		if err = r.Scan(&value); err == nil {
			err = json.Unmarshal([]byte(value), &sample)
		}
		return sample, err
	}
	err = s.engine.Read(ctx, func(c Conn) error {
		out, err = all(ctx, c, scan, `SELECT value FROM kith_meta WHERE name >= 'size ' AND name < 'size!'`)
		return err
	})
	slices.SortFunc(out, func(a, b storage.SizeSample) int { return a.Time.Compare(b.Time) })
	return out, err
}

// PruneSizes implements storage.Sizer.
func (s Roles) PruneSizes(ctx context.Context, before time.Time) (int, error) {
	var n int64
	err := s.engine.Single(ctx, func(c Conn) (err error) {
		n, err = c.Exec(ctx, `DELETE FROM kith_meta WHERE name >= 'size ' AND name < ?`, sizesOf(before))
		return err
	})
	return int(n), err
}
