package deliverytest

import (
	"net/http"
	"strings"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/gokith/kith/audience"
	"github.com/gokith/kith/delivery"
	"github.com/gokith/kith/httpsig"
	"github.com/gokith/kith/storage"
)

// only takes one signature form and answers the other with a status.
func only(scheme httpsig.Scheme, status int) script {
	return func(_ int, r *http.Request) (*http.Response, error) {
		if (r.Header.Get("Signature-Input") != "") == (scheme == httpsig.RFC9421) {
			return answer(202), nil
		}
		return answer(status), nil
	}
}

// testSignedPerAttempt delivers a day late; the network verifies each request as of its arrival.
func testSignedPerAttempt(e *env) {
	e.follower("a.example", "one")
	day := time.Now().Add(24 * time.Hour)
	e.net.set("a.example", func(int, *http.Request) (*http.Response, error) {
		if time.Now().Before(day) {
			return answer(401), nil
		}
		return answer(202), nil
	})
	e.start()
	e.publish(audience.Public(), e.note("one"))
	e.until(31*60, "delivered", func() bool { return e.fannedOut() && e.settled() })
	got := e.net.requests("a.example")
	seen := map[string]bool{}
	for _, r := range got {
		require.False(e, seen[r.header.Get("Signature")], "a signature is used once")
		seen[r.header.Get("Signature")] = true
		require.Equal(e, got[0].body, r.body, "the body stays the same")
	}
	require.Greater(e, len(got), 10)
}

func testForward(e *env) {
	e.start()
	body := []byte(`{ "@context":["https://www.w3.org/ns/activitystreams",{"x":"https://x.example/#"}],  "type":"Create","id":"https://far.example/c/1",` +
		`"actor":"https://far.example/u/bob","object":{"id":"https://far.example/n/1","type":"Note","x:odd":1.0,"content":"hi"},"proof":{"type":"DataIntegrityProof"}}`)
	r, err := e.out.Forward(e.ctx, "alice", body, "https://a.example/u/one")
	require.NoError(e, err)
	again, err := e.out.Forward(e.ctx, "alice", body, "https://a.example/u/one")
	require.NoError(e, err)
	require.True(e, again.Duplicate)
	require.Equal(e, r.Activity, again.Activity)
	e.until(5, "sent", func() bool { return e.net.total() == 1 && e.settled() })
	require.Equal(e, string(body), string(e.net.requests("a.example")[0].body), "byte for byte")
}

func testUserAgent(e *env) {
	e.follower("a.example", "one")
	e.start()
	e.publish(audience.Public(), e.note("one"))
	e.until(5, "sent", e.settled)
	h := e.net.requests("a.example")[0].header
	require.Equal(e, []string{"Suite/1.0 (+https://us.example/)"}, h["User-Agent"])
	require.Equal(e, []string{"application/activity+json"}, h["Content-Type"])
	d, err := delivery.New(delivery.Config{Store: e.store, Transport: e.net, Signer: e.signer})
	require.NoError(e, err)
	require.NotEmpty(e, d.UserAgent)
}

func testKnock(e *env) {
	for _, status := range []string{"400", "401", "403"} {
		host := "h" + status + ".example"
		e.follower(host, "one")
		code := map[string]int{"400": 400, "401": 401, "403": 403}[status]
		e.net.set(host, only(httpsig.RFC9421, code))
	}
	for host, status := range map[string]int{"ok.example": 202, "many.example": 429, "broken.example": 500} {
		e.follower(host, "one")
		e.net.set(host, always(status))
	}
	e.config.Limits.Backoff, e.config.Limits.MaxBackoff = 10_000*e.unit, 10_000*e.unit // no second try meanwhile
	e.start()
	e.publish(audience.Public(), e.note("one"))
	e.until(5, "all tried", func() bool {
		tried := 0
		for _, d := range e.deliveries(storage.DeliveryQuery{}) {
			tried += d.Attempts
		}
		return e.net.total() == 9 && tried == 6
	})
	for _, host := range []string{"h400.example", "h401.example", "h403.example"} {
		got := e.net.requests(host)
		require.Len(e, got, 2, "exactly one more request")
		require.Equal(e, httpsig.Cavage, got[0].scheme)
		require.Equal(e, httpsig.RFC9421, got[1].scheme)
		require.Equal(e, got[0].body, got[1].body)
		require.Equal(e, string(httpsig.RFC9421), e.host(host).Scheme)
	}
	for _, host := range []string{"ok.example", "many.example", "broken.example"} {
		require.Equal(e, 1, e.net.count(host), host)
	}
}

func testKnockNotFound(e *env) {
	e.follower("a.example", "one")
	e.net.set("a.example", only(httpsig.RFC9421, 404))
	e.start(func(c *delivery.Config) { c.Knock.NotFound = true })
	e.publish(audience.Public(), e.note("one"))
	e.until(5, "delivered", func() bool { return e.fannedOut() && e.settled() })
	require.Equal(e, storage.DeliveryDone, e.deliveries(storage.DeliveryQuery{})[0].State)
	require.Equal(e, 2, e.net.count("a.example"))
}

