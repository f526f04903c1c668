package deliverytest

import (
	"context"
	"fmt"
	"net/http"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/gokith/kith/audience"
	"github.com/gokith/kith/delivery"
	"github.com/gokith/kith/httpsig"
	"github.com/gokith/kith/keys"
)

// testHealthyPace compares how long the healthy hosts take to get some posts, once when all hosts are
// healthy, and once when a fifth is dead and a tenth slow: at most half as long again. The server has as many
// workers as by default, a core that signs with RSA for 2 ms, and remembers nothing about any host.
func testHealthyPace(e *env) {
	const hosts, posts, most = 600, 3, 1.5
	good := e.unit / 1200 // 50 ms
	reply := func(after time.Duration) script {
		return func(_ int, r *http.Request) (*http.Response, error) {
			select {
			case <-time.After(after):
				return answer(http.StatusAccepted), nil
			case <-r.Context().Done():
				return nil, r.Context().Err()
			}
		}
	}
	pace := func(name string, script func(i int) script) time.Duration {
		e := newEnv(e.T, e.options, e.unit)
		healthy := make(map[string]bool)
		for i := range hosts {
			host := fmt.Sprintf("h%03d.example", i)
			e.follower(host, "one")
			e.net.set(host, script(i))
			healthy[host] = i%10 > 2
		}
		core := make(chan struct{}, 1) // no mutex: virtual time stands still while one is waited for
		e.del = e.newDelivery(func(c *delivery.Config) {
			c.Signer = func(ctx context.Context, actor string, prefer keys.Algorithm) (*httpsig.Signer, error) {
				core <- struct{}{}
				defer func() { <-core }()
				time.Sleep(e.unit / 30_000) // 2 ms
				return e.signer(ctx, actor, prefer)
			}
		})
		e.work(e.del, 32)
		begin := time.Now()
		for i := range posts {
			e.publish(audience.Public(), e.note(fmt.Sprint("p", i)))
		}
		var last time.Time
		e.until(10, "the healthy hosts have all", func() bool {
			last = begin
			for host := range healthy {
				got := e.net.requests(host)
				switch {
				case !healthy[host]:
				case len(got) < posts:
					return false
				case got[posts-1].at.After(last):
					last = got[posts-1].at
				}
			}
			return true
		})
		e.stop()
		e.Logf("%s: the healthy hosts have all after %v", name, last.Sub(begin))
		return last.Sub(begin)
	}
	without := pace("all healthy", func(int) script { return reply(good) })
	with := pace("a fifth dead, a tenth slow", func(i int) script {
		switch i % 10 {
		case 0, 1:
			return blackHole
		case 2:
			return reply(e.unit / 6) // 10 s
		}
		return reply(good)
	})
	require.LessOrEqual(e, with.Seconds(), most*without.Seconds())
}
