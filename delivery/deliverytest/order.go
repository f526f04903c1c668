package deliverytest

import (
	"time"

	"net/http"
	"strings"
	"sync/atomic"

	"github.com/stretchr/testify/require"

	as "github.com/gokith/kith/activitystreams"
	"github.com/gokith/kith/audience"
	"github.com/gokith/kith/outbox"
	"github.com/gokith/kith/storage"
)

func testCollapse(e *env) {
	e.follower("a.example", "one")
	e.follower("a.example", "two")
	two := e.follower("b.example", "one")
	_, err := e.store.PutEdge(e.ctx, storage.Edge{Kind: storage.Follow, Subject: "https://c.example/u/alone", Object: e.alice,
		State: storage.EdgeActive, Inbox: "https://c.example/u/alone/inbox"})
	require.NoError(e, err)
	_, err = e.store.PutEdge(e.ctx, storage.Edge{Kind: storage.Follow, Subject: "https://us.example/ap/actors/bob", Object: e.alice,
		State: storage.EdgeActive, Inbox: "https://us.example/ap/actors/bob/inbox"})
	require.NoError(e, err)
	e.start()
	e.publish(audience.Public().Mention(two), e.note("one"))
	e.until(5, "everything sent", func() bool { return e.net.total() == 3 && e.settled() })
	require.Equal(e, "https://a.example/inbox", e.net.requests("a.example")[0].url)
	require.Equal(e, "https://b.example/inbox", e.net.requests("b.example")[0].url, "mentioned follower: still one POST")
	require.Equal(e, "https://c.example/u/alone/inbox", e.net.requests("c.example")[0].url)
	require.Zero(e, e.net.count("us.example"), "own host skipped")
}

func testForeignShared(e *env) {
	_, err := e.store.PutEdge(e.ctx, storage.Edge{Kind: storage.Follow, Subject: "https://evil.example/u/x", Object: e.alice, State: storage.EdgeActive,
		Inbox: "https://evil.example/u/x/inbox", SharedInbox: "https://victim.example/inbox"})
	require.NoError(e, err)
	e.start()
	e.publish(audience.Public(), e.note("one"))
	e.until(5, "everything sent", func() bool { return e.net.total() == 1 && e.settled() })
	require.Zero(e, e.net.count("victim.example"))
	require.Equal(e, 1, e.net.count("evil.example"))
}

// testOrder lets a host fail while one object is created, changed and deleted and another created:
// what it gets in the end is in order for each, and a failing object does not hold up the other.
func testOrder(e *env) {
	e.follower("a.example", "one")
	var sick atomic.Bool
	sick.Store(true)
	e.net.set("a.example", func(_ int, r *http.Request) (*http.Response, error) {
		if sick.Load() && strings.Contains(r.Header.Get("Test-Object"), "/posts/sick") {
			return answer(http.StatusUnauthorized), nil
		}
		return answer(http.StatusAccepted), nil
	})
	e.config.Headers = nameObject
	e.start()
	e.publish(audience.Public(), e.note("sick"))
	e.until(5, "first attempt", func() bool { return e.net.count("a.example") >= 2 })
	changed := e.note("sick")
	changed.Content = as.HTML("<p>better</p>")
	_, err := e.out.Update(e.ctx, "alice", nil, changed)
	require.NoError(e, err)
	e.publish(audience.Public(), e.note("well"))
	e.until(5, "the other object passes", func() bool { return has(e.net.verbs("a.example"), "Create", "/posts/well", e) })
	for _, r := range e.net.requests("a.example") {
		require.NotEqual(e, "Update", r.verb, "an Update must not overtake its Create")
	}
	sick.Store(false)
	e.until(60, "the rest follows", e.settled)
	_, err = e.out.Delete(e.ctx, "alice", e.note("sick").ID)
	require.NoError(e, err)
	e.until(5, "deleted", func() bool {
		verbs := e.net.verbs("a.example")
		return verbs[len(verbs)-1] == "Delete" && e.settled()
	})
	var order []string
	for _, d := range e.deliveries(storage.DeliveryQuery{Chain: e.note("sick").ID}) {
		require.Equal(e, storage.DeliveryDone, d.State)
		order = append(order, d.Verb)
	}
	require.Equal(e, []string{"Create", "Update", "Delete"}, order)
}

func has(verbs []string, verb, object string, e *env) bool {
	for i, r := range e.net.requests("a.example") {
		if i < len(verbs) && r.verb == verb && strings.Contains(string(r.body), object) {
			return true
		}
	}
	return false
}

