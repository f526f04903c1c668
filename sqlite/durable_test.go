package sqlite_test

import (
	"bufio"
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	as "github.com/gokith/kith/activitystreams"
	"github.com/gokith/kith/internal/sharedtest"
	"github.com/gokith/kith/queue"
	"github.com/gokith/kith/sqlite"
	"github.com/gokith/kith/storage"
)

// These tests run the test program again as a child that can be killed, traced and starved.

const childVariable = "KITH_SQLITE_CHILD"

func TestMain(m *testing.M) {
	if role, path, ok := strings.Cut(os.Getenv(childVariable), ":"); ok {
		if err := children[role](path); err != nil {
			fmt.Fprintln(os.Stderr, role, err)
			os.Exit(1)
		}
		os.Exit(0)
	}
	os.Exit(m.Run())
}

var children = map[string]func(path string) error{
	"claim":   func(path string) error { return childClaim(path, 8, 1<<30) },
	"few":     func(path string) error { return childClaim(path, 4, 40) },
	"migrate": childMigrate,
	"limited": childLimited,
	"hold":    childHold,
}

func child(t *testing.T, role, path string, wrap ...string) *exec.Cmd {
	t.Helper()
	args := append(wrap, os.Args[0])
	cmd := exec.Command(args[0], args[1:]...)
	cmd.Env = append(os.Environ(), childVariable+"="+role+":"+path)
	cmd.Stderr = os.Stderr
	return cmd
}

// marker names the i-th claim of a process, so that it is found among the bytes written.
func marker(pid, i int) string { return fmt.Sprintf("m-%d-%06d-m", pid, i) }

// claimOne does what an inbox does before it answers: the claim, its job, and an effect.
func claimOne(ctx context.Context, s *sqlite.Store, name string) error {
	return s.Update(ctx, func(ctx context.Context, tx storage.Tx) error {
		r, _, err := tx.Claim(ctx, storage.Receipt{Activity: as.IRI("https://a.example/" + name), Actor: "https://a.example/u", Body: []byte(name)})
		if err != nil {
			return err
		}
		if err := tx.Enqueue(ctx, queue.Job{Kind: "inbox", Key: r.ID, Payload: []byte(name)}); err != nil {
			return err
		}
		_, err = tx.AddPost(ctx, storage.Post{Sender: "alice", Activity: as.IRI("https://us.example/" + name), Payload: []byte(name)})
		return err
	})
}

// childClaim claims from several goroutines and prints each name once the claim is stored.
func childClaim(path string, goroutines, n int) error {
	s, err := sqlite.Open(path)
	if err != nil {
		return err
	}
	fmt.Println("ready")
	var wg sync.WaitGroup
	errs := make(chan error, goroutines)
	for g := range goroutines {
		wg.Go(func() {
			for i := g; i < n; i += goroutines {
				name := marker(os.Getpid(), i)
				if err := claimOne(context.Background(), s, name); err != nil {
					errs <- err
					return
				}
				_, _ = io.WriteString(os.Stdout, "ack "+name+"\n") // one write for each
			}
		})
	}
	wg.Wait()
	close(errs)
	return errors.Join(<-errs, s.Close())
}

// TestR1_KilledWhileReceiving kills the process at random times: what was acknowledged is there, whole,
// and what is there is whole.
func TestR1_KilledWhileReceiving(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "kith.db")
	cycles := 12
	if sharedtest.Long() {
		cycles = 200
	}
	acked := map[string]bool{}
	inFlight := 0
	for range cycles {
		cmd := child(t, "claim", path)
		out, err := cmd.StdoutPipe()
		require.NoError(t, err)
		require.NoError(t, cmd.Start())
		lines := bufio.NewScanner(out)
		require.True(t, lines.Scan())
		require.Equal(t, "ready", lines.Text())
		kill := time.AfterFunc(time.Duration(rand.IntN(60))*time.Millisecond, func() { _ = cmd.Process.Kill() })
		for lines.Scan() {
			if name, ok := strings.CutPrefix(lines.Text(), "ack "); ok && strings.HasSuffix(name, "-m") {
				acked[name] = true
			}
		}
		require.Error(t, cmd.Wait(), "killed")
		kill.Stop()

		s, err := sqlite.Open(path)
		require.NoError(t, err)
		claims := rowsOf(t, s, `SELECT replace(activity, 'https://a.example/', '') FROM kith_receipts`)
		jobs := rowsOf(t, s, `SELECT CAST(payload AS TEXT) FROM kith_jobs`)
		posts := rowsOf(t, s, `SELECT replace(activity, 'https://us.example/', '') FROM kith_posts`)
		require.Equal(t, claims, jobs, "claim and job together")
		require.Equal(t, claims, posts, "claim and effect together")
		for name := range acked {
			require.True(t, claims[name], "%s was acknowledged and is lost", name)
		}
		inFlight = len(claims) - len(acked)
		require.Equal(t, map[string]bool{"ok": true}, rowsOf(t, s, `PRAGMA integrity_check`))
		require.NoError(t, s.Close())
	}
	require.NotEmpty(t, acked)
	t.Logf("%d acknowledged, %d stored and not yet told in %d kills", len(acked), inFlight, cycles)
}

