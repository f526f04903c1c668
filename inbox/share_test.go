package inbox

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	as "github.com/gokith/kith/activitystreams"
)

// TestS83_OneOriginCannotFillTheQueue: while messages pile up, a flooder gets its tenth and no more, and
// twenty good peers get in.
func TestS83_OneOriginCannotFillTheQueue(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		waiting := 0
		s := &share{limit: 1000, part: 0.1, pending: func(context.Context) (int, error) { return waiting, nil }}
		flood, accepted := as.IRI("https://flood.example/eve"), 0
		for range 5000 {
			if s.admit(t.Context(), flood) == nil {
				accepted++
				waiting++
			}
			time.Sleep(time.Millisecond)
		}
		require.Less(t, accepted, 3100, "held back as soon as the backlog is seen")
		time.Sleep(3 * time.Second)
		refused := s.admit(t.Context(), flood)
		require.NotNil(t, refused)
		require.Equal(t, 429, refused.Status)
		require.Positive(t, refused.RetryAfter)
		for i := range 20 {
			good := as.IRI("https://good" + string(rune('a'+i)) + ".example/x")
			for range 20 {
				require.Nil(t, s.admit(t.Context(), good))
			}
		}
		waiting = 0
		time.Sleep(shareWindow + time.Second)
		require.Nil(t, s.admit(t.Context(), flood), "when the queue is empty again all are welcome")
	})
}
