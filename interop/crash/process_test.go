//go:build unix

package crash

import (
	"bufio"
	"encoding/json"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// patience is how long anything may take that will happen. Machines that run tests are slow.
const patience = 2 * time.Minute

// process is a server under test.
type process struct {
	t    *testing.T
	cmd  *exec.Cmd
	log  string // file
	said chan string
	done chan struct{} // closed when it has ended
	end  sync.Once
}

// launch starts a server and waits until it is ready.
func launch(t *testing.T, set settings) *process {
	t.Helper()
	p := spawn(t, set)
	p.expect("ready")
	return p
}

func spawn(t *testing.T, set settings) *process {
	t.Helper()
	text, err := json.Marshal(set)
	require.NoError(t, err)
	binary, err := os.Executable()
	require.NoError(t, err)
	r, w, err := os.Pipe()
	require.NoError(t, err)
	log, err := os.CreateTemp(t.TempDir(), "server-*.log")
	require.NoError(t, err)
	p := &process{t: t, cmd: exec.Command(binary), log: log.Name(), said: make(chan string, 16), done: make(chan struct{})}
	p.cmd.Env = append(os.Environ(), variable+"="+string(text))
	p.cmd.ExtraFiles = []*os.File{w}
	p.cmd.Stderr = log
	if set.Tmpfs != "" {
		ownMounts(p.cmd)
	}
	require.NoError(t, p.cmd.Start())
	require.NoError(t, w.Close())
	require.NoError(t, log.Close())
	go func() {
		defer r.Close()
		for lines := bufio.NewScanner(r); lines.Scan(); {
			p.said <- lines.Text()
		}
	}()
	go func() {
		_ = p.cmd.Wait() // the state tells it
		close(p.done)
	}()
	t.Cleanup(func() {
		if t.Failed() {
			t.Logf("%s:\n%s", filepath.Base(p.log), tail(p.log))
		}
	})
	t.Cleanup(p.kill)
	return p
}

// expect waits for a word of the server.
func (p *process) expect(word string) {
	p.t.Helper()
	select {
	case said := <-p.said:
		require.Equal(p.t, word, said)
	case <-p.done:
		p.t.Fatalf("the server ended (%v) before it was %s:\n%s", p.cmd.ProcessState, word, tail(p.log))
	case <-time.After(patience):
		p.t.Fatalf("the server was not %s in %v:\n%s", word, patience, tail(p.log))
	}
}

// kill ends the process as a power cut would end it, and returns when it is gone.
func (p *process) kill() {
	p.end.Do(func() { _ = p.cmd.Process.Kill() }) // it may have ended
	<-p.done
}

// terminate asks the process to end, and returns its exit code and how long it took.
func (p *process) terminate() (code int, took time.Duration) {
	began := time.Now()
	_ = p.cmd.Process.Signal(syscall.SIGTERM) // it may have ended
	select {
	case <-p.done:
	case <-time.After(patience):
		p.t.Errorf("the server did not end after SIGTERM:\n%s", tail(p.log))
		p.kill()
	}
	return p.cmd.ProcessState.ExitCode(), time.Since(began)
}

// tail is the end of a log.
func tail(path string) string {
	text, err := os.ReadFile(path)
	if err != nil {
		return err.Error()
	}
	lines := strings.Split(strings.TrimSpace(string(text)), "\n")
	return strings.Join(lines[max(0, len(lines)-200):], "\n")
}

// freeAddr returns an address of loopback that nobody uses just now.
func freeAddr(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	defer l.Close()
	return fmt.Sprint(l.Addr())
}
