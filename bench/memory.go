package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"time"

	as "github.com/gokith/kith/activitystreams"
	"github.com/gokith/kith/names"
	"github.com/gokith/kith/origin"
	"github.com/gokith/kith/sqlite"
	"github.com/gokith/kith/storage"
)

// benchMemory runs the example and reads its resident memory: seconds after the start, and at most
// while a post goes to followers that it found meanwhile.
func benchMemory(o options) error {
	dir, err := os.MkdirTemp("", "kith-bench-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	blog := filepath.Join(dir, "blog")
	if out, err := exec.Command("go", "build", "-o", blog, "./examples/blog").CombinedOutput(); err != nil {
		return fmt.Errorf("building examples/blog, from the root of the repository: %w\n%s", err, out)
	}
	sink, err := newSink()
	if err != nil {
		return err
	}
	defer sink.server.Close()
	posts := filepath.Join(dir, "posts")
	if err := errors.Join(os.Mkdir(posts, 0o755), write(posts, "first")); err != nil {
		return err
	}
	addr, err := freeAddr()
	if err != nil {
		return err
	}
	db := filepath.Join(dir, "blog.db")
	cmd := exec.Command(blog, "-addr", addr, "-origin", "http://"+addr, "-db", db, "-posts", posts, "-allow", "127.0.0.0/8", "-log", "warn")
	cmd.Stderr = os.Stderr
	if err := cmd.Start(); err != nil {
		return err
	}
	defer func() {
		_ = cmd.Process.Signal(os.Interrupt)
		_ = cmd.Wait()
	}()
	pid := strconv.Itoa(cmd.Process.Pid)
	time.Sleep(6 * time.Second) // it makes its keys and publishes the first post
	if err := answers("http://" + addr + "/"); err != nil {
		return err
	}
	idle, start := resident(pid)
	if err := befriend(db, "http://"+addr, sink.inboxes(o.recipients, o.hosts)); err != nil {
		return err
	}
	if err := write(posts, "second"); err != nil {
		return err
	}
	if err := sink.wait(int64(o.recipients)); err != nil {
		return err
	}
	time.Sleep(time.Second)
	now, most := resident(pid)
	fmt.Printf("examples/blog, %d followers on %d hosts\n\nidle            %5.1f MB (most since its start %.1f)\nin the fan-out  %5.1f MB at most\nafter it        %5.1f MB\n",
		o.recipients, o.hosts, mb(idle), mb(start), mb(most), mb(now))
	return nil
}

func mb(kB int64) float64 { return float64(kB) / 1024 }

func write(dir, name string) error {
	text := "---\ntitle: " + name + "\ndate: 2026-01-02\n---\n\nA post of moderate length, with *emphasis*.\n"
	return os.WriteFile(filepath.Join(dir, name+".md"), []byte(text), 0o644)
}

func freeAddr() (string, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return "", err
	}
	defer l.Close()
	return l.Addr().String(), nil
}

// befriend gives the blog followers, from beside it.
func befriend(db, home string, inboxes []string) error {
	o, err := origin.Parse(home)
	if err != nil {
		return err
	}
	store, err := sqlite.Open(db)
	if err != nil {
		return err
	}
	defer store.Close()
	return store.Update(context.Background(), func(ctx context.Context, tx storage.Tx) error {
		for _, inbox := range inboxes {
			_, err := tx.PutEdge(ctx, storage.Edge{Kind: storage.Follow, Subject: as.IRI(inbox[:len(inbox)-len("/inbox")]),
				Object: names.Space{Origin: o}.ActorID("blog"), State: storage.EdgeActive, Inbox: as.IRI(inbox)})
			if err != nil {
				return err
			}
		}
		return nil
	})
}

func (s *sink) wait(n int64) error {
	for end := time.Now().Add(3 * time.Minute); s.arrived.Load() < n; time.Sleep(10 * time.Millisecond) {
		if time.Now().After(end) {
			return fmt.Errorf("%d deliveries arrived of %d", s.arrived.Load(), n)
		}
	}
	return nil
}

func answers(url string) error {
	res, err := http.Get(url)
	if err != nil {
		return err
	}
	defer res.Body.Close()
	if res.StatusCode != http.StatusOK {
		return fmt.Errorf("%s answered %s", url, res.Status)
	}
	return nil
}
