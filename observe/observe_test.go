package observe_test

import (
	"context"
	"testing"

	"github.com/stretchr/testify/assert"

	"github.com/gokith/kith/observe"
)

// recorder notes what it is told.
type recorder struct {
	name string
	log  *[]string
}

type key struct{}

func (r recorder) Begin(ctx context.Context, step observe.Step) (context.Context, func(observe.Outcome)) {
	*r.log = append(*r.log, r.name+" begins "+string(step))
	path, _ := ctx.Value(key{}).(string)
	return context.WithValue(ctx, key{}, path+"/"+r.name), func(out observe.Outcome) {
		*r.log = append(*r.log, r.name+" ends "+string(out.Result))
	}
}

func TestNobodyWatches(t *testing.T) {
	ctx, end := observe.Begin(t.Context(), nil, observe.Receive)
	assert.Equal(t, t.Context(), ctx)
	end(observe.Outcome{Result: observe.OK})
	assert.Zero(t, testing.AllocsPerRun(100, func() {
		_, end := observe.Begin(ctx, nil, observe.Receive)
		end(observe.Outcome{Result: observe.OK})
	}), "who does not watch pays nothing")
}

func TestTeeNests(t *testing.T) {
	var log []string
	both := observe.Tee(recorder{"outer", &log}, recorder{"inner", &log})
	ctx, end := observe.Begin(t.Context(), both, observe.Handle)
	assert.Equal(t, "/outer/inner", ctx.Value(key{}))
	end(observe.Outcome{Result: observe.Deferred})
	assert.Equal(t, []string{"outer begins inbox.handle", "inner begins inbox.handle", "inner ends deferred", "outer ends deferred"}, log)
}

func TestNamesAreDistinct(t *testing.T) {
	steps, results := map[observe.Step]bool{}, map[observe.Result]bool{}
	for _, s := range observe.Steps() {
		steps[s] = true
	}
	for _, r := range observe.Results() {
		results[r] = true
	}
	assert.Len(t, steps, len(observe.Steps()))
	assert.Len(t, results, len(observe.Results()))
}
