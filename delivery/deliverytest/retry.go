package deliverytest

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/stretchr/testify/require"

	as "github.com/gokith/kith/activitystreams"
	"github.com/gokith/kith/audience"
	"github.com/gokith/kith/delivery"
	"github.com/gokith/kith/origin"
	"github.com/gokith/kith/storage"
)

func mustOrigin(e *env, s string) origin.Origin {
	e.Helper()
	o, err := origin.Parse(s)
	require.NoError(e, err)
	return o
}

// nameObject lets scripts know what a request is about.
func nameObject(_ context.Context, d storage.Delivery, _ storage.Post) (http.Header, error) {
	return http.Header{"Test-Object": {string(d.Chain)}}, nil
}

// testStatusTable checks the end of security §5.3's table, with the number of requests it takes: one
// attempt knocks twice on 400, 401 and 403.
func testStatusTable(e *env) {
	failure := func(err error) script {
		return func(int, *http.Request) (*http.Response, error) { return nil, err }
	}
	cases := []struct {
		name     string
		script   script
		state    storage.DeliveryState
		requests int
		code     string
	}{
		{"200", always(200), storage.DeliveryDone, 1, ""},
		{"202", always(202), storage.DeliveryDone, 1, ""},
		{"204", always(204), storage.DeliveryDone, 1, ""},
		{"301", always(301, "Location", "https://other.example/"), storage.DeliveryRefused, 1, delivery.CodeRedirect},
		{"308", always(308, "Location", "https://other.example/"), storage.DeliveryRefused, 1, delivery.CodeRedirect},
		{"400", always(400), storage.DeliveryRefused, 2, "http.400"},
		{"401", always(401), storage.DeliveryPending, 2, "http.401"},
		{"402", always(402), storage.DeliveryRefused, 1, "http.402"},
		{"403", always(403), storage.DeliveryRefused, 2, "http.403"},
		{"404", always(404), storage.DeliveryRefused, 1, "http.404"},
		{"405", always(405), storage.DeliveryRefused, 1, "http.405"},
		{"406", always(406), storage.DeliveryRefused, 1, "http.406"},
		{"408", always(408), storage.DeliveryPending, 1, "http.408"},
		{"410", always(410), storage.DeliveryRefused, 1, "http.410"},
		{"413", always(413), storage.DeliveryRefused, 1, "http.413"},
		{"415", always(415), storage.DeliveryRefused, 1, "http.415"},
		{"422", always(422), storage.DeliveryRefused, 1, "http.422"},
		{"425", always(425), storage.DeliveryPending, 1, "http.425"},
		{"429", always(429), storage.DeliveryPending, 1, "http.429"},
		{"500", always(500), storage.DeliveryPending, 1, "http.500"},
		{"501", always(501), storage.DeliveryRefused, 1, "http.501"},
		{"502", always(502), storage.DeliveryPending, 1, "http.502"},
		{"503", always(503), storage.DeliveryPending, 1, "http.503"},
		{"504", always(504), storage.DeliveryPending, 1, "http.504"},
		{"timeout", blackHole, storage.DeliveryPending, 1, delivery.CodeTimeout},
		{"dns", failure(&net.DNSError{Err: "no such host", IsNotFound: true}), storage.DeliveryPending, 1, delivery.CodeDNS},
		{"other", failure(errors.New("odd")), storage.DeliveryPending, 1, delivery.CodeNetwork},
		{"401then202", inTurn(401, 202), storage.DeliveryDone, 2, ""},
		{"401then403", inTurn(401, 403), storage.DeliveryPending, 2, "http.403"},
		{"403then500", inTurn(403, 500), storage.DeliveryPending, 2, "http.500"},
	}
	for _, c := range cases {
		host := "h" + c.name + ".example"
		e.net.set(host, c.script)
		e.follower(host, "one")
	}
	e.config.Limits.Backoff = 10000 * e.unit // one attempt is all that this looks at
	e.config.Limits.MaxBackoff = 20000 * e.unit
	e.start()
	e.publish(audience.Public(), e.note("one"))
	e.until(20, "one attempt each", func() bool {
		n := 0
		for _, d := range e.deliveries(storage.DeliveryQuery{}) {
			n += min(d.Attempts, 1)
		}
		return n == len(cases)
	})
	for _, c := range cases {
		host := "h" + c.name + ".example"
		d := e.deliveries(storage.DeliveryQuery{Host: "https://" + host})
		require.Len(e, d, 1, c.name)
		require.Equal(e, c.state, d[0].State, c.name)
		require.Equal(e, c.code, d[0].Code, c.name)
		require.Equal(e, 1, d[0].Attempts, c.name)
		require.Equal(e, c.requests, e.net.count(host), c.name)
	}
	require.Zero(e, e.net.count("other.example"))
}

