package crash

import (
	"log/slog"
	"path/filepath"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/gokith/kith"
	as "github.com/gokith/kith/activitystreams"
	"github.com/gokith/kith/fedtest"
	"github.com/gokith/kith/internal/sharedtest"
	"github.com/gokith/kith/sqlite"
)

// TestS94_ClockSteps stops a server that has work for later, and starts it again on the same database with
// a wall clock that is an hour or a day behind or ahead: what is new goes out at once, what waited is sent,
// once, no later than the step and the longest pause of a delivery, and nothing is tried in a tight loop.
// (A step while a process runs moves none of its timers, which Go keeps by the monotonic clock.)
func TestS94_ClockSteps(t *testing.T) {
	t.Parallel()
	const begin = 48 * time.Hour
	steps := []time.Duration{-time.Hour, time.Hour, 24 * time.Hour}
	if sharedtest.Long() {
		steps = append(steps, -24*time.Hour) // a day of looks for jobs
	}
	for _, step := range steps {
		t.Run(step.String(), func(t *testing.T) {
			t.Parallel()
			path := filepath.Join(t.TempDir(), "kith.db")
			live := func(clock time.Duration, f func(*testing.T, *fedtest.Network, *fedtest.Server)) {
				synctest.Test(t, func(t *testing.T) {
					time.Sleep(clock) // a bubble's clock begins at a fixed time
					store, err := sqlite.Open(path)
					require.NoError(t, err)
					t.Cleanup(func() { require.NoError(t, store.Close()) })
					n := fedtest.NewNetwork(t)
					f(t, n, fedtest.NewServer(t, n, kith.Config{Store: store, Actors: []kith.Actor{{Key: "blog"}}, Logger: slog.New(slog.DiscardHandler)}))
				})
			}
			publish := func(t *testing.T, srv *fedtest.Server) {
				_, err := srv.Publish(t.Context(), "blog", kith.Public(), &as.Note{Content: as.HTML("<p>Hello.</p>")})
				require.NoError(t, err)
			}
			live(begin, func(t *testing.T, n *fedtest.Network, srv *fedtest.Server) {
				for _, host := range []string{"well.example", "ill.example"} {
					a := n.Peer(host).Actor("ana")
					fedtest.Deliver(t, srv, a, a.Follow(srv.ActorID("blog")))
				}
				n.Fault("ill.example", fedtest.Fault{Down: true})
				publish(t, srv)
				time.Sleep(30 * time.Minute)
			})
			live(begin+30*time.Minute+step, func(t *testing.T, n *fedtest.Network, srv *fedtest.Server) {
				well, ill := n.Peer("well.example").Actor("ana"), n.Peer("ill.example").Actor("ana")
				publish(t, srv)
				time.Sleep(5 * time.Minute)
				require.Len(t, fedtest.Received[*as.Create](well), 1, "what is new goes out")
				time.Sleep(max(-step, 0) + 75*time.Minute)
				require.Len(t, fedtest.Received[*as.Create](ill), 2, "what waited, and what is new")
				require.Less(t, len(n.Log("ill.example")), 20, "no tight loop")
				require.Len(t, fedtest.Received[*as.Create](well), 1)
			})
		})
	}
}
