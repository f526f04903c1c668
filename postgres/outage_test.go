package postgres_test

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/stretchr/testify/require"

	as "github.com/gokith/kith/activitystreams"
	"github.com/gokith/kith/internal/sharedtest"
	"github.com/gokith/kith/postgres"
	"github.com/gokith/kith/queue"
	"github.com/gokith/kith/queue/queuetest"
	"github.com/gokith/kith/storage"
	"github.com/gokith/kith/storage/storagetest"
)

// relay passes connections to the server until it is cut.
type relay struct {
	net.Listener
	target string
	mu     sync.Mutex
	cut    bool
	conns  map[net.Conn]struct{}
}

func newRelay(t *testing.T, target string) *relay {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	r := &relay{Listener: l, target: target, conns: map[net.Conn]struct{}{}}
	go r.serve()
	t.Cleanup(func() { r.setCut(true); _ = l.Close() })
	return r
}

func (r *relay) serve() {
	for {
		c, err := r.Accept()
		if err != nil {
			return
		}
		r.mu.Lock()
		cut := r.cut
		r.mu.Unlock()
		if cut {
			_ = c.Close()
			continue
		}
		s, err := net.Dial("tcp", r.target)
		if err != nil {
			_ = c.Close()
			continue
		}
		r.mu.Lock()
		r.conns[c], r.conns[s] = struct{}{}, struct{}{}
		r.mu.Unlock()
		go func() { _, _ = io.Copy(s, c); _ = s.Close() }()
		go func() { _, _ = io.Copy(c, s); _ = c.Close() }()
	}
}

func (r *relay) setCut(cut bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.cut = cut
	if cut {
		for c := range r.conns {
			_ = c.Close()
		}
		r.conns = map[net.Conn]struct{}{}
	}
}

// through opens another pool for p, by way of address.
func through(t *testing.T, p place, address string, change func(*pgxpool.Config)) *pgxpool.Pool {
	t.Helper()
	config := p.pool.Config()
	host, port, err := net.SplitHostPort(address)
	require.NoError(t, err)
	config.ConnConfig.Host = host
	_, err = fmt.Sscan(port, &config.ConnConfig.Port)
	require.NoError(t, err)
	config.ConnConfig.Fallbacks = nil
	if change != nil {
		change(config)
	}
	pool, err := pgxpool.NewWithConfig(t.Context(), config)
	require.NoError(t, err)
	t.Cleanup(pool.Close)
	return pool
}

func server(t *testing.T) string {
	t.Helper()
	c, err := pgx.ParseConfig(dsn(t))
	require.NoError(t, err)
	return net.JoinHostPort(c.Host, fmt.Sprint(c.Port))
}

// TestR5_DatabaseAway cuts all connections in the middle of writing and working, refuses new ones for
// a while, and lets them in again: what was acknowledged is there, whole, and every job runs.
func TestR5_DatabaseAway(t *testing.T) {
	t.Parallel()
	p := migrated(t)
	r := newRelay(t, server(t))
	s, err := postgres.New(t.Context(), through(t, p, r.Addr().String(), nil), append(p.options(), postgres.InsecureUnsynced(), postgres.WithLogger(silent))...)
	require.NoError(t, err)

	var ran sync.Map
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() {
		done <- s.Queue().Run(ctx, queue.Options{Poll: 50 * time.Millisecond, Kinds: map[string]queue.Kind{"k": {Lease: time.Second, Work: func(_ context.Context, j queue.Job) error {
			ran.Store(j.Key, true)
			return nil
		}}}})
	}()

	var acked sync.Map
	var failed atomic.Int64
	stop := make(chan struct{})
	var writers sync.WaitGroup
	for g := range 4 {
		writers.Go(func() {
			for i := 0; ; i++ {
				select {
				case <-stop:
					return
				default:
				}
				key := fmt.Sprintf("%d-%d", g, i)
				if claimOne(t.Context(), s, key) == nil {
					acked.Store(key, true)
				} else {
					failed.Add(1)
					time.Sleep(10 * time.Millisecond)
				}
			}
		})
	}
	for range 3 {
		time.Sleep(300 * time.Millisecond)
		r.setCut(true)
		time.Sleep(200 * time.Millisecond)
		r.setCut(false)
	}
	time.Sleep(500 * time.Millisecond)
	close(stop)
	writers.Wait()
	require.Positive(t, failed.Load())
	n := 0
	acked.Range(func(key, _ any) bool {
		n++
		require.Eventually(t, func() bool { _, ok := ran.Load(key); return ok }, 30*time.Second, 10*time.Millisecond, "job %v", key)
		return true
	})
	require.Positive(t, n)
	cancel()
	require.NoError(t, <-done)
	claims := names(t, p, `SELECT replace(activity, 'https://a.example/', '') FROM `+p.name+`.kith_receipts`)
	posts := names(t, p, `SELECT replace(activity, 'https://us.example/', '') FROM `+p.name+`.kith_posts`)
	require.Equal(t, claims, posts, "whole or not at all")
	acked.Range(func(key, _ any) bool {
		require.True(t, claims[key.(string)], key)
		return true
	})
	t.Logf("%d acknowledged, %d refused", n, failed.Load())
}

