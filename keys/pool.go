package keys

import (
	"context"
	"io"
	"sync"
	"time"
)

// DefaultPoolSize is how many keys a [Pool] keeps when it is not told.
const DefaultPoolSize = 4

// Pool keeps RSA keys ready, so that creating an actor does not wait for arithmetic. One goroutine
// makes keys, one at a time, until the pool is full. Make one with [NewPool] and close it.
type Pool struct {
	ready    chan Private
	failed   chan error
	stop     chan struct{}
	stopped  chan struct{}
	close    sync.Once
	generate func() (Private, error)
}

// NewPool starts a pool of RSA keys. A nil source means crypto/rand (see [GenerateRSA]), a size below
// 1 means [DefaultPoolSize].
func NewPool(source io.Reader, size int) *Pool {
	return newPool(size, func() (Private, error) { return GenerateRSA(source) })
}

func newPool(size int, generate func() (Private, error)) *Pool {
	if size < 1 {
		size = DefaultPoolSize
	}
	p := &Pool{
		ready:    make(chan Private, size),
		failed:   make(chan error),
		stop:     make(chan struct{}),
		stopped:  make(chan struct{}),
		generate: generate,
	}
	go p.fill()
	return p
}

// fill makes keys until the pool is closed. A failure goes to whoever waits, and is tried again.
func (p *Pool) fill() {
	defer close(p.stopped)
	for {
		key, err := p.generate()
		ready, failed, retry := p.ready, p.failed, (<-chan time.Time)(nil)
		if err != nil {
			ready, retry = nil, time.After(time.Second)
		} else {
			failed = nil
		}
		select {
		case ready <- key:
		case failed <- err:
		case <-retry:
		case <-p.stop:
			return
		}
	}
}

// Get returns a key that nobody else gets. It waits only when the pool has run dry, and then no
// longer than ctx allows. It returns the error of a failed generation, the error of ctx, or
// [ErrPoolClosed].
func (p *Pool) Get(ctx context.Context) (Private, error) {
	select {
	case <-p.stop:
		return Private{}, ErrPoolClosed
	default:
	}
	select {
	case key := <-p.ready:
		return key, nil
	case err := <-p.failed:
		return Private{}, err
	case <-ctx.Done():
		return Private{}, context.Cause(ctx)
	case <-p.stop:
		return Private{}, ErrPoolClosed
	}
}

// Close stops the pool and waits for a key that is being made. It may be called more than once and
// always returns nil.
func (p *Pool) Close() error {
	p.close.Do(func() { close(p.stop) })
	<-p.stopped
	return nil
}
