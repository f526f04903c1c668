package main

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"time"
)

// roleVariable makes a process of this program a server.
const roleVariable = "KITH_BENCH_ROLE"

// setup is what a server is told first.
type setup struct {
	Role    string            // bare or kith
	Store   string            // memory, sqlite or postgres
	Path    string            // of the SQLite file
	DSN     string            // of PostgreSQL
	Workers bool              // run the queue
	Actors  map[string][]byte // documents of remote actors by id
	// Inboxes are followers' inboxes, for a fan-out; Ed25519 signs with that kind of key.
	Inboxes []string
	Ed25519 bool
}

// command is what the parent asks of a server, answer what it says.
type command struct {
	Do   string // usage, settle, publish, fanned or profile
	Path string
	N    int
}

type answer struct {
	Addr    string
	CPU     time.Duration // of the process, user and system
	RSS     int64         // kB, now
	HWM     int64         // kB, at most
	Seconds float64
	// Goroutines and Files are how many the process has.
	Goroutines, Files int
	Error             string
}

// child is a server process.
type child struct {
	name string
	cmd  *exec.Cmd
	in   io.WriteCloser
	out  *bufio.Reader
	addr string
	dir  string
}

// start runs this program again as a server.
func start(o options, name string, s setup) (*child, error) {
	dir, err := os.MkdirTemp("", "kith-bench-")
	if err != nil {
		return nil, err
	}
	s.Path, s.DSN = filepath.Join(dir, "kith.db"), o.dsn
	exe, err := os.Executable()
	if err != nil {
		return nil, err
	}
	c := &child{name: name, cmd: exec.Command(exe), dir: dir}
	c.cmd.Env = append(os.Environ(), roleVariable+"="+s.Role, "GOMAXPROCS=1")
	c.cmd.Stderr = os.Stderr
	if c.in, err = c.cmd.StdinPipe(); err != nil {
		return nil, err
	}
	out, err := c.cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	c.out = bufio.NewReader(out)
	if err := c.cmd.Start(); err != nil {
		return nil, err
	}
	first, err := c.ask(s)
	c.addr = first.Addr
	if err != nil {
		c.stop()
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	return c, nil
}

// ask sends a line and reads the answer.
func (c *child) ask(v any) (a answer, err error) {
	if err := json.NewEncoder(c.in).Encode(v); err != nil {
		return a, err
	}
	line, err := c.out.ReadBytes('\n')
	if err != nil {
		return a, fmt.Errorf("%s ended: %w", c.name, err)
	}
	if err := json.Unmarshal(line, &a); err != nil {
		return a, err
	}
	if a.Error != "" {
		return a, errors.New(a.Error)
	}
	return a, nil
}

// stop ends the process and removes its files.
func (c *child) stop() {
	_ = c.in.Close()
	_ = c.cmd.Wait()
	_ = os.RemoveAll(c.dir)
}

// profiled writes a CPU profile of what f makes the server do, if profiles are wanted.
func (c *child) profiled(o options, what string, f func() error) error {
	if o.profile == "" {
		return f()
	}
	path := filepath.Join(o.profile, what+"-"+c.name+".pprof")
	if _, err := c.ask(command{Do: "profile", Path: path}); err != nil {
		return err
	}
	err := f()
	_, stop := c.ask(command{Do: "profile"})
	return errors.Join(err, stop)
}
