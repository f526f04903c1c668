//go:build unix

package crash

import (
	"fmt"
	"net/http"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/gokith/kith/httpsig"
)

// TestS14_NoncesOnceAmongProcesses sends each request that bears a nonce of one process to two at once, many
// times, and once more after a restart: it is good once, wherever it comes first. A nonce of the killed
// process is good at the other.
func TestS14_NoncesOnceAmongProcesses(t *testing.T) {
	t.Parallel()
	engines(t, func(t *testing.T, at place) {
		f := newFight(t, at)
		f.set.Challenges, f.set.Lease, f.set.Locks = true, time.Minute, time.Hour
		sets := []settings{f.set, f.set}
		sets[1].Origin, sets[1].Addr = f.set.Addr, freeAddr(t)
		ps := []*process{launch(t, sets[0]), launch(t, sets[1])}
		a := f.world.actors[0]
		serial := 0
		// challenged asks a process for a nonce, and returns what makes a request signed with it anew.
		challenged := func(i int) (send func(process int) int) {
			serial++
			create := f.message(a, fmt.Sprint("nonce-", serial))
			knock := httpsig.FirstKnock(httpsig.SignOptions{Scheme: httpsig.RFC9421})
			req, err := a.request(f.sharedInbox(), create, knock.Options)
			require.NoError(t, err)
			resp, err := through(sets[i].Addr).Do(req)
			require.NoError(t, err)
			require.NoError(t, resp.Body.Close())
			require.Equal(t, http.StatusUnauthorized, resp.StatusCode)
			knock, ok := knock.Next(a.signer(), resp.StatusCode, resp.Header, httpsig.KnockPolicy{})
			require.True(t, ok)
			require.NotEmpty(t, knock.Options.Nonce)
			signed, err := a.request(f.sharedInbox(), create, knock.Options)
			require.NoError(t, err)
			return func(i int) int {
				req := signed.Clone(t.Context())
				body, err := signed.GetBody()
				if err != nil {
					t.Error(err)
					return -1
				}
				req.Body = body
				resp, err := through(sets[i].Addr).Do(req)
				if err != nil {
					t.Error(err)
					return -1
				}
				_ = resp.Body.Close()
				return resp.StatusCode
			}
		}
		var used []func(int) int
		for round := range 10 {
			send := challenged(round % 2)
			var wg sync.WaitGroup
			var got [12]int
			for i := range got {
				wg.Go(func() { got[i] = send(i % 2) })
			}
			wg.Wait()
			taken := 0
			for _, status := range got {
				if status == http.StatusAccepted {
					taken++
					continue
				}
				assert.Equal(t, http.StatusUnauthorized, status)
			}
			require.Equal(t, 1, taken, "%v", got)
			used = append(used, send)
		}
		f.settle() // so that the kill leaves nothing that waits for the end of a lease
		fresh := challenged(0)
		ps[0].kill()
		require.Equal(t, http.StatusAccepted, fresh(1), "any process takes it")
		ps[0] = launch(t, sets[0])
		for i, send := range append(used, fresh) {
			require.Equal(t, http.StatusUnauthorized, send(i%2), "used before the restart")
		}
		f.settle()
		for _, p := range ps {
			code, _ := p.terminate()
			assert.Zero(t, code, tail(p.log))
		}
	})
}