// rowsOf is the set of what a query yields.
func rowsOf(t *testing.T, s *sqlite.Store, query string) map[string]bool {
	t.Helper()
	rows, err := s.DB().Query(query)
	require.NoError(t, err)
	defer rows.Close()
	set := map[string]bool{}
	for rows.Next() {
		var v string
		require.NoError(t, rows.Scan(&v))
		require.False(t, set[v], "twice: %s", v)
		set[v] = true
	}
	require.NoError(t, rows.Err())
	return set
}

var (
	traceCall    = regexp.MustCompile(`^(\d+) +(pwrite64|write|fsync|fdatasync)\((\d+)(.*)$`)
	traceResumed = regexp.MustCompile(`^(\d+) +<\.\.\. (fsync|fdatasync) resumed>.* = 0$`)
)

// TestS88_SyncBeforeReturn traces the system calls of a process that shares commits among four
// writers: between writing a claim to the log and telling that it is stored, a sync of that file
// begins and ends.
func TestS88_SyncBeforeReturn(t *testing.T) {
	t.Parallel()
	strace, err := exec.LookPath("strace")
	sharedtest.Require(t, "strace", err == nil, "this test traces system calls: apt-get install strace")
	dir := t.TempDir()
	trace := filepath.Join(dir, "trace")
	out, err := child(t, "few", filepath.Join(dir, "kith.db"), strace, "-f", "-qq", "-s", "65536", "-e", "trace=pwrite64,write,fsync,fdatasync", "-o", trace).Output()
	require.NoError(t, err)
	require.Contains(t, string(out), "ack ")

	f, err := os.Open(trace)
	require.NoError(t, err)
	defer f.Close()
	lines := bufio.NewScanner(f)
	lines.Buffer(nil, 1<<20)
	type write struct {
		line int
		fd   string
	}
	type syncing struct {
		fd    string
		begin int
	}
	written := map[string]write{}
	open := map[string]syncing{} // by thread
	synced := map[string]int{}   // when the last complete sync of a file began
	markers := regexp.MustCompile(`m-\d+-\d{6}-m`)
	acks := 0
	for n := 1; lines.Scan(); n++ {
		text := lines.Text()
		if m := traceResumed.FindStringSubmatch(text); m != nil {
			synced[open[m[1]].fd] = open[m[1]].begin
			continue
		}
		m := traceCall.FindStringSubmatch(text)
		if m == nil {
			continue
		}
		pid, call, fd, rest := m[1], m[2], m[3], m[4]
		switch {
		case call == "fsync" || call == "fdatasync":
			if strings.HasSuffix(rest, "= 0") {
				synced[fd] = n
			} else {
				open[pid] = syncing{fd, n}
			}
		case call == "pwrite64":
			for _, name := range markers.FindAllString(rest, -1) {
				if _, ok := written[name]; !ok {
					written[name] = write{n, fd}
				}
			}
		case fd == "1" && strings.Contains(rest, "ack "):
			name := markers.FindString(rest)
			w, ok := written[name]
			require.True(t, ok, "line %d tells of %s, which was not written", n, name)
			require.Greater(t, synced[w.fd], w.line, "line %d tells of %s before the sync", n, name)
			acks++
		}
	}
	require.NoError(t, lines.Err())
	require.Equal(t, 40, acks)
}

