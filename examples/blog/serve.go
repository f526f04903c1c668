package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"os"
	"os/signal"
	"sync"
	"syscall"
	"time"
)

// shutdownTime is how long requests that have begun may take to end. Deliveries have as long.
const shutdownTime = 20 * time.Second

// signals returns a context that ends with SIGINT or SIGTERM. A second one ends the process.
func signals() (context.Context, context.CancelFunc) {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	context.AfterFunc(ctx, stop)
	return ctx, stop
}

// listen opens the address before anything is written to the database, and fills in the origin, which
// with port 0 is known only now.
func listen(opts *options) (net.Listener, error) {
	listener, err := net.Listen("tcp", opts.addr)
	if err != nil {
		return nil, fmt.Errorf("cannot listen on %s: %w", opts.addr, err)
	}
	if opts.origin == "" {
		opts.origin = fmt.Sprintf("http://localhost:%d", listener.Addr().(*net.TCPAddr).Port)
	}
	return listener, nil
}

// serve answers requests and does the work until ctx ends, then finishes what has begun.
func serve(ctx context.Context, opts *options, listener net.Listener, h http.Handler, jobs ...func(context.Context) error) (err error) {
	server := &http.Server{
		Handler: h, ReadHeaderTimeout: 5 * time.Second, ReadTimeout: 15 * time.Second, WriteTimeout: 30 * time.Second,
		IdleTimeout: 2 * time.Minute, MaxHeaderBytes: 32 << 10,
		ErrorLog: slog.NewLogLogger(slog.Default().Handler(), slog.LevelDebug),
	}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	var wg sync.WaitGroup
	failed := make(chan error, len(jobs)+1)
	for _, job := range jobs {
		wg.Go(func() {
			if err := job(ctx); err != nil {
				failed <- err
			}
		})
	}
	wg.Go(func() {
		if err := server.Serve(listener); !errors.Is(err, http.ErrServerClosed) {
			failed <- err
		}
	})
	slog.Info("blog is open", "address", opts.origin, "handle", "@"+opts.handle+"@"+opts.host(), "posts", opts.posts)
	select {
	case <-ctx.Done():
	case err = <-failed:
	}
	cancel()
	deadline, end := context.WithTimeout(context.WithoutCancel(ctx), shutdownTime)
	defer end()
	if server.Shutdown(deadline) != nil {
		_ = server.Close() // who is that slow has had his chance
	}
	wg.Wait()
	slog.Info("blog is closed")
	return err
}
