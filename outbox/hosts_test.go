package outbox_test

import (
	"context"
	"fmt"
	"strconv"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	as "github.com/gokith/kith/activitystreams"
	"github.com/gokith/kith/audience"
	"github.com/gokith/kith/outbox"
	"github.com/gokith/kith/queue"
	"github.com/gokith/kith/storage"
)

// eager does every job for a host the moment it is committed, and fails a transaction now and then.
type eager struct {
	breakable
	t     *testing.T
	hosts []string // queued in the open transaction
	jobs  int
}

func (s *eager) Enqueue(ctx context.Context, jobs ...queue.Job) error {
	for _, j := range jobs {
		if j.Kind != outbox.KindFanOut {
			s.hosts = append(s.hosts, j.Key)
		}
	}
	if _, ok := storage.FromContext(ctx); !ok {
		s.deliver()
	}
	return nil
}

func (s *eager) Update(ctx context.Context, fn func(context.Context, storage.Tx) error) error {
	s.hosts = nil
	err := s.breakable.Update(ctx, fn)
	if err == nil {
		s.deliver()
	}
	return err
}

func (s *eager) deliver() {
	for _, host := range s.hosts {
		s.jobs++
		ds, err := s.Store.LeaseDeliveries(s.t.Context(), host, 1000, time.Now(), time.Hour)
		require.NoError(s.t, err)
		for i := range ds {
			ds[i].State = storage.DeliveryDone
		}
		_, err = s.Store.RecordDeliveries(s.t.Context(), ds)
		require.NoError(s.t, err)
	}
	s.hosts = nil
}

// TestFanOutQueuesItsHosts: every delivery gets a job that comes after it, also when the fan-out dies
// between batches, and a host does not get one for each batch.
func TestFanOutQueuesItsHosts(t *testing.T) {
	t.Parallel()
	const hosts, each = 20, 10
	for _, dies := range []bool{false, true} {
		s := &eager{t: t}
		e := setup(t, func(c *outbox.Config) {
			c.Limits.Batch = 10
			s.Store = c.Store
			c.Store, c.Queue = s, s
		})
		for i := range hosts * each {
			id := as.IRI(fmt.Sprintf("https://h%d.example/u/%d", i%hosts, i))
			_, err := e.store.PutEdge(e.ctx, storage.Edge{Kind: storage.Follow, Subject: id, Object: alice, State: storage.EdgeActive, Inbox: id + "/inbox"})
			require.NoError(t, err)
		}
		r, err := e.out.Publish(e.ctx, "alice", audience.Public(), note())
		require.NoError(t, err)
		for runs := 0; e.post(r.Post).FannedOut.IsZero(); runs++ {
			require.Less(t, runs, hosts*each)
			if dies {
				s.left = 5
			}
			_ = e.out.FanOut(e.ctx, queue.Job{Kind: outbox.KindFanOut, Key: strconv.FormatInt(r.Post, 10)})
		}
		require.Len(t, e.inboxes(r.Post), hosts*each)
		require.Empty(t, e.deliveries(storage.DeliveryQuery{State: storage.DeliveryPending}))
		if !dies {
			require.Equal(t, 2*hosts, s.jobs, "one with the first delivery, one for the rest")
		}
	}
}
