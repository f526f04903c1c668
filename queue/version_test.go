package queue_test

import (
	"context"
	"maps"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/gokith/kith/queue"
)

func TestVersionsOfKinds(t *testing.T) {
	t.Parallel()
	for _, kind := range []string{"deliver", "odd-v", "a-v2b", "x-v", "-v", "a-v2"} {
		for _, v := range []int{1, 2, 3, 17} {
			if kind == "a-v2" && v == 1 {
				continue // looks like version 2 of a
			}
			k, n := queue.VersionOf(queue.KindOf(kind, v))
			require.Equal(t, kind, k)
			require.Equal(t, v, n)
		}
	}
	require.Equal(t, "deliver", queue.KindOf("deliver", 0))
	for _, odd := range []string{"a-v1", "a-v0", "a-v-2", "a-v02", "a-v2 ", "a-v+2", "a-v99999999999999999999"} {
		k, n := queue.VersionOf(odd)
		require.Equal(t, odd, k)
		require.Equal(t, 1, n)
	}
}

func TestReaders(t *testing.T) {
	t.Parallel()
	work := func(context.Context, queue.Job) error { return nil }
	kinds := map[string]queue.Kind{"a": {Work: work, Workers: 3}, "b": {Work: work}}
	names := func(m map[string]queue.Kind) []string { return slices.Sorted(maps.Keys(m)) }
	require.Equal(t, []string{"a", "b"}, names(queue.Readers(1, 1, kinds)))
	require.Equal(t, []string{"a", "a-v2", "b", "b-v2"}, names(queue.Readers(1, 2, kinds)))
	require.Equal(t, []string{"a-v2", "a-v3", "b-v2", "b-v3"}, names(queue.Readers(2, 3, kinds)))
	require.Equal(t, 3, queue.Readers(1, 2, kinds)["a-v2"].Workers)
	require.Len(t, kinds, 2)
}
