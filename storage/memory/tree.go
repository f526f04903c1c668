package memory

import (
	"iter"
	"math/rand/v2"
)

// owner marks the nodes that one writer made and may still change in place. All others are shared
// with published states and are copied first.
type owner struct{ _ byte }

// tree is an ordered map of which old versions stay valid: a persistent treap. A copy of the struct
// is a version. Priorities are random, so no choice of keys makes it deep.
type tree[K, V any] struct {
	cmp  func(a, b K) int
	root *node[K, V]
	n    int
}

type node[K, V any] struct {
	key         K
	val         V
	prio        uint32
	own         *owner
	left, right *node[K, V]
}

func (n *node[K, V]) mutable(o *owner) *node[K, V] {
	if n.own == o {
		return n
	}
	c := *n
	c.own = o
	return &c
}

func (t *tree[K, V]) get(k K) (v V, ok bool) {
	for n := t.root; n != nil; {
		switch c := t.cmp(k, n.key); {
		case c < 0:
			n = n.left
		case c > 0:
			n = n.right
		default:
			return n.val, true
		}
	}
	return v, false
}

func (t *tree[K, V]) set(o *owner, k K, v V) { t.root = t.insert(o, t.root, k, v) }

func (t *tree[K, V]) insert(o *owner, n *node[K, V], k K, v V) *node[K, V] {
	if n == nil {
		t.n++
		return &node[K, V]{key: k, val: v, prio: rand.Uint32(), own: o}
	}
	n = n.mutable(o)
	switch c := t.cmp(k, n.key); {
	case c < 0:
		n.left = t.insert(o, n.left, k, v)
		if l := n.left; l.prio > n.prio {
			n.left, l.right = l.right, n
			return l
		}
	case c > 0:
		n.right = t.insert(o, n.right, k, v)
		if r := n.right; r.prio > n.prio {
			n.right, r.left = r.left, n
			return r
		}
	default:
		n.val = v
	}
	return n
}

// delete removes k and reports whether it was there.
func (t *tree[K, V]) delete(o *owner, k K) bool {
	if _, ok := t.get(k); !ok {
		return false
	}
	t.root = t.remove(o, t.root, k)
	t.n--
	return true
}

func (t *tree[K, V]) remove(o *owner, n *node[K, V], k K) *node[K, V] {
	c := t.cmp(k, n.key)
	if c == 0 {
		return merge(o, n.left, n.right)
	}
	n = n.mutable(o)
	if c < 0 {
		n.left = t.remove(o, n.left, k)
	} else {
		n.right = t.remove(o, n.right, k)
	}
	return n
}

// merge joins two trees of which all keys of a are less than those of b.
func merge[K, V any](o *owner, a, b *node[K, V]) *node[K, V] {
	switch {
	case a == nil:
		return b
	case b == nil:
		return a
	case a.prio > b.prio:
		a = a.mutable(o)
		a.right = merge(o, a.right, b)
		return a
	default:
		b = b.mutable(o)
		b.left = merge(o, a, b.left)
		return b
	}
}

// all yields every pair in order. The tree must not be written meanwhile by the owner of its nodes.
func (t *tree[K, V]) all() iter.Seq2[K, V] {
	return func(yield func(K, V) bool) { t.up(t.root, nil, yield) }
}

// from yields, in order, the pairs with keys ≥ k.
func (t *tree[K, V]) from(k K) iter.Seq2[K, V] {
	return func(yield func(K, V) bool) { t.up(t.root, &k, yield) }
}

// downFrom yields, in reverse order, the pairs with keys ≤ k.
func (t *tree[K, V]) downFrom(k K) iter.Seq2[K, V] {
	return func(yield func(K, V) bool) { t.down(t.root, &k, yield) }
}

func (t *tree[K, V]) up(n *node[K, V], min *K, yield func(K, V) bool) bool {
	if n == nil {
		return true
	}
	if min != nil && t.cmp(n.key, *min) < 0 {
		return t.up(n.right, min, yield)
	}
	return t.up(n.left, min, yield) && yield(n.key, n.val) && t.up(n.right, nil, yield)
}

func (t *tree[K, V]) down(n *node[K, V], max *K, yield func(K, V) bool) bool {
	if n == nil {
		return true
	}
	if max != nil && t.cmp(n.key, *max) > 0 {
		return t.down(n.left, max, yield)
	}
	return t.down(n.right, max, yield) && yield(n.key, n.val) && t.down(n.left, nil, yield)
}
