package kith_test

import (
	"context"
	"runtime"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/gokith/kith"
	as "github.com/gokith/kith/activitystreams"
	"github.com/gokith/kith/storage/memory"
)

// TestR13_NoGoroutineIsLeft: a server that ran and was closed leaves nothing behind. Everything else of
// this row is the race detector and synctest, which fails a test whose goroutines do not end.
func TestR13_NoGoroutineIsLeft(t *testing.T) {
	before := runtime.NumGoroutine()
	for range 3 {
		srv, err := kith.New(t.Context(), kith.Config{Origin: "https://kith.example", Store: memory.New(), Actors: []kith.Actor{{Key: "blog"}}})
		require.NoError(t, err)
		ctx, cancel := context.WithCancel(t.Context())
		done := make(chan error, 1)
		go func() { done <- srv.Run(ctx) }()
		_, err = srv.Publish(t.Context(), "blog", kith.Public(), &as.Note{Content: as.HTML("<p>x</p>")})
		require.NoError(t, err)
		require.NoError(t, srv.Settle(t.Context()))
		require.NoError(t, srv.Ready(t.Context()))
		cancel()
		require.NoError(t, <-done)
		require.NoError(t, srv.Close())
	}
	require.Eventually(t, func() bool { return runtime.NumGoroutine() <= before+2 }, 10*time.Second, 20*time.Millisecond)
}
