package kith

import (
	"context"

	as "github.com/gokith/kith/activitystreams"
	"github.com/gokith/kith/fetch"
	"github.com/gokith/kith/names"
	"github.com/gokith/kith/policy"
	"github.com/gokith/kith/serve"
	"github.com/gokith/kith/social"
	"github.com/gokith/kith/storage"
)

// The events that an app can hear with [On]. Package social describes them.
type (
	Followed       = social.Followed
	Unfollowed     = social.Unfollowed
	FollowAccepted = social.FollowAccepted
	FollowRejected = social.FollowRejected
	Replied        = social.Replied
	Mentioned      = social.Mentioned
	Posted         = social.Posted
	Liked          = social.Liked
	Unliked        = social.Unliked
	Boosted        = social.Boosted
	Unboosted      = social.Unboosted
	Edited         = social.Edited
	Removed        = social.Removed
	Relayed        = social.Relayed
	ActorUpdated   = social.ActorUpdated
	ActorRemoved   = social.ActorRemoved
)

// On registers a handler of one kind of event, chosen by its argument's type. Register before Run. The
// handler runs in the transaction of the effect, which its context carries: what it writes through
// that (Publish, the store, sqlite.TxFrom) happens exactly once; what it does elsewhere, such as
// sending mail, at least once.
func On[E social.Event](s *Server, h func(ctx context.Context, e E) error) { social.On(s.events, h) }

// Social gives the relations of local actors: Follow and Unfollow, Like, Boost, AcceptFollower, Replies,
// ApproveReply, Count.
func (s *Server) Social() *social.Social { return s.social }

// Policy gives the blocks of this server.
func (s *Server) Policy() *policy.Policy { return s.policy }

// Store returns the store.
func (s *Server) Store() storage.Store { return s.store }

// Client returns what gets documents of other servers: with all rules on addresses and limits, signed by
// the instance actor.
func (s *Server) Client() *fetch.Client { return s.client }

// Names returns the URLs of local actors and their collections.
func (s *Server) Names() names.Space { return s.names }

// Lookup resolves what a person typed or pasted, a handle such as "@ana@example.com" or a URL, to the
// id of the actor or object that it means.
func (s *Server) Lookup(ctx context.Context, text string) (as.IRI, error) {
	doc, err := s.client.Lookup(ctx, text)
	if err != nil {
		return "", err
	}
	return doc.ID, nil
}

// Viewer returns the remote actor who signed the request that a page is being made for, or "".
func Viewer(ctx context.Context) as.IRI { return serve.Viewer(ctx) }
