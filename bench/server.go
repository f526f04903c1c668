package main

import (
	"bufio"
	"bytes"
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/netip"
	"os"
	"runtime"
	"runtime/pprof"
	"strconv"
	"strings"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/gokith/kith"
	as "github.com/gokith/kith/activitystreams"
	"github.com/gokith/kith/fetch"
	"github.com/gokith/kith/postgres"
	"github.com/gokith/kith/sqlite"
	"github.com/gokith/kith/storage"
	"github.com/gokith/kith/storage/memory"
)

// subject is what a server process serves.
type subject struct {
	handler http.Handler
	publish func(ctx context.Context, n int) error
	settle  func(ctx context.Context, n int) error // until n replies have been handled
	fanned  func(ctx context.Context) error        // until every post has its deliveries
	close   func()
}

// serveRole is the main function of a server process: it takes commands from the parent, line by
// line, and ends with its input.
func serveRole() error {
	in, out := bufio.NewReader(os.Stdin), json.NewEncoder(os.Stdout)
	var s setup
	line, err := in.ReadBytes('\n')
	if err == nil {
		err = json.Unmarshal(line, &s)
	}
	if err != nil {
		return err
	}
	ctx := context.Background()
	sub, err := newSubject(ctx, s)
	if err != nil {
		return out.Encode(answer{Error: err.Error()})
	}
	defer sub.close()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return out.Encode(answer{Error: err.Error()})
	}
	server := &http.Server{Handler: sub.handler, ReadHeaderTimeout: 10 * time.Second}
	go func() { _ = server.Serve(listener) }()
	defer server.Close()
	if err := out.Encode(answer{Addr: listener.Addr().String()}); err != nil {
		return err
	}
	for {
		line, err := in.ReadBytes('\n')
		if errors.Is(err, io.EOF) {
			return nil
		}
		var c command
		if err == nil {
			err = json.Unmarshal(line, &c)
		}
		if err != nil {
			return err
		}
		a, err := sub.obey(ctx, c)
		if err != nil {
			a.Error = err.Error()
		}
		if err := out.Encode(a); err != nil {
			return err
		}
	}
}

// obey does what the parent wants and answers with what the process has used.
func (s *subject) obey(ctx context.Context, c command) (a answer, err error) {
	begin := time.Now()
	switch c.Do {
	case "settle":
		err = s.settle(ctx, c.N)
	case "publish":
		err = s.publish(ctx, c.N)
	case "fanned":
		err = s.fanned(ctx)
	case "profile":
		err = profile(c.Path)
	}
	a.Seconds = time.Since(begin).Seconds()
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		return a, err
	}
	a.CPU = time.Duration(u.Utime.Nano() + u.Stime.Nano())
	a.RSS, a.HWM = resident("self")
	a.Goroutines = runtime.NumGoroutine()
	if files, err := os.ReadDir("/proc/self/fd"); err == nil {
		a.Files = len(files)
	}
	return a, err
}

// profile starts a CPU profile, or ends it.
func profile(path string) error {
	if path == "" {
		pprof.StopCPUProfile()
		return nil
	}
	f, err := os.Create(path)
	if err != nil {
		return err
	}
	return pprof.StartCPUProfile(f)
}

// resident returns the resident memory of a process in kB, now and at most.
func resident(pid string) (now, most int64) {
	b, err := os.ReadFile("/proc/" + pid + "/status")
	if err != nil {
		return 0, 0
	}
	for line := range strings.Lines(string(b)) {
		f := strings.Fields(line)
		if len(f) < 2 {
			continue
		}
		n, _ := strconv.ParseInt(f[1], 10, 64)
		switch f[0] {
		case "VmRSS:":
			now = n
		case "VmHWM:":
			most = n
		}
	}
	return now, most
}

