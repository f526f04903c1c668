package kith

import (
	"context"

	as "github.com/gokith/kith/activitystreams"
	"github.com/gokith/kith/audience"
	"github.com/gokith/kith/outbox"
	"github.com/gokith/kith/storage"
)

// Audiences of Publish.
var (
	// Public is everybody: shown in public places, and sent to followers.
	Public = audience.Public
	// Unlisted is everybody who comes across it, and followers.
	Unlisted = audience.Unlisted
	// Followers are the actor's followers only.
	Followers = audience.Followers
	// Direct are the named actors only.
	Direct = audience.Direct
)

// Result is what became of publishing.
type Result = outbox.Result

// Publish makes an object or activity public, or known to its audience, as a local actor: ids, author,
// times and addressing are filled in, it is stored, and it is on its way to everybody concerned. Once
// Publish returns, all of that survives a crash. In the transaction of ctx, if it carries one, it
// exists if and only if that commits.
//
// Publishing an object with the same id and content again changes nothing and returns the first
// result; with other content the error is storage.ErrConflict: see Update. Whoever can call Publish
// may publish as that actor: Kith knows no sessions.
func (s *Server) Publish(ctx context.Context, actor string, to audience.Audience, n as.Node) (Result, error) {
	return s.outbox.Publish(ctx, actor, to, n)
}

// PublishTx is Publish in a transaction of the app's own, which sqlite and postgres wrap: rows of the
// app and the publication commit together.
func (s *Server) PublishTx(ctx context.Context, tx storage.Tx, actor string, to audience.Audience, n as.Node) (Result, error) {
	return s.outbox.Publish(storage.NewContext(ctx, tx), actor, to, n)
}

// Update publishes a new version of an object to the audience it had.
func (s *Server) Update(ctx context.Context, actor string, n as.Node) (Result, error) {
	return s.outbox.Update(ctx, actor, nil, n)
}

// Delete replaces a published object by a tombstone and tells everybody who got it.
func (s *Server) Delete(ctx context.Context, actor string, id as.IRI) (Result, error) {
	return s.outbox.Delete(ctx, actor, id)
}