func testWithdraw(e *env) {
	e.follower("a.example", "one")
	e.follower("b.example", "one")
	d := e.newDelivery()
	require.NoError(e, d.Pause(e.ctx, mustOrigin(e, "https://a.example")))
	e.del = d
	e.work(d, 4)
	r := e.publish(audience.Public(), e.note("one"))
	e.until(5, "b has it", func() bool { return e.net.count("b.example") == 1 && e.fannedOut() })
	_, err := e.out.Delete(e.ctx, "alice", r.Object)
	require.NoError(e, err)
	e.until(5, "b forgets it", func() bool { return e.net.count("b.example") == 2 && e.settled() })
	require.NoError(e, d.Resume(e.ctx, mustOrigin(e, "https://a.example")))
	e.rest(1)
	require.Zero(e, e.net.count("a.example"), "a never hears of it")
	require.Equal(e, []string{"Create", "Delete"}, e.net.verbs("b.example"))
	withdrawn := e.deliveries(storage.DeliveryQuery{Host: "https://a.example"})
	require.Len(e, withdrawn, 1)
	require.Equal(e, storage.DeliveryCanceled, withdrawn[0].State)
	require.Equal(e, outbox.CodeDeleted, withdrawn[0].Code)

	again, err := e.out.Delete(e.ctx, "alice", r.Object)
	require.NoError(e, err)
	require.True(e, again.Duplicate)
	_, err = e.out.Publish(e.ctx, "alice", audience.Public(), e.note("one"))
	require.ErrorIs(e, err, outbox.ErrConflict, "a deleted id stays deleted")
}

// testDeleteAfterDeath deletes what a process may have sent that died before it could say so.
func testDeleteAfterDeath(e *env) {
	e.follower("a.example", "one")
	d := e.newDelivery()
	require.NoError(e, d.Pause(e.ctx, mustOrigin(e, "https://a.example")))
	e.del = d
	e.work(d, 4)
	r := e.publish(audience.Public(), e.note("one"))
	e.until(5, "fanned out", e.fannedOut)
	dead, err := e.store.LeaseDeliveries(e.ctx, "https://a.example", 10, time.Now(), e.unit/2)
	require.NoError(e, err)
	require.Len(e, dead, 1)
	e.rest(1)
	_, err = e.out.Delete(e.ctx, "alice", r.Object)
	require.NoError(e, err)
	require.NoError(e, d.Resume(e.ctx, mustOrigin(e, "https://a.example")))
	e.until(10, "a hears of the deletion", func() bool { return e.net.count("a.example") == 1 && e.settled() })
	require.Equal(e, []string{"Delete"}, e.net.verbs("a.example"))
}

// testDeleteReach deletes after a follower left, another came, and a stranger boosted.
func testDeleteReach(e *env) {
	left := e.follower("left.example", "one")
	e.start()
	r := e.publish(audience.Public(), e.note("one"))
	e.until(5, "sent", func() bool { return e.net.total() == 1 && e.settled() })
	_, err := e.store.DeleteEdge(e.ctx, storage.Follow, left, e.alice)
	require.NoError(e, err)
	e.follower("came.example", "one")
	_, err = e.store.PutEdge(e.ctx, storage.Edge{Kind: storage.Announce, Subject: "https://boost.example/u/one", Object: r.Object, State: storage.EdgeActive})
	require.NoError(e, err)
	_, err = e.out.Delete(e.ctx, "alice", r.Object)
	require.NoError(e, err)
	e.until(5, "deleted everywhere", func() bool { return e.net.total() == 4 && e.settled() })
	for _, host := range []string{"left.example", "came.example", "boost.example"} {
		verbs := e.net.verbs(host)
		require.Equal(e, "Delete", verbs[len(verbs)-1], host)
	}
}

func testSupersede(e *env) {
	e.follower("a.example", "one")
	e.start()
	e.publish(audience.Public(), e.note("one"))
	e.until(5, "sent", func() bool { return e.net.total() == 1 && e.settled() })
	require.NoError(e, e.del.Pause(e.ctx, mustOrigin(e, "https://a.example")))
	ids := map[as.IRI]bool{}
	for _, text := range []string{"v1", "v2", "v3"} {
		n := e.note("one")
		n.Content = as.HTML(text)
		r, err := e.out.Update(e.ctx, "alice", nil, n)
		require.NoError(e, err)
		require.False(e, ids[r.Activity], "Update ids never repeat (I-83)")
		ids[r.Activity] = true
		e.until(5, "fanned out", e.fannedOut)
	}
	require.Equal(e, 1, e.pending(), "only the newest waits")
	require.NoError(e, e.del.Resume(e.ctx, mustOrigin(e, "https://a.example")))
	e.until(5, "sent", e.settled)
	require.Equal(e, []string{"Create", "Update"}, e.net.verbs("a.example"))
	require.Contains(e, string(e.net.requests("a.example")[1].body), "v3")
}
