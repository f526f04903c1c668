package memory

import (
	"cmp"
	"maps"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"
)

// Random writes by changing owners must leave every older version as it was.
func TestTreeVersionsStay(t *testing.T) {
	t.Parallel()
	type version struct {
		tree tree[int, int]
		want map[int]int
	}
	r := rand.New(rand.NewPCG(1, 2))
	now := version{tree[int, int]{cmp: cmp.Compare[int]}, map[int]int{}}
	var old []version
	own := &owner{}
	for i := range 20_000 {
		k := r.IntN(300)
		if r.IntN(3) == 0 {
			_, has := now.want[k]
			require.Equal(t, has, now.tree.delete(own, k))
			delete(now.want, k)
		} else {
			now.tree.set(own, k, i)
			now.want[k] = i
		}
		if r.IntN(100) == 0 {
			old = append(old, version{now.tree, maps.Clone(now.want)})
			own = &owner{}
		}
	}
	for _, v := range append(old, now) {
		require.Equal(t, len(v.want), v.tree.n)
		keys := slices.Sorted(maps.Keys(v.want))
		require.Equal(t, keys, slices.Collect(keysOf(v.tree.all())))
		from := r.IntN(300)
		i, found := slices.BinarySearch(keys, from)
		require.Equal(t, keys[i:], slices.Collect(keysOf(v.tree.from(from))))
		down := slices.Clone(keys[:i])
		if found {
			down = append(down, from)
		}
		slices.Reverse(down)
		require.ElementsMatch(t, down, slices.Collect(keysOf(v.tree.downFrom(from))))
		require.True(t, slices.IsSortedFunc(slices.Collect(keysOf(v.tree.downFrom(from))), func(a, b int) int { return b - a }))
		for k, want := range v.want {
			got, ok := v.tree.get(k)
			require.True(t, ok)
			require.Equal(t, want, got)
		}
	}
}

func keysOf[K, V any](pairs func(func(K, V) bool)) func(func(K) bool) {
	return func(yield func(K) bool) {
		pairs(func(k K, _ V) bool { return yield(k) })
	}
}

func TestTreeStaysShallow(t *testing.T) {
	t.Parallel()
	tr := tree[int, int]{cmp: cmp.Compare[int]}
	own := &owner{}
	for i := range 100_000 {
		tr.set(own, i, i) // the worst order for a plain tree
	}
	var depth func(n *node[int, int]) int
	depth = func(n *node[int, int]) int {
		if n == nil {
			return 0
		}
		return 1 + max(depth(n.left), depth(n.right))
	}
	require.Less(t, depth(tr.root), 80)
}
