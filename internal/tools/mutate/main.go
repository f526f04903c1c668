// Mutate removes the marked checks of packages, one at a time, and reports those that no test
// misses.
//
// A check is an if statement or a case of a switch whose line, or the line above it, bears a comment
// such as "// check: S-27". Removing it means that it never applies: its condition becomes false.
// The changed file is given to "go test -overlay", so the tree stays as it is. If the package's own
// tests pass without the check, it has survived: either a test is missing or the check does nothing.
//
//	go run ./internal/tools/mutate                 # httpsig, keys, origin, proof and below
//	go run ./internal/tools/mutate -v ./httpsig
//
// It exits with 1 if a check survived or could not be removed.
package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"time"
)

// An outcome is what became of one mutant.
type outcome int

const (
	killed   outcome = iota // a test failed without the check
	survived                // all tests passed without it
	broken                  // the package does not build without it
)

func main() {
	jobs := flag.Int("j", max(1, runtime.NumCPU()/2), "mutants tested at a time")
	verbose := flag.Bool("v", false, "print every mutant")
	timeout := flag.Duration("timeout", time.Minute, "time for the tests of one mutant; a mutant that hangs is killed")
	flag.Parse()
	dirs := flag.Args()
	if len(dirs) == 0 {
		dirs = []string{"httpsig", "keys", "origin", "proof", "proof/jcs", "proof/ldsig"}
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	left, err := run(ctx, dirs, *jobs, *verbose, *timeout)
	if err != nil {
		fmt.Fprintln(os.Stderr, "mutate:", err)
		os.Exit(2)
	}
	if left > 0 {
		os.Exit(1)
	}
}

// run tests every mutant of the packages and returns how many were not killed.
func run(ctx context.Context, dirs []string, jobs int, verbose bool, timeout time.Duration) (left int, err error) {
	var all []mutant
	for _, dir := range dirs {
		found, err := mutants(dir)
		if err != nil {
			return 0, err
		}
		all = append(all, found...)
	}
	outcomes := make([]result, len(all))
	var wg sync.WaitGroup
	slots := make(chan struct{}, jobs)
	for i, m := range all {
		slots <- struct{}{}
		wg.Go(func() {
			defer func() { <-slots }()
			outcomes[i] = test(ctx, m, timeout)
			if verbose && outcomes[i].outcome == killed {
				fmt.Println("killed  ", m)
			}
		})
	}
	wg.Wait()
	if err := ctx.Err(); err != nil {
		return 0, err
	}
	for i, m := range all {
		switch outcomes[i].outcome {
		case survived:
			fmt.Println("SURVIVED", m)
			left++
		case broken:
			fmt.Printf("BROKEN   %v\n%s\n", m, outcomes[i].output)
			left++
		}
	}
	fmt.Printf("%d checks removed, %d survivors\n", len(all), left)
	return left, nil
}

// A result is an outcome and, if the mutant is broken, what the go command said.
type result struct {
	outcome
	output string
}

// test runs the tests of the mutant's package with the mutant in place of its file.
func test(ctx context.Context, m mutant, timeout time.Duration) result {
	tmp, err := os.MkdirTemp("", "mutate")
	if err != nil {
		return result{broken, err.Error()}
	}
	defer os.RemoveAll(tmp)
	file, overlay := filepath.Join(tmp, "mutant.go"), filepath.Join(tmp, "overlay.json")
	original, err := filepath.Abs(m.file)
	if err != nil {
		return result{broken, err.Error()}
	}
	text, err := json.Marshal(map[string]map[string]string{"Replace": {original: file}})
	if err := errors.Join(err, os.WriteFile(file, m.source, 0o600), os.WriteFile(overlay, text, 0o600)); err != nil {
		return result{broken, err.Error()}
	}
	// The test binary ends itself: killing the go command would leave it running.
	cmd := exec.CommandContext(ctx, "go", "test", "-vet=off", "-count=1", "-failfast", "-timeout="+timeout.String(), "-overlay="+overlay, ".") //nolint:gosec // our own tests
	cmd.Dir = filepath.Dir(original)
	var out bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &out
	err = cmd.Run()
	switch {
	case err == nil:
		return result{outcome: survived}
	case strings.Contains(out.String(), "[build failed]") || strings.Contains(out.String(), "[setup failed]"):
		return result{broken, out.String()}
	}
	return result{outcome: killed}
}
