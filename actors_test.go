package kith_test

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"

	"github.com/stretchr/testify/require"

	"github.com/gokith/kith"
	as "github.com/gokith/kith/activitystreams"
	"github.com/gokith/kith/fedtest"
	"github.com/gokith/kith/storage"
	"github.com/gokith/kith/storage/memory"
)

// documents of a store that can fail.
type documents struct {
	objects
	fail error
}

type objects = storage.Objects

func (d *documents) PutObject(ctx context.Context, o storage.Object) (bool, error) {
	if d.fail != nil {
		return false, d.fail
	}
	return d.objects.PutObject(ctx, o)
}

// A changed profile and the news of it are stored together or not at all, so that trying again tells the
// followers (S-87, R-11).
func TestR11_ProfilesAndTheirNews(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		base := memory.New()
		broken := &documents{objects: base}
		b := newBlog(t, kith.Config{Store: storage.With(base, storage.Override{Objects: broken})})
		alice := b.net.Peer("social.example").Actor("alice")
		fedtest.Deliver(t, b.Server, alice, alice.Follow(b.ActorID("blog")))
		changed := kith.Actor{Key: "blog", Profile: &as.Person{Name: as.Plain("Ana & Ben")}}
		broken.fail = errors.New("the disk hiccuped")
		require.ErrorIs(t, b.PutActor(t.Context(), changed), broken.fail)
		broken.fail = nil
		require.NoError(t, b.PutActor(t.Context(), changed))
		b.Settle(t)
		require.Len(t, fedtest.Received[*as.Update](alice), 1)
	})
}
