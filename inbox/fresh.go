package inbox

import (
	"sync"
	"time"

	"github.com/gokith/kith/storage"
)

const (
	// maxFresh bounds, in bytes of bodies, the receipts that wait in memory for their first attempt.
	maxFresh = 8 << 20
	// freshAge is when a receipt that no worker of this process came for leaves: another has done it.
	freshAge = time.Minute
)

// fresh are receipts that this process stored a moment ago, so that the worker need not read them again.
// It is a memory only: what is not here is read from the store, and what became of a receipt meanwhile
// shows when its attempt is concluded.
type fresh struct {
	mu    sync.Mutex
	rows  map[string]storage.Receipt
	order []arrival // oldest first, with some that left already
	bytes int
}

type arrival struct {
	id string
	at time.Time
}

// put keeps a committed receipt, if there is room: those that came first are wanted first.
func (f *fresh) put(row storage.Receipt) {
	f.mu.Lock()
	defer f.mu.Unlock()
	now := time.Now()
	for len(f.order) > 0 {
		_, waits := f.rows[f.order[0].id]
		if waits && now.Sub(f.order[0].at) < freshAge {
			break
		}
		f.forget(f.order[0].id)
		f.order = f.order[1:]
	}
	if f.bytes+len(row.Body) > maxFresh {
		return
	}
	if f.rows == nil {
		f.rows = make(map[string]storage.Receipt)
	}
	f.rows[row.ID] = row
	f.order = append(f.order, arrival{row.ID, now})
	f.bytes += len(row.Body)
}

// take returns a receipt, once.
func (f *fresh) take(id string) (storage.Receipt, bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	row, ok := f.rows[id]
	f.forget(id)
	return row, ok
}

func (f *fresh) forget(id string) {
	if row, ok := f.rows[id]; ok {
		f.bytes -= len(row.Body)
		delete(f.rows, id)
	}
}
