package social

import (
	"context"

	as "github.com/gokith/kith/activitystreams"
	"github.com/gokith/kith/storage"
)

// neighbour tells local actors of what another one published. The object is in the store already, as its
// owner put it there, and stays so; what is told is told once, since each activity is handled once.
func (c *call) neighbour(ctx context.Context, n as.Node, row storage.Object, update bool) error {
	stored, ok, err := c.stored(ctx, row.ID)
	if err != nil {
		return err
	}
	if !ok || !stored.Local || stored.Owner != c.actor() || !stored.Deleted.IsZero() {
		return drop("object.gone", "the object was deleted or was never published")
	}
	t, err := c.ties(ctx, n, row)
	switch {
	case err != nil:
		return err
	case !t.any():
		return drop("object.irrelevant", "nobody here is concerned")
	case update:
		return c.Events.emit(ctx, Edited{Meta: c.meta(), Object: c.object(row.ID, n), Content: content(n), Visibility: t.visibility})
	}
	return c.tell(ctx, n, row, t)
}
