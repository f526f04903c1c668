package httpsig

import (
	"net/http"
	"time"
)

// checkWindow judges when a signature was made (L-23). created and Date may both say so: then both
// must lie in the window. expires can only shorten a signature's life.
func checkWindow(date dateField, c *candidate, at time.Time, lim limits) *fault {
	if date.fault != nil { // check: S-12
		return date.fault
	}
	if c.scheme == RFC9421 && !c.created.set { // check: S-13
		return fail(CodeCreated, "created is missing")
	}
	if date.set {
		if f := inWindow("Date", date.time, at, lim); f != nil { // check: S-12
			return f
		}
	}
	if c.created.set {
		if f := inWindow("created", c.created.time(), at, lim); f != nil { // check: S-13
			return f
		}
	}
	return checkExpires(c, at)
}

func checkExpires(c *candidate, at time.Time) *fault {
	if !c.expires.set {
		return nil
	}
	if c.created.set && c.expires.unix < c.created.unix { // check: S-13
		return fail(CodeExpires, "expires lies before created")
	}
	if at.After(c.expires.time()) { // check: S-13
		return fail(CodeExpired, "expired %s ago", at.Sub(c.expires.time()).Truncate(time.Second)).
			compared("before "+stamp(c.expires.time()), stamp(at))
	}
	return nil
}

// A dateField is what the Date field says.
type dateField struct {
	time  time.Time
	set   bool
	fault *fault // it cannot be read
}

// dateOf reads the Date field. One that cannot be read is a fault even if it is not signed.
func dateOf(m *message) dateField {
	lines := m.lines("date")
	if len(lines) == 0 {
		return dateField{}
	}
	t, err := http.ParseTime(trim(lines[0]))
	if err != nil { // check: S-12
		return dateField{fault: fail(CodeDate, "Date is not an HTTP date").compared(http.TimeFormat, clip(lines[0]))}
	}
	return dateField{time: t.UTC(), set: true}
}

func inWindow(name string, t, at time.Time, lim limits) *fault {
	if age := at.Sub(t); age > lim.age { // check: S-12
		return fail(CodeExpired, "%s is %s old, the limit is %s", name, age.Truncate(time.Second), lim.age).
			compared("after "+stamp(at.Add(-lim.age)), stamp(t))
	}
	if ahead := t.Sub(at); ahead > lim.skew { // check: S-12
		return fail(CodeFuture, "%s is %s ahead, the limit is %s", name, ahead.Truncate(time.Second), lim.skew).
			compared("before "+stamp(at.Add(lim.skew)), stamp(t))
	}
	return nil
}

func stamp(t time.Time) string { return t.UTC().Format(time.RFC3339) }

// madeAt is when the signature says it was made: by created if that is signed, else by Date.
func madeAt(date dateField, c *candidate) time.Time {
	if c.scheme == RFC9421 || c.covers("(created)") {
		return c.created.time()
	}
	return date.time
}
