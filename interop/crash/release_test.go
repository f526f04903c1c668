//go:build unix

package crash

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"

	"github.com/gokith/kith/queue"
	"github.com/gokith/kith/storage"
)

// nextRelease makes a server of the release after this one, as far as its jobs go: it writes version 2 of
// each, with a payload that version 1 does not have, and reads both.
type nextRelease struct {
	storage.Store
	queue queue.Queue
}

// payload2 is what the payloads of version 2 begin with.
var payload2 = []byte(`{"v":2}`)

func version2(jobs []queue.Job) []queue.Job {
	out := make([]queue.Job, len(jobs))
	for i, j := range jobs {
		j.Kind, j.Payload = queue.KindOf(j.Kind, 2), slices.Concat(payload2, j.Payload)
		out[i] = j
	}
	return out
}

func (s nextRelease) Unwrap() storage.Store { return s.Store }

func (s nextRelease) Queue() queue.Queue { return nextQueue{s.queue} }

func (s nextRelease) Enqueue(ctx context.Context, jobs ...queue.Job) error {
	return s.Store.Enqueue(ctx, version2(jobs)...)
}

func (s nextRelease) Update(ctx context.Context, fn func(context.Context, storage.Tx) error) error {
	return s.Store.Update(ctx, func(ctx context.Context, tx storage.Tx) error {
		if t, ok := tx.(nextTx); ok { // joined
			return fn(ctx, t)
		}
		t := nextTx{tx}
		return fn(storage.NewContext(ctx, t), t)
	})
}

type nextTx struct{ storage.Tx }

func (t nextTx) Unwrap() storage.Tx { return t.Tx }

func (t nextTx) Enqueue(ctx context.Context, jobs ...queue.Job) error {
	return t.Tx.Enqueue(ctx, version2(jobs)...)
}

type nextQueue struct{ queue.Queue }

// Run reads both versions, and is strict about what each looks like.
func (q nextQueue) Run(ctx context.Context, opts queue.Options) error {
	kinds := make(map[string]queue.Kind, len(opts.Kinds))
	for name, k := range opts.Kinds {
		work := k.Work
		k.Work = func(ctx context.Context, j queue.Job) error {
			kind, version := queue.VersionOf(j.Kind)
			payload, second := bytes.CutPrefix(j.Payload, payload2)
			if kind != name || second != (version == 2) {
				slog.Error("release: a job of another form", "kind", j.Kind, "payload", string(j.Payload))
				return fmt.Errorf("%w: %s", errForm, j.Kind)
			}
			slog.Info("release: job", "version", version)
			j.Kind, j.Payload = kind, payload
			return work(ctx, j)
		}
		kinds[name] = k
	}
	opts.Kinds = queue.Readers(1, 2, kinds)
	return q.Queue.Run(ctx, opts)
}

var errForm = errors.New("the job has another form")
