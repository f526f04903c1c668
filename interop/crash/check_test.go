//go:build unix

package crash

import (
	"encoding/json"
	"net/http"
	"strings"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	as "github.com/gokith/kith/activitystreams"
	"github.com/gokith/kith/storage"
)

// check compares what was acknowledged with what happened, in both directions.
func (f *fight) check() {
	f.t.Helper()
	ground, err := f.set.Place.open(f.t.Context())
	require.NoError(f.t, err)
	defer func() { require.NoError(f.t, ground.close()) }()
	posts := f.checkEffects(ground)
	f.checkArrivals(posts)
	f.checkRepeats(ground)
	f.world.mu.Lock()
	defer f.world.mu.Unlock()
	assert.Empty(f.t, f.world.strange, "requests that have no business to be made")
}

// checkEffects compares acknowledged messages with effects, and returns the ids of all posts that must
// exist.
func (f *fight) checkEffects(ground *ground) map[string]bool {
	f.t.Helper()
	effects, err := ground.effects(f.t.Context())
	require.NoError(f.t, err)
	posts := make(map[string]bool)
	lost, twice := 0, 0
	for id, acknowledged := range f.sent {
		assert.True(f.t, acknowledged, "%s was never acknowledged", id)
		switch n := effects[effectKey(string(id), "")]; {
		case n == 0:
			lost++
			assert.Fail(f.t, "lost", "%s was acknowledged and had no effect", id)
		case n > 1:
			twice++
			assert.Fail(f.t, "twice", "%s had %d effects", id, n)
		}
		delete(effects, effectKey(string(id), ""))
		if !f.follows[id] && answered(id) {
			posts[string(postID(f.set.Addr, "re-"+digits(id)))] = true
		}
	}
	assert.Empty(f.t, effects, "effects of nothing that was sent")
	for slug, acknowledged := range f.published {
		assert.True(f.t, acknowledged, "%s was never acknowledged", slug)
		posts[string(postID(f.set.Addr, slug))] = true
	}
	f.t.Logf("%d messages acknowledged: %d lost, %d with effects twice; %d posts", len(f.sent), lost, twice, len(posts))
	return posts
}

// checkArrivals compares the posts with what arrived: each once at least in every inbox, under one id,
// and nothing else.
func (f *fight) checkArrivals(posts map[string]bool) {
	f.t.Helper()
	got := make(map[arrival]int) // without the activity's id
	ids := make(map[string]string)
	accepted := make(map[string]bool)
	total := 0
	for _, a := range f.world.arrived() {
		total++
		switch {
		case a.kind == "Accept" && f.follows[as.IRI(a.object)]:
			accepted[a.object] = true
			assert.Contains(f.t, a.inbox, "/users/", "an answer for one")
		case a.kind == "Create" && posts[a.object]:
			if first, ok := ids[a.object]; ok {
				assert.Equal(f.t, first, a.activity, "two activities for %s", a.object)
			}
			ids[a.object] = a.activity
			a.activity = ""
			got[a]++
		default:
			assert.Fail(f.t, "something that nobody owed arrived", "%+v", a)
		}
	}
	assert.Len(f.t, accepted, len(f.follows), "answers to follows")
	missing := 0
	for id := range posts {
		for inbox := range f.world.inboxes() {
			if got[arrival{inbox: inbox, kind: "Create", object: id}] == 0 {
				missing++
				assert.Fail(f.t, "lost", "%s never arrived at %s", id, inbox)
			}
		}
	}
	owed := len(posts)*len(f.world.inboxes()) + len(f.follows)
	f.t.Logf("%d deliveries owed: %d missing; %d arrived", owed, missing, total)
}

// checkRepeats allows one more arrival of a delivery for each kill that hit it while it was leased, and
// none else.
func (f *fight) checkRepeats(ground *ground) {
	f.t.Helper()
	type pair struct{ activity, inbox string }
	arrived := make(map[pair]int)
	for _, a := range f.world.arrived() {
		arrived[pair{a.activity, a.inbox}]++
	}
	activities := make(map[int64]string)
	repeats, cuts := 0, 0
	for d, err := range ground.store.Deliveries(f.t.Context(), storage.DeliveryQuery{}) {
		require.NoError(f.t, err)
		if _, ok := f.edited[strings.TrimPrefix(string(d.Chain), string(postID(f.set.Addr, "")))]; ok {
			continue // checkEdits looks at them
		}
		assert.Equal(f.t, storage.DeliveryDone, d.State, "delivery %d to %s", d.ID, d.Inbox)
		if _, ok := activities[d.Post]; !ok {
			p, err := ground.store.Post(f.t.Context(), d.Post)
			require.NoError(f.t, err)
			activities[d.Post] = string(p.Activity)
		}
		n := arrived[pair{activities[d.Post], string(d.Inbox)}]
		assert.LessOrEqual(f.t, n, 1+f.outages+len(f.lost[d.ID]), "arrivals of delivery %d, which %d kills hit in flight", d.ID, len(f.lost[d.ID]))
		repeats += n - 1
		cuts += len(f.lost[d.ID])
	}
	f.t.Logf("%d deliveries cut off in flight, %d arrived again", cuts, repeats)
}

func (f *fight) stats() (s storage.Stats, err error) {
	resp, err := http.Get(f.url("/control/stats"))
	if err != nil {
		return s, err
	}
	defer resp.Body.Close()
	return s, json.NewDecoder(resp.Body).Decode(&s)
}
