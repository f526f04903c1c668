//go:build unix

package crash

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"hash/fnv"
	"log/slog"
	"net"
	"net/http"
	"net/netip"
	"os"
	"os/signal"
	"path/filepath"
	"syscall"
	"testing"
	"time"

	"github.com/gokith/kith"
	as "github.com/gokith/kith/activitystreams"
	"github.com/gokith/kith/delivery"
	"github.com/gokith/kith/fetch"
	"github.com/gokith/kith/inbox"
	"github.com/gokith/kith/queue"
	"github.com/gokith/kith/sqlite"
	"github.com/gokith/kith/storage"
)

// settings is what the parent tells the server under test.
type settings struct {
	Place  place
	Addr   string
	Origin string // authority; "" is Addr
	Stop   stop
	Lease  time.Duration // of jobs, receipts and deliveries
	Work   time.Duration // that each handler takes
	Actors []string
	Tmpfs  string // size of a file system of its own under the database; "" is none
	// Attempt is how long a delivery may take, and Slice how long one after the other is begun; zero is
	// what real servers have. Lease must be longer than both together where several processes run for long
	// and Attempt is set; else the server does not know how short its leases of deliveries are.
	Attempt, Slice time.Duration
	// Agent is what the server calls itself to others.
	Agent string
	// Eager lets sweeps look after received messages at once, and not after two minutes.
	Eager bool
	// Challenges makes others sign with a nonce of the server's.
	Challenges bool
	// Locks is how long a lock lasts; zero is too short for anybody to wait for it.
	Locks time.Duration
	// Engine is the path of a database that serves as a queue outside of the store's; "" is the store's own.
	Engine string
	// Release is 2 for a server of the release after this one, whose jobs have another version.
	Release int
}

// variable carries settings, as JSON, to the process under test.
const variable = "KITH_CRASH_SERVER"

