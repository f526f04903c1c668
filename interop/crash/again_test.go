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

	as "github.com/gokith/kith/activitystreams"
)

// TestR6_Duplicates sends each message twenty times at once over personal and shared inboxes, and all of
// them again after a restart: each takes effect once, and for those that name nobody, once for each
// actor whose inbox they came to.
func TestR6_Duplicates(t *testing.T) {
	t.Parallel()
	engines(t, func(t *testing.T, at place) {
		f := newFight(t, at)
		f.set.Lease *= 60 // nobody is killed
		p := launch(t, f.set)
		author, reader := f.personal(), as.IRI(f.url("/ap/actors/reader/inbox"))
		want := make(map[string]int)
		var salvo []func() bool
		for i := range 12 {
			a := f.world.actors[i%len(f.world.actors)]
			create := f.message(a, fmt.Sprint("named-", i))
			salvo = append(salvo, f.twenty(a, create, f.sharedInbox(), author, reader))
			// The author is named, the reader is not: to his inbox it is a message of its own.
			want[effectKey(string(create.ID), "")] = 1
			want[effectKey(string(create.ID), "reader")] = 1

			create = f.message(a, fmt.Sprint("unnamed-", i))
			create.To = as.IRIs(a.id + "/followers")
			note, _ := as.As[*as.Note](create.Object.First())
			note.To = create.To
			salvo = append(salvo, f.twenty(a, create, author, reader))
			want[effectKey(string(create.ID), "author")] = 1
			want[effectKey(string(create.ID), "reader")] = 1
		}
		for range 2 {
			fire(t, salvo)
			f.settle()
			code, _ := p.terminate()
			require.Zero(t, code)
			p = launch(t, f.set)
		}
		fire(t, salvo)
		p.kill() // what the last salvo repeated has no effect later either
		p = launch(t, f.set)
		f.settle()
		code, _ := p.terminate()
		require.Zero(t, code)
		ground, err := at.open(t.Context())
		require.NoError(t, err)
		defer func() { require.NoError(t, ground.close()) }()
		effects, err := ground.effects(t.Context())
		require.NoError(t, err)
		require.Equal(t, want, effects)
		require.Empty(t, f.world.strange)
	})
}

// twenty sends a message twenty times at once over the given inboxes. Each is answered 202, or 503 while
// another is being stored, and then 202 to the one that comes again.
func (f *fight) twenty(a *remote, n as.Node, inboxes ...as.IRI) func() bool {
	return func() bool {
		var wg sync.WaitGroup
		ok := make([]bool, 20)
		for i := range ok {
			wg.Go(func() {
				for deadline := time.Now().Add(patience); time.Now().Before(deadline); time.Sleep(10 * time.Millisecond) {
					switch status := a.post(inboxes[i%len(inboxes)], n); status {
					case http.StatusAccepted:
						ok[i] = true
						return
					case http.StatusServiceUnavailable:
					default:
						f.t.Errorf("answered %d", status)
						return
					}
				}
			})
		}
		wg.Wait()
		for _, ok := range ok {
			if !ok {
				return false
			}
		}
		return true
	}
}

// fire runs the salvo, four messages at a time.
func fire(t *testing.T, salvo []func() bool) {
	t.Helper()
	var wg sync.WaitGroup
	slots := make(chan struct{}, 4)
	for _, send := range salvo {
		wg.Go(func() {
			slots <- struct{}{}
			defer func() { <-slots }()
			assert.True(t, send(), "not all were acknowledged")
		})
	}
	wg.Wait()
}
