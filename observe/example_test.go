package observe_test

import (
	"context"
	"fmt"

	"github.com/gokith/kith/observe"
)

// counter counts outcomes, as an app with a metrics system of its own would.
type counter map[string]int

func (c counter) Begin(ctx context.Context, step observe.Step) (context.Context, func(observe.Outcome)) {
	return ctx, func(out observe.Outcome) { c[string(step)+" "+string(out.Result)]++ }
}

func Example() {
	seen := counter{} // kith.Config.Observer takes it
	_, end := observe.Begin(context.Background(), seen, observe.Deliver)
	end(observe.Outcome{Result: observe.Deferred, Code: "http.503", Peer: "https://remote.example", Attempt: 1})
	fmt.Println(seen)
	// Output: map[delivery.attempt deferred:1]
}
