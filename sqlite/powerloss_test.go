package sqlite_test

import (
	"bufio"
	"encoding/hex"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/gokith/kith/internal/sharedtest"
	"github.com/gokith/kith/sqlite"
)

// A disk is the history of what a process did to its files, from the trace of its system calls. It
// can be stopped anywhere, as by a power failure.
type disk struct {
	events []event
}

type event struct {
	kind string // write, truncate, sync, ack
	file string
	off  int64
	data []byte // of a write; the name of an ack
	size int64  // of a truncation
	from int    // of a sync: the event at which it began
}

var (
	callLine    = regexp.MustCompile(`^(\d+) +(\w+)\((.*)$`)
	resumedLine = regexp.MustCompile(`^(\d+) +<\.\.\. (\w+) resumed>(.*)$`)
	hexText     = regexp.MustCompile(`"((?:\\x[0-9a-f]{2})*)"`)
	result      = regexp.MustCompile(`= (-?\d+)`)
)

// readTrace reads what strace -xx wrote.
func readTrace(t *testing.T, path string) *disk {
	t.Helper()
	f, err := os.Open(path)
	require.NoError(t, err)
	defer f.Close()
	d := &disk{}
	files := map[string]string{} // by descriptor
	type pending struct {
		call, args string
		event      int
	}
	waiting := map[string]pending{} // by thread
	lines := bufio.NewScanner(f)
	lines.Buffer(nil, 4<<20)
	for lines.Scan() {
		var pid, call, args string
		begun := len(d.events)
		if m := resumedLine.FindStringSubmatch(lines.Text()); m != nil {
			p := waiting[m[1]]
			call, args, begun = p.call, p.args+m[3], p.event
		} else if m := callLine.FindStringSubmatch(lines.Text()); m != nil {
			pid, call, args = m[1], m[2], m[3]
			if call == "pwrite64" || call == "write" { // what is asked for may happen from now on
				d.write(t, call, args, files)
			}
			if strings.HasSuffix(args, "<unfinished ...>") {
				waiting[pid] = pending{call, strings.TrimSuffix(args, "<unfinished ...>"), begun}
				continue
			}
		}
		ok := result.FindStringSubmatch(args)
		if ok == nil || strings.HasPrefix(ok[1], "-") {
			continue
		}
		fd, rest, _ := strings.Cut(args, ",")
		switch call {
		case "open", "openat":
			files[ok[1]] = string(unhex(t, args))
		case "ftruncate":
			size, err := strconv.ParseInt(strings.TrimSpace(strings.SplitN(rest, ")", 2)[0]), 10, 64)
			require.NoError(t, err)
			d.events = append(d.events, event{kind: "truncate", file: files[fd], size: size})
		case "fsync", "fdatasync":
			fd, _, _ = strings.Cut(fd, ")")
			d.events = append(d.events, event{kind: "sync", file: files[strings.TrimSpace(fd)], from: begun})
		}
	}
	require.NoError(t, lines.Err())
	return d
}

func unhex(t *testing.T, args string) []byte {
	t.Helper()
	m := hexText.FindStringSubmatch(args)
	require.NotNil(t, m, "no text in %.200s", args)
	b, err := hex.DecodeString(strings.ReplaceAll(m[1], `\x`, ""))
	require.NoError(t, err)
	return b
}

func (d *disk) write(t *testing.T, call, args string, files map[string]string) {
	t.Helper()
	fd, rest, _ := strings.Cut(args, ",")
	if call == "write" {
		if fd == "1" {
			if name, ok := strings.CutPrefix(strings.TrimSpace(string(unhex(t, rest))), "ack "); ok {
				d.events = append(d.events, event{kind: "ack", data: []byte(name)})
			}
		}
		return
	}
	numbers := strings.Split(rest[strings.LastIndex(rest, `"`)+1:], ",")
	require.Len(t, numbers, 3, "%.100s", rest)
	off, err := strconv.ParseInt(strings.TrimSpace(strings.SplitN(strings.TrimSpace(numbers[2]), ")", 2)[0]), 10, 64)
	if err != nil {
		off, err = strconv.ParseInt(strings.Fields(numbers[2])[0], 10, 64)
	}
	require.NoError(t, err, numbers[2])
	d.events = append(d.events, event{kind: "write", file: files[fd], off: off, data: unhex(t, rest)})
}