func childMigrate(path string) error {
	db, err := sql.Open("sqlite", "file:"+path+"?_pragma=journal_mode(wal)&_pragma=busy_timeout(5000)")
	if err != nil {
		return err
	}
	if err := db.Ping(); err != nil {
		return err
	}
	fmt.Println("ready")
	return sqlite.Migrate(context.Background(), db)
}

// TestS97_MigrationInterrupted kills a migration at random times, while another process migrates too:
// each leaves nothing or everything, and the next one ends it.
func TestS97_MigrationInterrupted(t *testing.T) {
	t.Parallel()
	runs := 10
	if sharedtest.Long() {
		runs = 50
	}
	for i := range runs {
		path := filepath.Join(t.TempDir(), fmt.Sprint(i, ".db"))
		cmd := child(t, "migrate", path)
		out, err := cmd.StdoutPipe()
		require.NoError(t, err)
		require.NoError(t, cmd.Start())
		_, err = bufio.NewReader(out).ReadString('\n')
		require.NoError(t, err)
		time.Sleep(time.Duration(rand.IntN(6000)) * time.Microsecond)
		_ = cmd.Process.Kill()
		_ = cmd.Wait()

		db := handle(t, path, safe...)
		var tables int
		require.NoError(t, db.QueryRow(`SELECT count(*) FROM sqlite_schema WHERE name LIKE 'kith_%' AND type = 'table'`).Scan(&tables))
		if tables != 0 {
			_, err := sqlite.New(db)
			require.NoError(t, err, "tables without their version")
		}
		var wg sync.WaitGroup
		for range 4 {
			wg.Go(func() { require.NoError(t, sqlite.Migrate(t.Context(), db)) })
		}
		wg.Wait()
		_, err = sqlite.New(db)
		require.NoError(t, err)
	}
}

// childLimited fills a database up to the process's limit on file sizes, then lifts the limit.
func childLimited(path string) error {
	signal.Ignore(syscall.SIGXFSZ)
	s, err := sqlite.Open(path)
	if err != nil {
		return err
	}
	var limit syscall.Rlimit
	if err := syscall.Getrlimit(syscall.RLIMIT_FSIZE, &limit); err != nil {
		return err
	}
	full := limit
	full.Cur = 600 << 10
	if err := syscall.Setrlimit(syscall.RLIMIT_FSIZE, &full); err != nil {
		return err
	}
	var mu sync.Mutex
	failed := 0
	each(8, 3000, func(i int) {
		name := marker(1, i)
		err := claimOne(context.Background(), s, name)
		mu.Lock()
		defer mu.Unlock()
		if err != nil {
			failed++
			return
		}
		fmt.Println("ack", name)
	})
	fmt.Println("failed", failed)
	if err := syscall.Setrlimit(syscall.RLIMIT_FSIZE, &limit); err != nil {
		return err
	}
	if err := claimOne(context.Background(), s, "after"); err != nil {
		return fmt.Errorf("after space returned: %w", err)
	}
	fmt.Println("ack after")
	return s.Close()
}

func TestR4_DiskFull(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "kith.db")
	out, err := child(t, "limited", path).Output()
	require.NoError(t, err)
	acked, failed := map[string]bool{}, 0
	for line := range strings.Lines(string(out)) {
		line = strings.TrimSpace(line)
		if name, ok := strings.CutPrefix(line, "ack "); ok {
			acked[name] = true
		}
		if n, ok := strings.CutPrefix(line, "failed "); ok {
			failed, err = strconv.Atoi(n)
			require.NoError(t, err)
		}
	}
	require.Positive(t, failed)
	require.True(t, acked["after"], "no restart is needed")
	require.Greater(t, len(acked), 10)
	t.Logf("%d stored, %d refused", len(acked), failed)

	s, err := sqlite.Open(path)
	require.NoError(t, err)
	defer s.Close()
	claims := rowsOf(t, s, `SELECT replace(activity, 'https://a.example/', '') FROM kith_receipts`)
	require.Equal(t, acked, claims, "what was told, and nothing else")
	require.Equal(t, claims, rowsOf(t, s, `SELECT CAST(payload AS TEXT) FROM kith_jobs`))
	require.Equal(t, map[string]bool{"ok": true}, rowsOf(t, s, `PRAGMA integrity_check`))
}
