package postgres_test

import (
	"testing"

	"github.com/gokith/kith/postgres"
	"github.com/gokith/kith/queue"
	"github.com/gokith/kith/queue/queuetest"
)

func TestQueue(t *testing.T) {
	t.Parallel()
	dsn(t)
	queuetest.Run(t, func(t *testing.T) queue.Queue {
		s, _ := open(t)
		return s.Queue()
	})
}

func TestQueuePollOnly(t *testing.T) {
	t.Parallel()
	dsn(t)
	queuetest.Run(t, func(t *testing.T) queue.Queue {
		s, _ := open(t, postgres.WithPollOnly())
		return s.Queue()
	})
}
