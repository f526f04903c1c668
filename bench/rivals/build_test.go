package rivals_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"
)

// TestColdBuild tells what a program that reads and writes a Note costs to build beyond the same program
// on encoding/json. With a build cache that has only what the latter needs, it compiles the rest; what
// linking takes is in both. It takes a minute, most of it for the standard library.
//
//	GOWORK=off go test -run ColdBuild -v
func TestColdBuild(t *testing.T) {
	if !testing.Verbose() {
		t.Skip("measures only with -v")
	}
	cache := t.TempDir()
	all, _ := build(t, cache, "plain.go")
	link, plainSize := build(t, cache, "plain.go")
	cpu, size := build(t, cache, "kith.go")
	t.Logf("encoding/json: %.1f CPU-seconds, %.1f of them to link; %.2f MB", all.Seconds(), link.Seconds(), float64(plainSize)/1e6)
	t.Logf("kith: %+.1f CPU-seconds, %+.2f MB", (cpu - link).Seconds(), float64(size-plainSize)/1e6)
	if size-plainSize > 1_500_000 {
		t.Errorf("%d bytes more", size-plainSize)
	}
}

// build compiles a program of testdata/build.
func build(t *testing.T, cache, name string) (cpu time.Duration, size int64) {
	out := filepath.Join(t.TempDir(), "program")
	cmd := exec.Command("go", "build", "-o", out, filepath.Join("bench", "rivals", "testdata", "build", name))
	cmd.Dir = filepath.Join("..", "..")
	cmd.Env = append(os.Environ(), "GOCACHE="+cache, "GOWORK=off")
	if text, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, text)
	}
	info, err := os.Stat(out)
	if err != nil {
		t.Fatal(err)
	}
	return cmd.ProcessState.UserTime() + cmd.ProcessState.SystemTime(), info.Size()
}