func newSubject(ctx context.Context, s setup) (*subject, error) {
	if s.Role == "bare" {
		b, err := newBare(s.Actors)
		if err != nil {
			return nil, err
		}
		f, err := newBareFanout(s)
		if err != nil {
			return nil, err
		}
		return &subject{handler: b, publish: f.publish, settle: func(context.Context, int) error { return nil }, close: func() {}}, nil
	}
	store, closeStore, err := openStore(ctx, s)
	if err != nil {
		return nil, err
	}
	quiet := slog.New(slog.NewTextHandler(os.Stderr, &slog.HandlerOptions{Level: slog.LevelWarn}))
	c := kith.Config{
		Origin: ourOrigin, Store: store, ObjectURLs: []string{"/posts/{slug}"}, Logger: quiet,
		Actors: []kith.Actor{{Key: "blog", Profile: &as.Person{Name: as.Plain("A blog")}}},
	}
	if s.Inboxes == nil {
		c.Transport = known(s.Actors)
	} else {
		c.Allow = fetch.InsecureAllow{Prefixes: []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")}}
	}
	srv, err := kith.New(ctx, c)
	if err != nil {
		return nil, err
	}
	if _, err := srv.Publish(ctx, "blog", kith.Public(), article(ourPost, "Hello")); err != nil {
		return nil, err
	}
	if err := follow(ctx, srv, s); err != nil {
		return nil, err
	}
	var handled atomic.Int64
	kith.On(srv, func(context.Context, kith.Replied) error {
		handled.Add(1)
		return nil
	})
	run, stop := context.WithCancel(ctx)
	ended := make(chan error, 1)
	if s.Workers {
		go func() { ended <- srv.Run(run) }()
		if err := srv.Settle(ctx); err != nil {
			stop()
			return nil, err
		}
	} else {
		ended <- nil
	}
	sub := &subject{
		handler: srv.Handler(nil),
		settle: func(ctx context.Context, n int) error {
			for handled.Load() < int64(n) { // Settle counts rows, which is not what is measured
				time.Sleep(10 * time.Millisecond)
			}
			return srv.Settle(ctx)
		},
		fanned: func(ctx context.Context) error {
			for {
				waiting := false
				for _, err := range srv.Store().UnfinishedPosts(ctx) {
					if waiting = true; err != nil {
						return err
					}
					break
				}
				if !waiting {
					return nil
				}
				time.Sleep(5 * time.Millisecond)
			}
		},
		publish: func(ctx context.Context, n int) error {
			_, err := srv.Publish(ctx, "blog", kith.Public(), article(fmt.Sprintf("%s/posts/%d", ourOrigin, n), "Hello "+strconv.Itoa(n)))
			return err
		},
		close: func() {
			stop()
			<-ended
			_ = srv.Close()
			closeStore()
		},
	}
	return sub, nil
}

func article(id, title string) as.Node {
	return &as.Article{ID: as.IRI(id), Name: as.Plain(title), URL: as.IRIs(as.IRI(id)),
		Content: as.HTML("<p>" + strings.Repeat("A post of moderate length, such as blogs have. ", 12) + "</p>")}
}

func openStore(ctx context.Context, s setup) (storage.Store, func(), error) {
	switch s.Store {
	case "memory":
		return memory.New(), func() {}, nil
	case "sqlite":
		store, err := sqlite.Open(s.Path)
		if err != nil {
			return nil, nil, err
		}
		return store, func() { _ = store.Close() }, nil
	case "postgres":
		return openPostgres(ctx, s.DSN)
	}
	return nil, nil, fmt.Errorf("there is no store %q", s.Store)
}

// openPostgres makes the tables in schemas of their own, which go with the process.
func openPostgres(ctx context.Context, dsn string) (storage.Store, func(), error) {
	name := "kith_bench_" + strings.ToLower(rand.Text()[:8])
	config, err := pgxpool.ParseConfig(dsn)
	if err != nil {
		return nil, nil, err
	}
	pool, err := pgxpool.NewWithConfig(ctx, config)
	if err != nil {
		return nil, nil, err
	}
	opts := []postgres.Option{postgres.WithSchema(name), postgres.WithRiverSchema(name + "_river")}
	drop := func() {
		for _, schema := range []string{name, name + "_river"} {
			_, _ = pool.Exec(ctx, "DROP SCHEMA IF EXISTS "+pgx.Identifier{schema}.Sanitize()+" CASCADE")
		}
		pool.Close()
	}
	if err := postgres.Migrate(ctx, pool, opts...); err != nil {
		drop()
		return nil, nil, err
	}
	store, err := postgres.New(ctx, pool, opts...)
	if err != nil {
		drop()
		return nil, nil, err
	}
	return store, drop, nil
}

// follow stores the followers of a fan-out.
func follow(ctx context.Context, srv *kith.Server, s setup) error {
	return srv.Store().Update(ctx, func(ctx context.Context, tx storage.Tx) error {
		for _, inbox := range s.Inboxes {
			actor := strings.TrimSuffix(inbox, "/inbox")
			_, err := tx.PutEdge(ctx, storage.Edge{Kind: storage.Follow, Subject: as.IRI(actor), Object: srv.Names().ActorID("blog"),
				State: storage.EdgeActive, Inbox: as.IRI(inbox)})
			if err != nil {
				return err
			}
			if !s.Ed25519 {
				continue
			}
			host, _, _ := strings.Cut(strings.TrimPrefix(inbox, "http://"), "/")
			if err := tx.UpdateHost(ctx, "http://"+host, func(h *storage.Host) { h.Ed25519 = true }); err != nil {
				return err
			}
		}
		return nil
	})
}

// known is a network on which remote actors' documents can be had, and nothing else.
type known map[string][]byte

func (k known) RoundTrip(r *http.Request) (*http.Response, error) {
	res := &http.Response{Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1, Request: r, StatusCode: http.StatusNotFound, Body: http.NoBody,
		Header: http.Header{"Content-Type": {as.ContentType}}}
	if doc, ok := k[r.URL.String()]; ok {
		res.StatusCode, res.Body, res.ContentLength = http.StatusOK, io.NopCloser(bytes.NewReader(doc)), int64(len(doc))
	}
	return res, nil
}