// claimOne does what an inbox does before it answers: the claim, its job, and an effect.
func claimOne(ctx context.Context, s *postgres.Store, name string) error {
	return s.Update(ctx, func(ctx context.Context, tx storage.Tx) error {
		if _, _, err := tx.Claim(ctx, storage.Receipt{Activity: as.IRI("https://a.example/" + name), Actor: "https://a.example/u"}); err != nil {
			return err
		}
		if err := tx.Enqueue(ctx, queue.Job{Kind: "k", Key: name}); err != nil {
			return err
		}
		_, err := tx.AddPost(ctx, storage.Post{Sender: "alice", Activity: as.IRI("https://us.example/" + name)})
		return err
	})
}

func names(t *testing.T, p place, query string) map[string]bool {
	t.Helper()
	rows, err := p.pool.Query(t.Context(), query)
	require.NoError(t, err)
	list, err := pgx.CollectRows(rows, pgx.RowTo[string])
	require.NoError(t, err)
	set := map[string]bool{}
	for _, v := range list {
		require.False(t, set[v], "twice: %s", v)
		set[v] = true
	}
	return set
}

const childVariable = "KITH_POSTGRES_CHILD"

// child claims until it is killed, and prints each name once the claim is stored.
func child(schema string) error {
	config, err := pgxpool.ParseConfig(os.Getenv("KITH_TEST_POSTGRES_CHILD"))
	if err != nil {
		return err
	}
	config.ConnConfig.RuntimeParams["application_name"] = schema // by which its connections are known
	pool, err := pgxpool.NewWithConfig(context.Background(), config)
	if err != nil {
		return err
	}
	s, err := postgres.New(context.Background(), pool, place{name: schema}.options()...)
	if err != nil {
		return err
	}
	fmt.Println("ready")
	errs := make(chan error, 4)
	for g := range 4 {
		go func() {
			for i := 0; ; i++ {
				name := fmt.Sprintf("m-%d-%d-%d-m", os.Getpid(), g, i)
				if err := claimOne(context.Background(), s, name); err != nil {
					errs <- err
					return
				}
				_, _ = io.WriteString(os.Stdout, "ack "+name+"\n")
			}
		}()
	}
	return <-errs
}

// TestR1_KilledWhileReceiving kills the process at random times: what was acknowledged is there, whole,
// and what is there is whole.
func TestR1_KilledWhileReceiving(t *testing.T) {
	t.Parallel()
	p := migrated(t)
	cycles := 6
	if sharedtest.Long() {
		cycles = 200
	}
	acked := map[string]bool{}
	for range cycles {
		cmd := exec.Command(os.Args[0])
		cmd.Env = append(os.Environ(), childVariable+"="+p.name, "KITH_TEST_POSTGRES_CHILD="+dsn(t))
		cmd.Stderr = os.Stderr
		out, err := cmd.StdoutPipe()
		require.NoError(t, err)
		require.NoError(t, cmd.Start())
		lines := bufio.NewScanner(out)
		require.True(t, lines.Scan())
		require.Equal(t, "ready", lines.Text())
		kill := time.AfterFunc(time.Duration(30+rand.IntN(150))*time.Millisecond, func() { _ = cmd.Process.Kill() })
		for lines.Scan() {
			if name, ok := strings.CutPrefix(lines.Text(), "ack "); ok && strings.HasSuffix(name, "-m") {
				acked[name] = true
			}
		}
		require.Error(t, cmd.Wait(), "killed")
		kill.Stop()
	}
	// The server may still be at work on what the last one sent.
	require.Eventually(t, func() bool {
		var n int
		require.NoError(t, p.pool.QueryRow(t.Context(), `SELECT count(*) FROM pg_stat_activity WHERE application_name = $1`, p.name).Scan(&n))
		return n == 0
	}, 10*time.Second, 20*time.Millisecond)
	claims := names(t, p, `SELECT replace(activity, 'https://a.example/', '') FROM `+p.name+`.kith_receipts`)
	require.Equal(t, claims, names(t, p, `SELECT args->>'key' FROM `+p.name+`_river.river_job`), "claim and job together")
	require.Equal(t, claims, names(t, p, `SELECT replace(activity, 'https://us.example/', '') FROM `+p.name+`.kith_posts`), "claim and effect together")
	for name := range acked {
		require.True(t, claims[name], "%s was acknowledged and is lost", name)
	}
	require.NotEmpty(t, acked)
	t.Logf("%d acknowledged, %d stored and not yet told in %d kills", len(acked), len(claims)-len(acked), cycles)
}

