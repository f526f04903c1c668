package memory

import (
	"bytes"
	"cmp"
	"container/heap"
	"time"

	"github.com/gokith/kith/queue"
)

// item is a job with its place.
type item struct {
	queue.Job
	seq   int64
	index int // in the heap
}

// lane holds the waiting jobs of one kind, the earliest first.
type lane struct {
	waiting []*item
	byKey   map[string]*item
	running int
	changed chan struct{} // closed and replaced when a job comes in
}

func newLane() *lane {
	return &lane{byKey: map[string]*item{}, changed: make(chan struct{})}
}

// put adds a job, or merges it with one that waits.
func (l *lane) put(it *item) {
	if same, ok := l.byKey[it.Key]; ok && bytes.Equal(same.Payload, it.Payload) {
		if it.RunAt.Before(same.RunAt) {
			same.RunAt = it.RunAt
			heap.Fix(l, same.index)
		}
		same.Attempt = max(same.Attempt, it.Attempt)
	} else {
		heap.Push(l, it)
		if it.Key != "" && !ok {
			l.byKey[it.Key] = it
		}
	}
	close(l.changed)
	l.changed = make(chan struct{})
}

// take removes the first job that is due, or returns how long to wait for one and the channel that
// tells of a new one. A wait below zero means that there is none.
func (l *lane) take(now time.Time) (it *item, wait time.Duration, changed <-chan struct{}) {
	if len(l.waiting) == 0 {
		return nil, -1, l.changed
	}
	first := l.waiting[0]
	if wait := first.RunAt.Sub(now); wait > 0 {
		return nil, wait, l.changed
	}
	heap.Pop(l)
	if l.byKey[first.Key] == first {
		delete(l.byKey, first.Key)
	}
	l.running++
	return first, 0, nil
}

// The methods of heap.Interface.

func (l *lane) Len() int { return len(l.waiting) }

func (l *lane) Less(i, j int) bool {
	a, b := l.waiting[i], l.waiting[j]
	return cmp.Or(a.RunAt.Compare(b.RunAt), cmp.Compare(a.seq, b.seq)) < 0
}

func (l *lane) Swap(i, j int) {
	l.waiting[i], l.waiting[j] = l.waiting[j], l.waiting[i]
	l.waiting[i].index, l.waiting[j].index = i, j
}

func (l *lane) Push(x any) {
	it := x.(*item)
	it.index = len(l.waiting)
	l.waiting = append(l.waiting, it)
}

func (l *lane) Pop() any {
	last := len(l.waiting) - 1
	it := l.waiting[last]
	l.waiting[last] = nil
	l.waiting = l.waiting[:last]
	return it
}
