package social

import (
	"context"

	as "github.com/gokith/kith/activitystreams"
	"github.com/gokith/kith/followers"
	"github.com/gokith/kith/storage"
)

// counted keeps the sums of followers right (FEP-8fcf), in the transaction that changed a Follow from one
// state to another. Followers who are actors of ours are in no sum: nothing is delivered to them.
func (s *Social) counted(ctx context.Context, follower, actor as.IRI, was, is storage.EdgeState) error {
	added := is == storage.EdgeActive
	if added == (was == storage.EdgeActive) || s.Names.Local(follower) {
		return nil
	}
	return followers.Changed(ctx, s.Store, follower, actor, added)
}
