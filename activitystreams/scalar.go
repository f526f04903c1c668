package activitystreams

import (
	"math"
	"strconv"
	"strings"
	"time"
)

// A Time is a point in time that keeps the text it was read from. The zero Time is absent.
type Time struct{ src string }

// At returns t as it is written on the wire: RFC 3339 in UTC, with a fraction only if t has one.
// A zero t gives the zero Time.
func At(t time.Time) Time {
	if t.IsZero() {
		return Time{}
	}
	return Time{t.UTC().Format(time.RFC3339Nano)}
}

// layouts are tried in order; those without a zone are read as UTC (older WordPress).
var layouts = [...]string{
	time.RFC3339Nano, "2006-01-02T15:04:05.999999999", "2006-01-02T15:04:05.999999999Z0700", "2006-01-02T15:04Z07:00", "2006-01-02T15:04",
	"2006-01-02 15:04:05.999999999Z07:00", "2006-01-02 15:04:05.999999999", "2006-01-02", time.RFC1123Z, time.RFC1123,
}

// Time returns the instant; the zero time.Time when absent, unreadable or outside the years 1 to 9999.
func (t Time) Time() time.Time {
	s := strings.TrimSpace(t.src)
	if s == "" {
		return time.Time{}
	}
	for _, layout := range layouts {
		if at, err := time.Parse(layout, s); err == nil {
			return at
		}
	}
	return time.Time{}
}

// IsZero reports whether there is no readable time.
func (t Time) IsZero() bool { return t.Time().IsZero() }

// String returns the text as it came or will go.
func (t Time) String() string { return t.src }

func (t *Time) absent() bool { return t.src == "" }

func (t Time) equal(u Time) bool {
	if t.src == u.src {
		return true
	}
	a, b := t.Time(), u.Time()
	return !a.IsZero() && a.Equal(b)
}

// A Number is a number that keeps the text it was read from. The zero Number is absent, which is
// not Int(0).
type Number struct{ src string }

// Int returns a whole number.
func Int(i int64) Number { return Number{strconv.FormatInt(i, 10)} }

// Float returns a number; NaN and infinities, which JSON lacks, give the zero Number.
func Float(f float64) Number {
	if math.IsNaN(f) || math.IsInf(f, 0) {
		return Number{}
	}
	return Number{strconv.FormatFloat(f, 'g', -1, 64)}
}

// Int64 returns the number when it is whole and fits; "640.0" is whole.
func (n Number) Int64() (int64, bool) {
	if i, err := strconv.ParseInt(n.src, 10, 64); err == nil {
		return i, true
	}
	f, ok := n.Float64()
	if !ok || f != math.Trunc(f) || f < -1<<63 || f >= 1<<63 {
		return 0, false
	}
	return int64(f), true
}

// Float64 returns the number when it is finite as a float64.
func (n Number) Float64() (float64, bool) {
	if n.src == "" {
		return 0, false
	}
	f, err := strconv.ParseFloat(n.src, 64)
	return f, err == nil
}

// IsZero reports whether there is no number.
func (n Number) IsZero() bool { return n.src == "" }

// String returns the text of the number; "" when absent.
func (n Number) String() string { return n.src }

func (n Number) equal(m Number) bool {
	if n.src == m.src {
		return true
	}
	a, ok := n.Float64()
	b, ok2 := m.Float64()
	return ok && ok2 && a == b && len(n.src) < 16 && len(m.src) < 16
}
