package kith

import (
	"context"
	"fmt"
	"net/http"
	"time"

	"github.com/gokith/kith/storage"
)

// readyWithin is how long Ready waits for the store, so that a probe gets an answer before it gives up.
const readyWithin = 5 * time.Second

// Ready reports whether the server can take messages: the store answers, within five seconds, can be
// written, and belongs to the origin. It serves a readiness probe: while it fails, a balancer should send
// requests elsewhere, and the inbox answers 503, upon which peers try again.
//
// It says nothing about backlog (see [Server.Stats]) and is no liveness probe: restarting the process does
// not bring a database back, and costs what is under way. For liveness, answer 200 without asking anybody.
func (s *Server) Ready(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, readyWithin)
	defer cancel()
	// The store may ignore the context while it waits for its disk.
	answer := make(chan error, 1)
	go func() { answer <- s.answers(ctx) }()
	select {
	case err := <-answer:
		return err
	case <-ctx.Done():
		return fmt.Errorf("kith: the store does not answer: %w", ctx.Err())
	}
}

func (s *Server) answers(ctx context.Context) error {
	stored, err := s.store.Identify(ctx, s.names.Origin.String())
	if err != nil {
		return fmt.Errorf("kith: the store does not answer: %w", err)
	}
	if stored != s.names.Origin.String() {
		return fmt.Errorf("kith: the store belongs to %s", stored)
	}
	return nil
}

// ReadyHandler answers a readiness probe with 200, or 503 and no reason, which is in the log: mount it where
// the balancer asks.
func (s *Server) ReadyHandler() http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Cache-Control", "no-store")
		if err := s.Ready(r.Context()); err != nil {
			s.cfg.Logger.WarnContext(r.Context(), "kith is not ready", "error", err)
			http.Error(w, "not ready", http.StatusServiceUnavailable)
			return
		}
		w.Header().Set("Content-Type", "text/plain; charset=utf-8")
		_, _ = w.Write([]byte("ready\n")) // the prober may be gone
	})
}

// Stats counts what waits and how big the tables are, for gauges and alarms: PendingReceipts that grow mean
// that Run is missing or too slow, an OldestReceipt of minutes that a handler hangs, DueDeliveries that grow
// that Workers.Hosts or the network is too small. It counts whole tables: ask once a minute, not once a
// second.
func (s *Server) Stats(ctx context.Context) (storage.Stats, error) { return s.store.Stats(ctx) }
