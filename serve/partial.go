package serve

import (
	"context"
	"net/http"

	as "github.com/gokith/kith/activitystreams"
	"github.com/gokith/kith/followers"
	"github.com/gokith/kith/names"
	"github.com/gokith/kith/origin"
	"github.com/gokith/kith/storage"
)

// partial reports whether partial followers collections are served at all.
func (s *Server) partial() bool { return !s.NoPartialFollowers && s.Verifier != nil }

// partialFollowers answers with the actor's followers on the viewer's origin (FEP-8fcf): all of them on
// one page, as Mastodon gives them and, up to version 4.3, alone understands. They are known to the viewer's
// server anyway; of the others nothing shows.
func (s *Server) partialFollowers(ctx context.Context, a storage.Actor, viewer as.IRI) ([]byte, int, error) {
	o, err := origin.Of(viewer)
	if err != nil || !s.partial() || a.Key == names.InstanceKey {
		return nil, 0, errHidden
	}
	c := &as.OrderedCollection{ID: s.Names.PartialFollowers(a.Key)}
	var counted followers.Partial
	for id, err := range followers.List(ctx, s.Store, a.ID, o.String()) {
		if err != nil {
			return nil, 0, err
		}
		if counted.Count == followers.MaxPartial {
			return nil, 0, errHidden // half a list would end the other half's follows
		}
		counted.Count, counted.Digest = counted.Count+1, counted.Digest.Toggle(id)
		c.OrderedItems = append(c.OrderedItems, as.RefTo(id))
	}
	c.TotalItems = as.Int(int64(counted.Count))
	if _, err := followers.Correct(ctx, s.Store, a.ID, o.String(), counted); err != nil {
		return nil, 0, err
	}
	doc, err := as.Encode(c)
	return doc, http.StatusOK, err
}
