package policy_test

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	as "github.com/gokith/kith/activitystreams"
	"github.com/gokith/kith/policy"
	"github.com/gokith/kith/storage/memory"
)

const server as.IRI = "https://kith.example/ap/actors/~instance"

func ExamplePolicy_Block() {
	ctx := context.Background()
	p := policy.New(memory.New(), server, nil)
	_ = p.Block(ctx, "https://Spam.example:443")
	err := p.Check(ctx, "https://spam.example/users/eve")
	fmt.Println(errors.Is(err, policy.ErrBlocked), p.Check(ctx, "https://fine.example/users/ana"))
	// Output: true <nil>
}

func TestBlocksOfHostsAndActors(t *testing.T) {
	ctx, p := t.Context(), policy.New(memory.New(), server, nil)
	eve, ana := as.IRI("https://a.example/eve"), as.IRI("https://a.example/ana")
	require.NoError(t, p.Block(ctx, eve))
	var refused *policy.Error
	require.ErrorAs(t, p.Check(ctx, eve), &refused)
	require.Equal(t, "policy.blocked_actor", refused.Code)
	require.NoError(t, p.Check(ctx, ana))
	require.NoError(t, p.Check(ctx, "https://a.example"))
	require.NoError(t, p.Unblock(ctx, eve))
	require.NoError(t, p.Check(ctx, eve))

	require.NoError(t, p.BlockFor(ctx, ana, "https://b.example"))
	require.Error(t, p.CheckFor(ctx, ana, "https://b.example/x"))
	require.NoError(t, p.Check(ctx, "https://b.example/x"), "a block of one actor is not the server's")
	require.Error(t, p.Block(ctx, "not an address"))
	require.Error(t, p.Check(ctx, "acct:x@y"))
}

func TestHookRefuses(t *testing.T) {
	why := errors.New("not today")
	p := policy.New(memory.New(), server, func(_ context.Context, id as.IRI) error {
		if id == "https://a.example/x" {
			return why
		}
		return nil
	})
	err := p.Check(t.Context(), "https://a.example/x")
	require.ErrorIs(t, err, policy.ErrBlocked)
	require.ErrorIs(t, err, why)
	require.NoError(t, p.Check(t.Context(), "https://a.example/y"))
}

// A block made by another process holds here within CacheTTL.
func TestBlockHoldsEverywhereSoon(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store := memory.New()
		here, there := policy.New(store, server, nil), policy.New(store, server, nil)
		require.NoError(t, here.Check(t.Context(), "https://a.example/x"))
		require.NoError(t, there.Block(t.Context(), "https://a.example"))
		time.Sleep(policy.CacheTTL + time.Millisecond)
		require.Error(t, here.Check(t.Context(), "https://a.example/x"))
	})
}
