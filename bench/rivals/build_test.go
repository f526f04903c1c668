package rivals_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"
)

// TestColdBuild compiles a program that reads and writes a Note, and the same program on encoding/json,
// each with an empty build cache, and tells the difference. It takes a minute or two.
//
//	GOWORK=off go test -run ColdBuild -v
func TestColdBuild(t *testing.T) {
	if !testing.Verbose() {
		t.Skip("measures only with -v")
	}
	plainCPU, plainSize := build(t, "plain.go")
	cpu, size := build(t, "kith.go")
	t.Logf("encoding/json: %.1f CPU-seconds, %.2f MB", plainCPU.Seconds(), float64(plainSize)/1e6)
	t.Logf("kith:          %.1f CPU-seconds, %.2f MB: %+.1f s, %+.2f MB", cpu.Seconds(), float64(size)/1e6,
		(cpu - plainCPU).Seconds(), float64(size-plainSize)/1e6)
	if size-plainSize > 1_500_000 {
		t.Errorf("%d bytes more", size-plainSize)
	}
}

// build compiles a program of testdata/build from nothing.
func build(t *testing.T, name string) (cpu time.Duration, size int64) {
	out := filepath.Join(t.TempDir(), "program")
	cmd := exec.Command("go", "build", "-o", out, filepath.Join("bench", "rivals", "testdata", "build", name))
	cmd.Dir = filepath.Join("..", "..")
	cmd.Env = append(os.Environ(), "GOCACHE="+t.TempDir(), "GOWORK=off")
	if text, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, text)
	}
	info, err := os.Stat(out)
	if err != nil {
		t.Fatal(err)
	}
	return cmd.ProcessState.UserTime() + cmd.ProcessState.SystemTime(), info.Size()
}