// testWeekOfRetries watches a host that fails for ever. Its deliveries are tried for five days and
// twelve times, further and further apart, and then given up and told.
func testWeekOfRetries(e *env) {
	e.net.set("down.example", always(503))
	e.net.set("key.example", always(401)) // alive, so that no breaker rations the attempts
	e.follower("down.example", "one")
	e.follower("key.example", "one")
	e.start()
	e.publish(audience.Public(), e.note("one"))
	begin := time.Now()
	e.rest(2 * 24 * 60)
	require.Equal(e, 2, e.pending(), "nobody gives up after two days")
	e.rest(5.5 * 24 * 60)
	require.Zero(e, e.pending())
	for _, d := range e.deliveries(storage.DeliveryQuery{}) {
		require.Equal(e, storage.DeliveryExpired, d.State, d.Host)
		require.GreaterOrEqual(e, d.Attempts, 12, d.Host)
		require.GreaterOrEqual(e, d.Updated.Sub(d.Created), 7200*e.unit, d.Host)
	}
	require.Len(e, e.gaveUp(), 2)
	attempts := e.net.requests("key.example")
	require.Zero(e, len(attempts)%2)
	require.Less(e, len(attempts), 2*150, "no hammering")
	for i := 2; i < len(attempts); i += 2 {
		gap := attempts[i].at.Sub(attempts[i-1].at)
		most := min(e.unit<<min(i/2-1, 20), 360*e.unit)
		require.LessOrEqual(e, gap, most+e.unit, "attempt %d", i/2)
	}
	require.Less(e, attempts[len(attempts)-1].at.Sub(begin), 7200*e.unit+361*e.unit)
	before := e.net.total()
	e.rest(7 * 24 * 60)
	require.Equal(e, before, e.net.total(), "nothing is sent after giving up")
}

func testRetryAfter(e *env) {
	sixHours := 6 * time.Hour
	cases := map[string]struct {
		value      string
		rate       string
		least, max time.Duration
	}{
		"sec":    {value: "600", least: 10 * time.Minute, max: 12 * time.Minute},
		"date":   {value: time.Now().Add(30 * time.Minute).UTC().Format(http.TimeFormat), least: 29 * time.Minute, max: 32 * time.Minute},
		"long":   {value: "864000", least: sixHours, max: sixHours + 2*time.Minute},
		"huge":   {value: "99999999999999999", least: sixHours, max: sixHours + 2*time.Minute},
		"absurd": {value: "-5; soon", least: 30 * time.Second, max: 3 * time.Minute},
		"reset":  {rate: strconv.FormatInt(time.Now().Add(20*time.Minute).Unix(), 10), least: 19 * time.Minute, max: 22 * time.Minute},
		"iso":    {rate: time.Now().Add(20 * time.Minute).UTC().Format(time.RFC3339), least: 19 * time.Minute, max: 22 * time.Minute},
	}
	for name, c := range cases {
		e.follower(name+".example", "one")
		e.net.set(name+".example", func(n int, _ *http.Request) (*http.Response, error) {
			if n == 1 {
				return answer(429, "Retry-After", c.value, "X-RateLimit-Reset", c.rate), nil
			}
			return answer(202), nil
		})
	}
	e.start()
	e.publish(audience.Public(), e.note("one"))
	e.until(5, "first answers", func() bool { return e.net.total() == len(cases) })
	e.publish(audience.Public(), e.note("two")) // the host is delayed, not only the delivery
	e.rest(8 * 60)
	for name, c := range cases {
		got := e.net.requests(name + ".example")
		require.Len(e, got, 3, name)
		gap := got[1].at.Sub(got[0].at)
		require.GreaterOrEqual(e, gap, c.least, name)
		require.LessOrEqual(e, gap, c.max, name)
	}
	require.Empty(e, e.states(), "429 is no failure")
}

func testGone(e *env) {
	for _, status := range []int{404, 410} {
		host := fmt.Sprintf("h%d.example", status)
		e.net.set(host, func(n int, r *http.Request) (*http.Response, error) {
			if r.URL.Path == "/u/gone/inbox" {
				return answer(status), nil
			}
			return answer(202), nil
		})
		_, err := e.store.PutEdge(e.ctx, storage.Edge{Kind: storage.Follow, Subject: as.IRI("https://" + host + "/u/gone"), Object: e.alice,
			State: storage.EdgeActive, Inbox: as.IRI("https://" + host + "/u/gone/inbox")})
		require.NoError(e, err)
		e.follower(host, "well")
	}
	e.start()
	e.publish(audience.Public(), e.note("one"))
	e.until(5, "all answered", func() bool { return e.net.total() == 4 && e.settled() && len(e.gaveUp()) == 2 })
	require.Len(e, e.gone(), 2)
	for _, d := range e.gone() {
		require.Contains(e, string(d.Recipient), "/u/gone")
		require.Zero(e, e.host(d.Host[len("https://"):]).Failures)
	}
	require.Len(e, e.gaveUp(), 2)
	require.Empty(e, e.states())
}

