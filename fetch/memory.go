package fetch

import (
	"container/list"
	"sync"
	"time"
)

// memory is a map with a bound and expiry: the least recently used entry leaves when it is full. The
// zero value is not ready; make one with newMemory.
type memory[K comparable, V any] struct {
	mu    sync.Mutex
	most  int
	order *list.List // of *memo[K, V], most recently used first
	byKey map[K]*list.Element
}

type memo[K comparable, V any] struct {
	key     K
	value   V
	expires time.Time
}

func newMemory[K comparable, V any](most int) *memory[K, V] {
	return &memory[K, V]{most: most, order: list.New(), byKey: make(map[K]*list.Element)}
}

// get returns the value of a key that has not expired.
func (m *memory[K, V]) get(key K) (value V, ok bool) {
	value, _, ok = m.entry(key)
	return value, ok
}

func (m *memory[K, V]) entry(key K) (value V, expires time.Time, ok bool) {
	m.mu.Lock()
	defer m.mu.Unlock()
	e, ok := m.byKey[key]
	if !ok {
		return value, expires, false
	}
	entry := e.Value.(*memo[K, V])
	if !time.Now().Before(entry.expires) {
		m.remove(e)
		return value, expires, false
	}
	m.order.MoveToFront(e)
	return entry.value, entry.expires, true
}

func (m *memory[K, V]) put(key K, value V, expires time.Time) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.set(key, value, expires)
}

// claim puts the value unless the key is there already, and reports whether it did.
func (m *memory[K, V]) claim(key K, value V, expires time.Time) bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	if e, ok := m.byKey[key]; ok && time.Now().Before(e.Value.(*memo[K, V]).expires) {
		return false
	}
	m.set(key, value, expires)
	return true
}

func (m *memory[K, V]) set(key K, value V, expires time.Time) {
	if e, ok := m.byKey[key]; ok {
		m.remove(e)
	}
	m.byKey[key] = m.order.PushFront(&memo[K, V]{key, value, expires})
	if m.order.Len() > m.most { // check: S-81
		m.remove(m.order.Back())
	}
}

func (m *memory[K, V]) delete(key K) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if e, ok := m.byKey[key]; ok {
		m.remove(e)
	}
}

func (m *memory[K, V]) remove(e *list.Element) {
	m.order.Remove(e)
	delete(m.byKey, e.Value.(*memo[K, V]).key)
}

func (m *memory[K, V]) len() int {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.order.Len()
}

func (m *memory[K, V]) deleteFunc(drop func(V) bool) {
	m.mu.Lock()
	defer m.mu.Unlock()
	for e := m.order.Front(); e != nil; {
		next := e.Next()
		if drop(e.Value.(*memo[K, V]).value) {
			m.remove(e)
		}
		e = next
	}
}
