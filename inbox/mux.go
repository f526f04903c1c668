package inbox

import (
	"context"
	"errors"
	"fmt"
	"reflect"
	"time"

	as "github.com/gokith/kith/activitystreams"
)

// Mux dispatches activities to handlers by their Go type. The zero value is ready. Register before
// the first message; a Mux is safe for concurrent dispatch afterwards.
type Mux struct {
	typed map[reflect.Type]func(context.Context, as.Node, *Verified) error
	any   func(context.Context, as.Node, *Verified) error
}

// On registers the handler of one type of activity, such as *activitystreams.Follow. It panics if
// the handler is nil, T is not a pointer to a type of activity, or T has a handler already.
func On[T as.Node](m *Mux, h func(ctx context.Context, activity T, v *Verified) error) {
	typ := reflect.TypeFor[T]()
	if h == nil {
		panic(fmt.Sprintf("inbox: nil handler for %v", typ))
	}
	if typ.Kind() != reflect.Pointer {
		panic(fmt.Sprintf("inbox: handler for %v: the type must be a pointer to a type of activity; OnAny catches all", typ))
	}
	if _, ok := m.typed[typ]; ok {
		panic(fmt.Sprintf("inbox: second handler for %v", typ))
	}
	if m.typed == nil {
		m.typed = make(map[reflect.Type]func(context.Context, as.Node, *Verified) error)
	}
	m.typed[typ] = func(ctx context.Context, n as.Node, v *Verified) error { return h(ctx, n.(T), v) }
}

// OnAny registers the handler of activities that have none of their own. It panics if the handler is
// nil or there is one already.
func OnAny(m *Mux, h func(ctx context.Context, activity as.Node, v *Verified) error) {
	if h == nil {
		panic("inbox: nil catch-all handler")
	}
	if m.any != nil {
		panic("inbox: second catch-all handler")
	}
	m.any = h
}

// dispatch calls the handler of n, if there is one.
func (m *Mux) dispatch(ctx context.Context, n as.Node, v *Verified) error {
	if m == nil {
		return nil
	}
	if h, ok := m.typed[reflect.TypeOf(n)]; ok {
		return h(ctx, n, v)
	}
	if m.any != nil {
		return m.any(ctx, n, v)
	}
	return nil
}

type dropError struct {
	code string
	err  error
}

func (e *dropError) Error() string {
	if e.err == nil {
		return "inbox: dropped (" + e.code + ")"
	}
	return fmt.Sprintf("inbox: dropped (%s): %v", e.code, e.err)
}

func (e *dropError) Unwrap() error { return e.err }

// Drop is the outcome "never again": what the handler wrote is rolled back, the receipt ends as
// dropped with err as its reason.
func Drop(err error) error { return &dropError{code: "handler.drop", err: err} }

// DropCode is Drop with a stable code of its own, such as "follow.unknown".
func DropCode(code string, err error) error { return &dropError{code: code, err: err} }

// dropped returns the code if err is the outcome of Drop.
func dropped(err error) (string, bool) {
	var d *dropError
	if errors.As(err, &d) {
		return d.code, true
	}
	return "", false
}

type retryError struct {
	delay time.Duration
	err   error
}

func (e *retryError) Error() string {
	return fmt.Sprintf("inbox: again in %v: %v", e.delay, e.err)
}

func (e *retryError) Unwrap() error { return e.err }

// RetryAfter is the outcome "again after d", for trouble that has nothing to do with the message.
// What the handler wrote is rolled back. Such attempts do not count against MaxAttempts, but a
// receipt older than MaxAge ends as dead.
func RetryAfter(d time.Duration, err error) error { return &retryError{delay: max(d, 0), err: err} }