func testDeadBacklog(e *env) {
	e.net.set("dead.example", blackHole)
	e.follower("dead.example", "one")
	e.start()
	for i := range 60 {
		e.publish(audience.Public(), e.note(fmt.Sprint("p", i)))
	}
	e.rest(24 * 60)
	require.Equal(e, 60, e.pending(), "they wait")
	require.Less(e, e.net.count("dead.example"), 60, "and spend no attempts: the breaker lets probes through only")
	e.rest(7 * 24 * 60)
	require.Zero(e, e.pending())
	require.Len(e, e.gaveUp(), 60)
	for _, d := range e.deliveries(storage.DeliveryQuery{}) {
		require.Equal(e, storage.DeliveryExpired, d.State)
		require.NotEmpty(e, d.Code)
		require.GreaterOrEqual(e, d.Updated.Sub(d.Created), 7200*e.unit)
	}
}

// testRetryByHand heals two hours of 403 from a wrong key with one call.
func testRetryByHand(e *env) {
	for i := range 5 {
		host := fmt.Sprintf("h%d.example", i)
		e.follower(host, "one")
		e.net.set(host, always(403))
	}
	e.start()
	e.publish(audience.Public(), e.note("one"))
	e.publish(audience.Public(), e.note("two"))
	e.until(5, "all refused", func() bool {
		return e.fannedOut() && len(e.deliveries(storage.DeliveryQuery{State: storage.DeliveryRefused})) == 10
	})
	require.Equal(e, "Forbidden", e.deliveries(storage.DeliveryQuery{Limit: 1})[0].Excerpt)
	for i := range 5 {
		e.net.set(fmt.Sprintf("h%d.example", i), always(202))
	}
	n, err := e.del.Retry(e.ctx, storage.DeliveryQuery{State: storage.DeliveryRefused})
	require.NoError(e, err)
	require.Equal(e, 10, n)
	e.until(5, "all delivered", func() bool { return len(e.deliveries(storage.DeliveryQuery{State: storage.DeliveryDone})) == 10 })
}

// testRetryInOrder refuses what is published first, and takes what is said about it later.
func testRetryInOrder(e *env) {
	refuse := func(objects ...string) {
		e.net.set("a.example", func(_ int, r *http.Request) (*http.Response, error) {
			for _, name := range objects {
				if strings.HasSuffix(r.Header.Get("Test-Object"), name) {
					return answer(http.StatusForbidden), nil
				}
			}
			return answer(http.StatusAccepted), nil
		})
	}
	e.follower("a.example", "one")
	e.config.Headers = nameObject
	refuse("/gone", "/better", "/left")
	e.start()
	for _, name := range []string{"gone", "better", "left"} {
		e.publish(audience.Public(), e.note(name))
	}
	refusedState := storage.DeliveryQuery{State: storage.DeliveryRefused}
	e.until(5, "all refused", func() bool { return len(e.deliveries(refusedState)) == 3 && e.settled() })
	refuse()
	_, err := e.out.Delete(e.ctx, "alice", e.note("gone").ID)
	require.NoError(e, err)
	better := e.note("better")
	better.Content = as.HTML("<p>changed</p>")
	_, err = e.out.Update(e.ctx, "alice", nil, better)
	require.NoError(e, err)
	e.until(5, "the Update is sent, the Delete to those who got the Create", func() bool {
		return e.fannedOut() && e.settled() && len(e.deliveries(storage.DeliveryQuery{State: storage.DeliveryDone})) == 1
	})

	n, err := e.del.Retry(e.ctx, storage.DeliveryQuery{Host: "https://a.example", Verbs: []string{"Create"}})
	require.NoError(e, err)
	require.Equal(e, 1, n, "neither what was deleted nor what an Update overtook")
	e.until(5, "the third is delivered", e.settled)
	done := map[string]bool{}
	for _, d := range e.deliveries(storage.DeliveryQuery{State: storage.DeliveryDone}) {
		done[d.Verb+" "+string(d.Chain)] = true
	}
	require.Equal(e, map[string]bool{"Update " + string(better.ID): true, "Create " + string(e.note("left").ID): true}, done)
}
