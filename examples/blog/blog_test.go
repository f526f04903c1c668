package main

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	as "github.com/gokith/kith/activitystreams"
)

// patience is how long anything may take that will happen. Machines that run tests are slow.
const patience = 60 * time.Second

// temp is where programs are built.
var temp string

func TestMain(m *testing.M) {
	var err error
	if temp, err = os.MkdirTemp("", "blog"); err != nil {
		panic(err)
	}
	code := m.Run()
	_ = os.RemoveAll(temp)
	os.Exit(code)
}

var blogProgram, kithProgram = build("."), build("github.com/gokith/kith/cmd/kith")

// build makes a program as a user would, once.
func build(pkg string) func() string {
	return sync.OnceValue(func() string {
		dir, err := os.MkdirTemp(temp, "")
		if err != nil {
			panic(err)
		}
		path := filepath.Join(dir, "program")
		if out, err := exec.Command("go", "build", "-o", path, pkg).CombinedOutput(); err != nil {
			panic(fmt.Sprintf("go build %s: %v\n%s", pkg, err, out))
		}
		return path
	})
}

// setup is a blog that is not running: its folder, its database, its address.
type setup struct {
	t      *testing.T
	dir    string
	addr   string
	origin string
}

func newSetup(t *testing.T) *setup {
	t.Helper()
	t.Parallel()
	s := &setup{t: t, dir: t.TempDir(), addr: freeAddr(t)}
	s.origin = "http://" + s.addr
	require.NoError(t, os.Mkdir(s.posts(), 0o700))
	return s
}

// freeAddr returns an address on which nobody listens now.
func freeAddr(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	defer l.Close()
	return l.Addr().String()
}

func (s *setup) posts() string           { return filepath.Join(s.dir, "posts") }
func (s *setup) db() string              { return filepath.Join(s.dir, "blog.db") }
func (s *setup) post(slug string) as.IRI { return as.IRI(s.origin + "/posts/" + slug) }
func (s *setup) actor() as.IRI           { return as.IRI(s.origin + "/ap/actors/blog") }
func (s *setup) inbox() string           { return s.origin + "/ap/inbox" }

// write puts a file into the folder, at once.
func (s *setup) write(name, text string) {
	s.t.Helper()
	tmp := filepath.Join(s.dir, "new")
	require.NoError(s.t, os.WriteFile(tmp, []byte(text), 0o600))
	require.NoError(s.t, os.Rename(tmp, filepath.Join(s.posts(), name)))
}

func (s *setup) unlink(name string) {
	s.t.Helper()
	require.NoError(s.t, os.Remove(filepath.Join(s.posts(), name)))
}

// args are the flags of every start, with more behind them, which win.
func (s *setup) args(more ...string) []string {
	return append([]string{"-addr", s.addr, "-origin", s.origin, "-posts", s.posts(), "-db", s.db(), "-allow", "127.0.0.0/8"}, more...)
}

// running is a blog that runs.
type running struct {
	*setup
	cmd  *exec.Cmd
	done chan error

	mu  sync.Mutex
	log []string
}

// start runs the program until it is open. It is stopped with the test, if not before, and must then
// have logged no ERROR and end with 0.
func (s *setup) start(more ...string) *running {
	s.t.Helper()
	r := &running{setup: s, cmd: exec.Command(blogProgram(), s.args(more...)...), done: make(chan error, 1)}
	stderr, err := r.cmd.StderrPipe()
	require.NoError(s.t, err)
	require.NoError(s.t, r.cmd.Start())
	go func() {
		for lines := bufio.NewScanner(stderr); lines.Scan(); {
			r.mu.Lock()
			r.log = append(r.log, lines.Text())
			r.mu.Unlock()
		}
		r.done <- r.cmd.Wait()
	}()
	s.t.Cleanup(func() { r.stop() })
	eventually(s.t, "the blog opens", func() bool { return r.logged(`msg="blog is open"`) == 1 })
	return r
}

// logged counts the lines of the log with this in them.
func (r *running) logged(part string) (n int) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, l := range r.log {
		if strings.Contains(l, part) {
			n++
		}
	}
	return n
}

func (r *running) text() string {
	r.mu.Lock()
	defer r.mu.Unlock()
	return strings.Join(r.log, "\n")
}

// stop sends SIGTERM and waits for a clean end.
func (r *running) stop() {
	r.t.Helper()
	if r.cmd.ProcessState != nil || r.cmd.Process.Signal(syscall.SIGTERM) != nil {
		return // stopped before
	}
	select {
	case err := <-r.done:
		require.NoError(r.t, err, "the end of the blog\n%s", r.text())
	case <-time.After(patience):
		_ = r.cmd.Process.Kill()
		r.t.Errorf("the blog did not end\n%s", r.text())
	}
	require.Equal(r.t, 1, r.logged(`msg="blog is closed"`))
	require.Zero(r.t, r.logged("level=ERROR"), r.text())
	if r.t.Failed() {
		r.t.Log(r.text())
	}
}

// fails runs the program to its end, which must be an error of one line, and returns code and line.
func (s *setup) fails(more ...string) (int, string) {
	s.t.Helper()
	return finish(s.t, blogProgram(), s.args(more...)...)
}

func finish(t *testing.T, binary string, args ...string) (int, string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	cmd := exec.CommandContext(ctx, binary, args...)
	out, err := cmd.CombinedOutput()
	require.NotNil(t, cmd.ProcessState, "%v", err)
	return cmd.ProcessState.ExitCode(), string(out)
}

// get reads a URL of the blog.
func (s *setup) get(url, accept string) (int, string, http.Header) {
	s.t.Helper()
	req, err := http.NewRequestWithContext(s.t.Context(), http.MethodGet, url, nil)
	require.NoError(s.t, err)
	req.Header.Set("Accept", accept)
	resp, err := (&http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}).Do(req)
	if err != nil {
		return 0, err.Error(), nil
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	require.NoError(s.t, err)
	return resp.StatusCode, string(body), resp.Header
}

const browser = "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8"

// page reads a page as a browser does.
func (s *setup) page(slug string) (int, string) {
	s.t.Helper()
	status, body, _ := s.get(string(s.post(slug)), browser)
	return status, body
}

// document reads a document as another server does.
func (s *setup) document(id as.IRI) (int, as.Node) {
	s.t.Helper()
	status, body, header := s.get(string(id), as.ContentType)
	if !as.IsActivityType(header.Get("Content-Type")) {
		return status, nil
	}
	n, err := as.Decode([]byte(body))
	require.NoError(s.t, err)
	return status, n
}

// shows waits until a page has a text.
func (s *setup) shows(slug, text string) {
	s.t.Helper()
	eventually(s.t, slug+" shows "+text, func() bool {
		status, body := s.page(slug)
		return status == http.StatusOK && strings.Contains(body, text)
	})
}

// hides waits until a page has a text no longer.
func (s *setup) hides(slug, text string) {
	s.t.Helper()
	eventually(s.t, slug+" hides "+text, func() bool {
		status, body := s.page(slug)
		return status == http.StatusOK && !strings.Contains(body, text)
	})
}

func eventually(t *testing.T, what string, ok func() bool) {
	t.Helper()
	for end := time.Now().Add(patience); !ok(); time.Sleep(50 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("in vain: %s", what)
		}
	}
}

// kith runs the command-line tool on the database.
func (s *setup) kith(args ...string) string {
	s.t.Helper()
	args = append([]string{args[0], "-db", s.db()}, args[1:]...)
	code, out := finish(s.t, kithProgram(), args...)
	require.Zero(s.t, code, out)
	return out
}
