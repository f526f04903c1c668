package kith_test

import (
	"context"
	"fmt"
	"net/http"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/gokith/kith"
	as "github.com/gokith/kith/activitystreams"
	"github.com/gokith/kith/fedtest"
	"github.com/gokith/kith/keyring"
)

// statuses counts the answers to POSTs at a host.
func statuses(n *fedtest.Network, host string) map[int]int {
	all := make(map[int]int)
	for _, x := range n.Log(host) {
		if x.Method == http.MethodPost {
			all[x.Status]++
		}
	}
	return all
}

// TestS115_RotationUnderLoad: while posts are being delivered, keys are rotated, with and without telling
// followers, and no delivery is refused.
func TestS115_RotationUnderLoad(t *testing.T) {
	rotations := map[string]func(t *testing.T, b *blog){
		"announced": func(t *testing.T, b *blog) {
			retired, err := b.RotateKeys(t.Context(), "blog")
			require.NoError(t, err)
			require.NotEmpty(t, retired)
		},
		"blind": func(t *testing.T, b *blog) { // by another process that says nothing
			ring := keyring.New(keyring.Config{Store: b.Store(), Names: b.Names()})
			defer ring.Close()
			row, err := b.Store().Actor(t.Context(), "blog")
			require.NoError(t, err)
			_, err = ring.Rotate(t.Context(), b.Store(), row)
			require.NoError(t, err)
		},
	}
	for name, rotate := range rotations {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				b := newBlog(t, kith.Config{Proofs: true})
				other := fedtest.NewServer(t, b.net, kith.Config{Origin: "https://other.example", Actors: []kith.Actor{{Key: "olga"}}})
				require.NoError(t, other.Social().Follow(t.Context(), "olga", b.ActorID("blog")))
				other.Settle(t)
				b.Settle(t)
				b.net.Fault("other.example", fedtest.Fault{Delay: 200 * time.Millisecond}) // so that much is on its way
				const posts = 120
				var wg sync.WaitGroup
				wg.Go(func() {
					for i := range posts {
						b.publish(t, fmt.Sprint("post-", i), "<p>Hello.</p>")
						time.Sleep(50 * time.Millisecond)
					}
				})
				time.Sleep(2 * time.Second)
				rotate(t, b)
				wg.Wait()
				time.Sleep(10 * time.Minute) // another one, when looks at the key are free again
				rotate(t, b)
				b.publish(t, "last", "<p>Goodbye.</p>")
				b.Settle(t)
				other.Settle(t)
				got := statuses(b.net, "other.example")
				require.Equal(t, got[http.StatusAccepted], sum(got), "%v", got)
				require.GreaterOrEqual(t, got[http.StatusAccepted], posts+2)
				looks := 0
				for _, x := range b.net.Log(fedtest.DefaultHost) {
					if x.Method == http.MethodGet && x.URL == string(b.ActorID("blog")) {
						looks++
					}
				}
				require.LessOrEqual(t, looks, 4, "keys are not fetched for every delivery")
			})
		})
	}
}

func sum(counts map[int]int) (n int) {
	for _, c := range counts {
		n += c
	}
	return n
}

// TestS115_ActorAfterRotation: old servers see one RSA key, the new one; the others are in
// assertionMethod, the old ones with their end, until that has come. Revoked ones are not shown.
func TestS115_ActorAfterRotation(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBlog(t, kith.Config{})
		alice := b.net.Peer("social.example").Actor("alice")
		fedtest.Deliver(t, b.Server, alice, alice.Follow(b.ActorID("blog")))
		shown := func() (rsa as.IRI, methods, ending []as.IRI) {
			a, ok := as.ActorOf(get(t, b.net, string(b.ActorID("blog"))))
			require.True(t, ok)
			require.Len(t, a.PublicKey, 1)
			for _, ref := range a.AssertionMethod {
				k, ok := as.As[*as.Multikey](ref)
				require.True(t, ok)
				if k.Expires.IsZero() {
					methods = append(methods, k.ID)
				} else {
					ending = append(ending, k.ID)
				}
			}
			return a.PublicKey.First().ID(), methods, ending
		}
		rsa, methods, ending := shown()
		require.Len(t, methods, 1)
		require.Empty(t, ending)
		retired, err := b.RotateKeys(t.Context(), "blog")
		require.NoError(t, err)
		require.ElementsMatch(t, append(methods, rsa), retired)
		next, methods, ending := shown()
		require.NotEqual(t, rsa, next)
		require.Len(t, methods, 1)
		require.ElementsMatch(t, retired, ending)
		b.Settle(t)
		updates := fedtest.Received[*as.Update](alice)
		require.Len(t, updates, 1)
		told, ok := as.ActorOf(updates[0].Object.First().Node())
		require.True(t, ok)
		require.Equal(t, next, told.PublicKey.First().ID())

		time.Sleep(keyring.Overlap + time.Second)
		_, _, ending = shown()
		require.Empty(t, ending)
		revoked, err := b.RevokeKeys(t.Context(), "blog")
		require.NoError(t, err)
		require.ElementsMatch(t, append(methods, next), revoked)
		_, methods, ending = shown()
		require.Len(t, methods, 1)
		require.Empty(t, ending)
		require.NotContains(t, revoked, methods[0])
	})
}

// TestS114_GoneActorsHaveNoKeys: deletion erases.
func TestS114_GoneActorsHaveNoKeys(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBlog(t, kith.Config{})
		require.NoError(t, b.PutActor(t.Context(), kith.Actor{Key: "blog", State: "gone"}))
		rows, err := b.Store().Keys(t.Context(), "blog")
		require.NoError(t, err)
		require.Empty(t, rows)
		_, err = b.RotateKeys(context.Background(), "nobody")
		require.Error(t, err)
	})
}