// crash writes to dir what is on the disk when the power fails after the first n events: all that was
// synced, and of the rest any part, sector by sector. It returns the names acknowledged by then.
func (d *disk) crash(t *testing.T, n int, dir string, random *rand.Rand) (acked []string) {
	t.Helper()
	durable := map[string]int{}
	for _, e := range d.events[:n] {
		switch e.kind {
		case "sync":
			durable[e.file] = max(durable[e.file], e.from)
		case "ack":
			acked = append(acked, string(e.data))
		}
	}
	contents := map[string][]byte{}
	for i, e := range d.events[:n] {
		if filepath.Base(e.file) != "kith.db" && filepath.Base(e.file) != "kith.db-wal" {
			continue // the index of the log is rebuilt, the rest is not ours
		}
		c := contents[e.file]
		synced := i < durable[e.file]
		switch e.kind {
		case "truncate":
			if synced || random.IntN(2) == 0 {
				c = resize(c, e.size)
			}
		case "write":
			const sector = 512
			for at := 0; at < len(e.data); at += sector {
				if !synced && random.IntN(2) == 0 {
					continue
				}
				part := e.data[at:min(at+sector, len(e.data))]
				c = resize(c, max(int64(len(c)), e.off+int64(at+len(part))))
				copy(c[e.off+int64(at):], part)
			}
		}
		contents[e.file] = c
	}
	for file, c := range contents {
		require.NoError(t, os.WriteFile(filepath.Join(dir, filepath.Base(file)), c, 0o600))
	}
	return acked
}

func resize(b []byte, size int64) []byte {
	if int64(len(b)) >= size {
		return b[:size]
	}
	return append(b, make([]byte, size-int64(len(b)))...)
}

// TestR3_PowerLoss stops the disk at random points, without what had not been synced and with parts of
// what was being written: all that was acknowledged is there, and everything is whole.
func TestR3_PowerLoss(t *testing.T) {
	t.Parallel()
	strace, err := exec.LookPath("strace")
	sharedtest.Require(t, "strace", err == nil, "this test traces system calls: apt-get install strace")
	dir := t.TempDir()
	trace := filepath.Join(dir, "trace")
	require.NoError(t, child(t, "few", filepath.Join(dir, "kith.db"), strace, "-f", "-qq", "-xx", "-s", "65536",
		"-e", "trace=?open,openat,pwrite64,write,ftruncate,fsync,fdatasync", "-o", trace).Run())
	d := readTrace(t, trace)
	var ends []int // just after an acknowledgement is the worst moment
	for i, e := range d.events {
		if e.kind == "ack" {
			ends = append(ends, i+1)
		}
	}
	require.Len(t, ends, 40)
	seed := rand.Uint64()
	random := rand.New(rand.NewPCG(seed, 0))
	crashes := 25
	if sharedtest.Long() {
		crashes = 1000
	}
	lost := 0
	for k := range crashes {
		end := ends[random.IntN(len(ends))]
		if k%3 == 0 { // or anywhere after the first
			end = ends[0] + random.IntN(len(d.events)-ends[0])
		}
		dir := t.TempDir()
		acked := d.crash(t, end, dir, random)
		s, err := sqlite.Open(filepath.Join(dir, "kith.db"))
		require.NoError(t, err, "seed %d, event %d", seed, end)
		claims := rowsOf(t, s, `SELECT replace(activity, 'https://a.example/', '') FROM kith_receipts`)
		for _, name := range acked {
			require.True(t, claims[name], "seed %d, event %d: %s was acknowledged and is lost", seed, end, name)
		}
		require.Equal(t, claims, rowsOf(t, s, `SELECT CAST(payload AS TEXT) FROM kith_jobs`))
		require.Equal(t, claims, rowsOf(t, s, `SELECT replace(activity, 'https://us.example/', '') FROM kith_posts`))
		require.Equal(t, map[string]bool{"ok": true}, rowsOf(t, s, `PRAGMA integrity_check`))
		require.NoError(t, s.Close())
		lost += 40 - len(claims)
	}
	require.NotZero(t, lost, "each crash came after everything was done")
}
