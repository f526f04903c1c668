package storage

import (
	"context"
	"iter"
	"time"

	as "github.com/gokith/kith/activitystreams"
)

// The bound types call a replaced role with a context that carries their transaction, so that
// tx.PutObject(outer, …) joins tx as it does with a back-end's own roles.

type boundActors struct {
	roles Actors
	tx    Tx
}

func (b boundActors) Actor(ctx context.Context, key string) (Actor, error) {
	return b.roles.Actor(NewContext(ctx, b.tx), key)
}

func (b boundActors) ActorByHandle(ctx context.Context, handle string) (Actor, error) {
	return b.roles.ActorByHandle(NewContext(ctx, b.tx), handle)
}

func (b boundActors) ActorByID(ctx context.Context, id as.IRI) (Actor, error) {
	return b.roles.ActorByID(NewContext(ctx, b.tx), id)
}

func (b boundActors) PutActor(ctx context.Context, a Actor) error {
	return b.roles.PutActor(NewContext(ctx, b.tx), a)
}

func (b boundActors) Actors(ctx context.Context) iter.Seq2[Actor, error] {
	return b.roles.Actors(NewContext(ctx, b.tx))
}

type boundKeys struct {
	roles Keys
	tx    Tx
}

func (b boundKeys) Keys(ctx context.Context, actor string) ([]Key, error) {
	return b.roles.Keys(NewContext(ctx, b.tx), actor)
}

func (b boundKeys) InsertKeys(ctx context.Context, actor string, keys ...Key) ([]Key, error) {
	return b.roles.InsertKeys(NewContext(ctx, b.tx), actor, keys...)
}

func (b boundKeys) RetireKey(ctx context.Context, id as.IRI, at time.Time) error {
	return b.roles.RetireKey(NewContext(ctx, b.tx), id, at)
}

func (b boundKeys) DeleteKeys(ctx context.Context, actor string) error {
	return b.roles.DeleteKeys(NewContext(ctx, b.tx), actor)
}

type boundObjects struct {
	roles Objects
	tx    Tx
}

func (b boundObjects) Object(ctx context.Context, id as.IRI) (Object, error) {
	return b.roles.Object(NewContext(ctx, b.tx), id)
}

func (b boundObjects) PutObject(ctx context.Context, o Object) (bool, error) {
	return b.roles.PutObject(NewContext(ctx, b.tx), o)
}

func (b boundObjects) Objects(ctx context.Context, q ObjectQuery) iter.Seq2[Object, error] {
	return b.roles.Objects(NewContext(ctx, b.tx), q)
}

func (b boundObjects) RemoveObject(ctx context.Context, id as.IRI) error {
	return b.roles.RemoveObject(NewContext(ctx, b.tx), id)
}

type boundEdges struct {
	roles Edges
	tx    Tx
}

func (b boundEdges) PutEdge(ctx context.Context, e Edge) (Edge, error) {
	return b.roles.PutEdge(NewContext(ctx, b.tx), e)
}

func (b boundEdges) DeleteEdge(ctx context.Context, kind EdgeKind, subject, object as.IRI) (bool, error) {
	return b.roles.DeleteEdge(NewContext(ctx, b.tx), kind, subject, object)
}

func (b boundEdges) Edge(ctx context.Context, kind EdgeKind, subject, object as.IRI) (Edge, error) {
	return b.roles.Edge(NewContext(ctx, b.tx), kind, subject, object)
}

func (b boundEdges) Edges(ctx context.Context, q EdgeQuery) iter.Seq2[Edge, error] {
	return b.roles.Edges(NewContext(ctx, b.tx), q)
}

func (b boundEdges) CountEdges(ctx context.Context, q EdgeQuery) (int, error) {
	return b.roles.CountEdges(NewContext(ctx, b.tx), q)
}