func TestMain(m *testing.M) {
	text := os.Getenv(variable)
	if text == "" {
		os.Exit(m.Run())
	}
	var s settings
	err := json.Unmarshal([]byte(text), &s)
	if err == nil {
		err = serve(s, os.NewFile(3, "marks"))
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

// serve is the main of the server under test: what any app does, with marks on the road.
func serve(set settings, out *os.File) error {
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM)
	defer stop()
	if set.Tmpfs != "" {
		if err := mountTmpfs(filepath.Dir(set.Place.Path), set.Tmpfs); err != nil {
			return err
		}
	}
	ground, err := set.Place.open(ctx)
	if err != nil {
		return err
	}
	signal.Ignore(syscall.SIGXFSZ) // a limit on file sizes is to show as an error
	if set.Origin == "" {
		set.Origin = set.Addr
	}
	m := &marks{stop: set.Stop, out: out}
	var store storage.Store = hurried{ground.store, ground.queue, set.Lease, set.Locks, set.Eager}
	if set.Release == 2 {
		store = nextRelease{store, hurriedQueue{ground.queue, set.Lease}}
	}
	through := marked{store, m, batch{ground.store}}
	store = through
	if _, many := ground.store.(storage.ManyClaims); many {
		store = markedMany{through}
	}
	limits := delivery.Limits{
		Attempt: set.Attempt, Slice: set.Slice, Backoff: 200 * time.Millisecond, MaxBackoff: time.Second,
		Probe: 200 * time.Millisecond, MaxProbe: time.Second,
	}
	if set.Attempt > 0 {
		limits.Lease = set.Lease
	}
	app := &app{ground: ground, work: set.Work, path: set.Place.Path}
	config := kith.Config{
		Origin: "http://" + set.Origin, Store: store, Inbox: app.mux(),
		Prepare:        func(context.Context, as.Node, *inbox.Verified) error { m.at(phasePrepare, before); return nil },
		Allow:          fetch.InsecureAllow{Prefixes: []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")}},
		FetchLimits:    fetch.Limits{PerDomain: 1000}, // all peers are on one address
		DeliveryLimits: limits, Challenges: set.Challenges,
		Shutdown: 10 * time.Second, Software: kith.Software{Name: set.Agent},
		Logger: slog.New(slog.NewTextHandler(os.Stderr, &slog.HandlerOptions{Level: slog.LevelDebug})),
	}
	if set.Engine != "" {
		engine, err := sqlite.Open(set.Engine, sqlite.WithBusyTimeout(20*time.Second))
		if err != nil {
			return err
		}
		defer func() { _ = engine.Close() }()
		config.Queue = hurriedQueue{engine.Queue(), set.Lease}
	}
	for _, name := range set.Actors {
		config.Actors = append(config.Actors, kith.Actor{Key: name})
	}
	if app.server, err = kith.New(ctx, config); err != nil {
		return err
	}
	l, err := net.Listen("tcp", set.Addr)
	if err != nil {
		return err
	}
	h := &http.Server{Handler: app.server.Handler(http.HandlerFunc(app.control)), ReadHeaderTimeout: 10 * time.Second}
	served := make(chan error, 1)
	go func() { served <- h.Serve(l) }()
	m.say("ready")
	err = app.server.Run(ctx)
	end, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	err = errors.Join(err, h.Shutdown(end))
	if s := <-served; !errors.Is(s, http.ErrServerClosed) {
		err = errors.Join(err, s)
	}
	return errors.Join(err, app.server.Close(), ground.close())
}

// app is the user's part of the server: its handlers and its controls.
type app struct {
	server *kith.Server
	ground *ground
	work   time.Duration
	path   string // of the database
}

// author is the actor that publishes.
const author = "author"

// mux has one handler for all: it notes the effect, and answers some messages with a post, both through
// the receipt's transaction.
func (a *app) mux() *inbox.Mux {
	mux := new(inbox.Mux)
	inbox.OnAny(mux, func(ctx context.Context, n as.Node, v *inbox.Verified) error {
		slog.Info("app: handling", "activity", v.ID())
		time.Sleep(a.work)
		if err := a.ground.effect(ctx, string(v.ID()), v.Scope()); err != nil {
			return err
		}
		if n.NodeType() != "Create" || !answered(v.ID()) {
			return nil
		}
		return a.publish(ctx, "re-"+digits(v.ID()))
	})
	return mux
}

// answered says of which messages a post is made: one in eight.
func answered(id as.IRI) bool { return hashOf(id)%8 == 0 }

func digits(id as.IRI) string { return fmt.Sprintf("%016x", hashOf(id)) }

func hashOf(id as.IRI) uint64 {
	h := fnv.New64a()
	_, _ = h.Write([]byte(id)) // a hash never fails
	return h.Sum64()
}

// postID is the id of a post of the server at addr.
func postID(addr, slug string) as.IRI { return as.IRI("http://" + addr + "/posts/" + slug) }

func (a *app) publish(ctx context.Context, slug string) error {
	id := postID(a.server.Names().Origin.Authority(), slug)
	_, err := a.server.Publish(ctx, author, kith.Public(), &as.Note{ID: id, Content: as.HTML("<p>" + slug + "</p>")})
	return err
}

// control lets the parent publish and look.
func (a *app) control(w http.ResponseWriter, r *http.Request) {
	var err error
	switch r.URL.Path {
	case "/control/publish":
		err = a.publish(r.Context(), r.FormValue("slug"))
	case "/control/update":
		id := postID(a.server.Names().Origin.Authority(), r.FormValue("slug"))
		_, err = a.server.Update(r.Context(), author, &as.Note{ID: id, Content: as.HTML("<p>" + r.FormValue("n") + "</p>")})
	case "/control/block":
		err = a.server.Policy().Block(r.Context(), as.IRI(r.FormValue("id")))
	case "/control/unblock":
		err = a.server.Policy().Unblock(r.Context(), as.IRI(r.FormValue("id")))
	case "/control/pause", "/control/resume":
		err = a.pause(r.Context(), r.FormValue("host"), r.URL.Path == "/control/pause")
	case "/control/rotate":
		_, err = a.server.RotateKeys(r.Context(), author)
	case "/control/limit":
		err = limitFiles(r.FormValue("room") == "none")
	case "/control/ballast":
		err = ballast(r.FormValue("room") == "none", a.path)
	case "/control/backup":
		err = a.ground.backup(r.Context(), r.FormValue("to"))
	case "/control/stats":
		var stats any
		if stats, err = a.ground.store.Stats(r.Context()); err == nil {
			err = json.NewEncoder(w).Encode(stats)
		}
	default:
		http.NotFound(w, r)
		return
	}
	if err != nil {
		http.Error(w, err.Error(), http.StatusServiceUnavailable)
	}
}

// pause holds everything for a host, or lets it go on, as people do.
func (a *app) pause(ctx context.Context, host string, paused bool) error {
	err := a.server.Store().UpdateHost(ctx, host, func(h *storage.Host) { h.Paused = paused })
	if err != nil || paused {
		return err
	}
	return a.server.Store().Enqueue(ctx, queue.Job{Kind: delivery.KindDeliver, Key: host})
}

// limitFiles makes every write to a file fail in this process, or lets them succeed again.
func limitFiles(full bool) error {
	var limit syscall.Rlimit
	if err := syscall.Getrlimit(syscall.RLIMIT_FSIZE, &limit); err != nil {
		return err
	}
	limit.Cur = limit.Max
	if full {
		limit.Cur = 0
	}
	return syscall.Setrlimit(syscall.RLIMIT_FSIZE, &limit)
}

// ballast fills the file system of the database, or gives the room back.
func ballast(full bool, path string) error {
	name := filepath.Join(filepath.Dir(path), "ballast")
	if !full {
		return os.Remove(name)
	}
	f, err := os.Create(name)
	if err != nil {
		return err
	}
	defer f.Close()
	for block := make([]byte, 4096); ; {
		if _, err := f.Write(block); err != nil {
			if errors.Is(err, syscall.ENOSPC) {
				return nil
			}
			return err
		}
	}
}