// bouncer starts PgBouncer with transaction pooling in front of the server.
func bouncer(t *testing.T) (address string) {
	t.Helper()
	target, err := pgx.ParseConfig(dsn(t))
	require.NoError(t, err)
	program, err := exec.LookPath("pgbouncer")
	sharedtest.Require(t, "pgbouncer", err == nil, "this test runs a pooler: apt-get install pgbouncer")
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	address = l.Addr().String()
	_, port, err := net.SplitHostPort(address)
	require.NoError(t, err)
	require.NoError(t, l.Close())
	dir, err := os.MkdirTemp("", "kith-pgbouncer")
	require.NoError(t, err)
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	require.NoError(t, os.Chmod(dir, 0o755))
	users := filepath.Join(dir, "users.txt")
	require.NoError(t, os.WriteFile(users, fmt.Appendf(nil, "%q %q\n", target.User, target.Password), 0o644))
	ini := filepath.Join(dir, "pgbouncer.ini")
	require.NoError(t, os.WriteFile(ini, fmt.Appendf(nil, "[databases]\n* = host=%s port=%d\n[pgbouncer]\nlisten_addr = 127.0.0.1\nlisten_port = %s\nunix_socket_dir =\n"+
		"auth_type = trust\nauth_file = %s\npool_mode = transaction\ndefault_pool_size = 4\nmax_client_conn = 200\nignore_startup_parameters = extra_float_digits,synchronous_commit\n",
		target.Host, target.Port, port, users), 0o644))
	args := []string{ini}
	if os.Geteuid() == 0 { // it refuses to run as root
		args = append([]string{"-u", "nobody"}, args...)
	}
	cmd := exec.Command(program, args...)
	require.NoError(t, cmd.Start())
	t.Cleanup(func() { _ = cmd.Process.Kill(); _ = cmd.Wait() })
	require.Eventually(t, func() bool {
		c, err := net.Dial("tcp", address)
		return err == nil && c.Close() == nil
	}, 5*time.Second, 20*time.Millisecond)
	return address
}

// TestPgBouncer works behind a pooler that gives each transaction another connection: the suite of
// queues, and in its long form that of stores.
func TestPgBouncer(t *testing.T) {
	t.Parallel()
	address := bouncer(t)
	behind := func(t *testing.T) *postgres.Store {
		p := migrated(t)
		pool := through(t, p, address, func(c *pgxpool.Config) {
			c.ConnConfig.DefaultQueryExecMode = pgx.QueryExecModeExec
		})
		s, err := postgres.New(t.Context(), pool, append(p.options(), postgres.WithPollOnly(), postgres.InsecureUnsynced(), postgres.WithLogger(silent))...)
		require.NoError(t, err)
		return s
	}
	t.Run("Store", func(t *testing.T) {
		t.Parallel()
		if !sharedtest.Long() {
			s := behind(t)
			for i := range 20 {
				require.NoError(t, claimOne(t.Context(), s, fmt.Sprint(i)))
			}
			return
		}
		storagetest.Run(t, func(t *testing.T) storage.Store { return behind(t) })
	})
	t.Run("Queue", func(t *testing.T) {
		t.Parallel()
		queuetest.Run(t, func(t *testing.T) queue.Queue { return behind(t).Queue() })
	})
	t.Run("Migrate", func(t *testing.T) {
		t.Parallel()
		p := fresh(t)
		pool := through(t, p, address, func(c *pgxpool.Config) { c.ConnConfig.DefaultQueryExecMode = pgx.QueryExecModeExec })
		require.NoError(t, postgres.Migrate(t.Context(), pool, p.options()...))
	})
}