func testScheme(e *env) {
	e.follower("a.example", "one")
	e.net.set("a.example", only(httpsig.RFC9421, 401))
	e.start()
	schemes := func() (out []httpsig.Scheme) {
		for _, r := range e.net.requests("a.example") {
			out = append(out, r.scheme)
		}
		return out
	}
	send := func(slug string) {
		before := len(e.deliveries(storage.DeliveryQuery{}))
		e.publish(audience.Public(), e.note(slug))
		e.until(5, "delivered", func() bool { return len(e.deliveries(storage.DeliveryQuery{})) > before && e.settled() })
	}
	send("one")
	send("two")
	require.Equal(e, []httpsig.Scheme{httpsig.Cavage, httpsig.RFC9421, httpsig.RFC9421}, schemes(), "remembered")
	e.rest(8 * 24 * 60)
	send("three")
	require.Equal(e, []httpsig.Scheme{httpsig.Cavage, httpsig.RFC9421}, schemes()[3:], "the memory expires")
	e.net.set("a.example", only(httpsig.Cavage, 401))
	send("four")
	send("five")
	require.Equal(e, []httpsig.Scheme{httpsig.RFC9421, httpsig.Cavage, httpsig.Cavage}, schemes()[5:], "and follows the host back")
	require.Equal(e, string(httpsig.Cavage), e.host("a.example").Scheme, "a refusal is remembered like consent")

	// What it says it can do counts for less than its refusal, until that is forgotten.
	a := mustOrigin(e, "https://a.example")
	require.NoError(e, e.del.NoteInbound(e.ctx, a, httpsig.Capability{RFC9421: true}))
	require.NoError(e, e.del.NoteCapability(e.ctx, a, httpsig.Capability{RFC9421: true, Ed25519: true}))
	send("six")
	require.Equal(e, []httpsig.Scheme{httpsig.Cavage}, schemes()[8:])
	e.rest(8 * 24 * 60)
	e.net.set("a.example", always(202))
	require.NoError(e, e.del.NoteInbound(e.ctx, a, httpsig.Capability{RFC9421: true}))
	send("seven")
	require.Equal(e, []httpsig.Scheme{httpsig.RFC9421}, schemes()[9:], "what it showed is used at once")
	require.False(e, e.host("a.example").Ed25519)
	require.NoError(e, e.del.NoteCapability(e.ctx, a, httpsig.Capability{RFC9421: true, Ed25519: true}))
	require.True(e, e.host("a.example").Ed25519)
}

// testDowngrade meets a hostile peer that refuses everything and asks for less.
func testDowngrade(e *env) {
	e.follower("evil.example", "one")
	e.net.set("evil.example", func(int, *http.Request) (*http.Response, error) {
		return answer(401, "Accept-Signature", `sig1=("@method");created;keyid`, "WWW-Authenticate", "Basic"), nil
	})
	e.config.Limits.Backoff = e.unit / 10
	e.config.Limits.MaxBackoff = e.unit / 5
	e.start()
	e.publish(audience.Public(), e.note("one"))
	e.until(10, "several attempts", func() bool {
		d := e.deliveries(storage.DeliveryQuery{})
		return len(d) == 1 && d[0].Attempts >= 3
	})
	e.stop()
	attempts := e.deliveries(storage.DeliveryQuery{})[0].Attempts
	got := e.net.requests("evil.example")
	require.LessOrEqual(e, len(got), 3*(attempts+1))
	for _, r := range got {
		require.NotEmpty(e, r.scheme, "signed, and verified with the minimum that inboxes demand")
		covered := r.header.Get("Signature") + r.header.Get("Signature-Input")
		if r.scheme == httpsig.Cavage {
			require.Regexp(e, `headers="[^"]*\(request-target\) host date digest`, covered)
			require.NotEmpty(e, r.header.Get("Digest"))
		} else {
			require.Contains(e, covered, `"content-digest"`)
			require.Contains(e, covered, `"@target-uri"`)
			require.NotEmpty(e, r.header.Get("Content-Digest"))
		}
		require.Empty(e, r.header.Get("Authorization"))
	}
}

func testRedirect(e *env) {
	for _, status := range []int{301, 302, 303, 307, 308} {
		host := "r" + strings.Repeat("x", status-300) + ".example"
		e.follower(host, "one")
		e.net.set(host, always(status, "Location", "https://thief.example/inbox", "Set-Cookie", "a=b"))
	}
	e.start()
	e.publish(audience.Public(), e.note("one"))
	e.until(5, "all refused", func() bool { return e.net.total() == 5 && e.settled() })
	require.Zero(e, e.net.count("thief.example"))
	for _, d := range e.deliveries(storage.DeliveryQuery{}) {
		require.Equal(e, delivery.CodeRedirect, d.Code)
		require.Equal(e, 1, d.Attempts)
	}
}
