package queuetest

import (
	"context"
	"encoding/binary"
	"errors"
	"log/slog"
	"math/rand/v2"
	"slices"
	"sync"
	"time"

	"github.com/gokith/kith/queue"
	"github.com/gokith/kith/queue/memory"
)

// ErrBrokerDown is what a [Broker] answers while it is down.
var ErrBrokerDown = errors.New("queuetest: the broker is down")

// Broker is an engine outside of every database, as bad as the contract of package queue allows and
// worse: it runs jobs in any order, many of them several times, loses some that it has taken, and forgets
// all that it knows when told to. Kith must do well with it all the same, behind package relay. Create it
// with [NewBroker]. It is safe for concurrent use.
type Broker struct {
	inner *memory.Queue

	mu         sync.Mutex
	rand       *rand.Rand
	loss       float64
	down       bool
	generation uint32
	taken      uint32
	stats      BrokerStats
}

// BrokerStats is what a [Broker] has done so far, in jobs.
type BrokerStats struct{ Taken, Repeated, Lost, Forgotten int }

// NewBroker returns an empty broker. The seed decides what it does to jobs. It logs nothing.
func NewBroker(seed uint64) *Broker {
	inner := memory.New()
	inner.Logger = slog.New(slog.DiscardHandler)
	return &Broker{inner: inner, rand: rand.New(rand.NewPCG(seed, 2))}
}

// Lose makes the broker lose this part of the jobs that it takes from now on, between 0 and 1.
func (b *Broker) Lose(part float64) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.loss = part
}

// SetDown makes the broker refuse jobs, or take them again.
func (b *Broker) SetDown(down bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.down = down
}

// Forget makes the broker lose all jobs that it has and does not run now.
func (b *Broker) Forget() {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.generation++
}

// Stats returns what the broker has done so far.
func (b *Broker) Stats() BrokerStats {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.stats
}

// spread is how far apart jobs may come that were taken together.
const spread = 40 * time.Millisecond

// Enqueue implements queue.Enqueuer, as it likes.
func (b *Broker) Enqueue(ctx context.Context, jobs ...queue.Job) error {
	if err := queue.Validate(jobs...); err != nil {
		return err
	}
	copies, err := b.mess(jobs)
	if err != nil || len(copies) == 0 {
		return errors.Join(err, ctx.Err())
	}
	return b.inner.Enqueue(ctx, copies...)
}

// mess returns what the broker makes of jobs. Before the payload of each it writes its generation and a
// number, so that it knows what it has forgotten and merges nothing.
func (b *Broker) mess(jobs []queue.Job) (copies []queue.Job, err error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.down {
		return nil, ErrBrokerDown
	}
	for _, j := range jobs {
		b.stats.Taken++
		if b.rand.Float64() < b.loss {
			b.stats.Lost++
			continue
		}
		n := 1 + b.rand.IntN(3)
		b.stats.Repeated += n - 1
		for range n {
			b.taken++
			c := j
			c.Payload = binary.BigEndian.AppendUint32(nil, b.generation)
			c.Payload = append(binary.BigEndian.AppendUint32(c.Payload, b.taken), j.Payload...)
			if c.RunAt.IsZero() {
				c.RunAt = time.Now()
			}
			c.RunAt = c.RunAt.Add(rand.N(spread))
			copies = append(copies, c)
		}
	}
	b.rand.Shuffle(len(copies), func(i, j int) { copies[i], copies[j] = copies[j], copies[i] })
	return copies, nil
}

// Run implements queue.Queue.
func (b *Broker) Run(ctx context.Context, opts queue.Options) error {
	opts, err := opts.WithDefaults()
	if err != nil {
		return err
	}
	for name, kind := range opts.Kinds {
		work := kind.Work
		kind.Work = func(ctx context.Context, j queue.Job) error {
			if b.forgot(binary.BigEndian.Uint32(j.Payload)) {
				return nil
			}
			j.Payload = slices.Clone(j.Payload[8:])
			return work(ctx, j)
		}
		opts.Kinds[name] = kind
	}
	return b.inner.Run(ctx, opts)
}

func (b *Broker) forgot(generation uint32) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	if generation == b.generation {
		return false
	}
	b.stats.Forgotten++
	return true
}
