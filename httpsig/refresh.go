package httpsig

import (
	"cmp"
	"context"
	"sync"
	"time"
)

// maxRefreshes bounds the memory of refreshes (L-22).
const maxRefreshes = 50_000

// A refreshLog remembers which keys were refreshed of late, so that bad signatures cannot make us
// fetch a key again and again (L-21). It holds two generations; when the younger one fills, the
// older is dropped.
type refreshLog struct {
	mu           sync.Mutex
	young, elder map[string]time.Time
	running      map[string]*refreshing
}

// refreshing is a look at a key that is under way.
type refreshing struct {
	done chan struct{}
	key  Key
	err  error
}

// refresh looks at the key again if that is allowed now. Whoever comes while another one looks shares
// what it sees, so that a replaced key costs none of the requests that come at the same time.
func (l *refreshLog) refresh(ctx context.Context, keys KeyRefresher, keyID string, at time.Time, interval time.Duration) (key Key, allowed bool, err error) {
	l.mu.Lock()
	r, running := l.running[keyID]
	if !running {
		if !l.allow(keyID, at, interval) {
			l.mu.Unlock()
			return Key{}, false, nil
		}
		r = &refreshing{done: make(chan struct{})}
		if l.running == nil {
			l.running = make(map[string]*refreshing)
		}
		l.running[keyID] = r
	}
	l.mu.Unlock()
	if running {
		select {
		case <-r.done:
			return r.key, true, r.err
		case <-ctx.Done():
			return Key{}, true, ctx.Err()
		}
	}
	defer func() {
		l.mu.Lock()
		delete(l.running, keyID)
		l.mu.Unlock()
		close(r.done)
	}()
	r.err = context.Canceled // for those who wait, should the finder panic
	r.key, r.err = keys.RefreshKey(ctx, keyID)
	return r.key, true, r.err
}

// allow reports whether the key may be refreshed now, and notes that it is.
func (l *refreshLog) allow(keyID string, at time.Time, interval time.Duration) bool {
	interval = cmp.Or(interval, DefaultRefreshInterval)
	for _, generation := range []map[string]time.Time{l.young, l.elder} {
		if last, ok := generation[keyID]; ok && at.Sub(last) < interval { // check: S-26
			return false
		}
	}
	if l.young == nil || len(l.young) >= maxRefreshes/2 {
		l.young, l.elder = make(map[string]time.Time), l.young
	}
	l.young[keyID] = at
	return true
}