// TestR5_F10_AwayWithABacklog takes the database away in the middle of a backlog: nobody's work is
// acknowledged meanwhile, and when it is back all that ever was is handled, and nothing is left that is due.
// The long form takes it away for a minute and gives ten seconds after.
func TestR5_F10_AwayWithABacklog(t *testing.T) {
	away, within := time.Second, 3*time.Minute // leases are of a minute
	if sharedtest.Long() {
		away, within = time.Minute, 10*time.Second
	} else {
		t.Parallel()
	}
	const backlog, free = 1000, 100
	p := migrated(t)
	r := newRelay(t, server(t))
	s, err := postgres.New(t.Context(), through(t, p, r.Addr().String(), nil), append(p.options(), postgres.InsecureUnsynced(), postgres.WithLogger(silent))...)
	require.NoError(t, err)
	number := func(query string) (n int) { // asked past the relay
		t.Helper()
		require.NoError(t, p.pool.QueryRow(t.Context(), strings.NewReplacer("kith_", p.name+".kith_", "river_", p.name+"_river.river_").Replace(query)).Scan(&n))
		return n
	}

	// All but the first jobs wait for the outage, so that some are leased, and some run, when it begins.
	gone := make(chan struct{})
	var ran, failed, refused, n atomic.Int64
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() {
		done <- s.Queue().Run(ctx, queue.Options{Kinds: map[string]queue.Kind{"inbox": {Work: func(ctx context.Context, j queue.Job) error {
			if ran.Add(1) > free {
				<-gone
			}
			err := s.FinishReceipt(ctx, j.Key, storage.ReceiptDone, "", time.Time{})
			if err != nil {
				failed.Add(1)
			}
			return err
		}}}})
	}()
	claim := func(name string) error {
		return s.Update(t.Context(), func(ctx context.Context, tx storage.Tx) error {
			c, _, err := tx.Claim(ctx, storage.Receipt{Activity: as.IRI("https://a.example/" + name), Actor: "https://a.example/u"})
			if err != nil {
				return err
			}
			if err := tx.Enqueue(ctx, queue.Job{Kind: "inbox", Key: c.ID}); err != nil {
				return err
			}
			_, err = tx.AddPost(ctx, storage.Post{Sender: "alice", Activity: as.IRI("https://us.example/" + name)})
			return err
		})
	}

	var acked sync.Map
	stop := make(chan struct{})
	var writers sync.WaitGroup
	for g := range 8 {
		writers.Go(func() {
			for i := 0; ; i++ {
				select {
				case <-stop:
					return
				default:
				}
				if n.Load() >= backlog { // enough to do: keep asking, now and then
					time.Sleep(50 * time.Millisecond)
				}
				if name := fmt.Sprintf("%d-%d", g, i); claim(name) == nil {
					acked.Store(name, true)
					n.Add(1)
				} else {
					refused.Add(1)
				}
			}
		})
	}
	require.Eventually(t, func() bool { return n.Load() >= backlog && ran.Load() > free }, time.Minute, 5*time.Millisecond)

	r.setCut(true)
	close(gone)
	time.Sleep(away)
	waiting := number(`SELECT count(*) FROM kith_receipts WHERE state = 'pending'`)
	require.Positive(t, waiting)
	require.LessOrEqual(t, int(n.Load()), number(`SELECT count(*) FROM kith_receipts`), "nothing is acknowledged that is not stored")
	require.Positive(t, refused.Load())
	require.Positive(t, failed.Load(), "work was under way")

	r.setCut(false)
	back := time.Now()
	close(stop)
	require.Eventually(t, func() bool { return claim("after") == nil }, within, 20*time.Millisecond)
	acked.Store("after", true)
	serves := time.Since(back)
	writers.Wait()
	require.Eventually(t, func() bool {
		return number(`SELECT (SELECT count(*) FROM kith_receipts WHERE state = 'pending') + (SELECT count(*) FROM kith_relay) +
			(SELECT count(*) FROM river_job WHERE state IN ('available', 'running', 'retryable') OR state = 'scheduled' AND scheduled_at <= now())`) == 0
	}, within-time.Since(back), 20*time.Millisecond, "what waits is handled in time")
	normal := time.Since(back)
	cancel()
	require.NoError(t, <-done)

	handled := names(t, p, `SELECT replace(activity, 'https://a.example/', '') FROM `+p.name+`.kith_receipts WHERE state = 'done'`)
	require.Equal(t, handled, names(t, p, `SELECT replace(activity, 'https://us.example/', '') FROM `+p.name+`.kith_posts`), "whole or not at all")
	acked.Range(func(name, _ any) bool {
		require.True(t, handled[name.(string)], "%s was acknowledged and is not handled", name)
		return true
	})
	t.Logf("away for %v with %d pending; %d acknowledged, %d refused, %d runs failed; takes messages after %v, normal after %v",
		away, waiting, n.Load()+1, refused.Load(), failed.Load(), serves, normal)
}
