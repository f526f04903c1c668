// Mutate removes the marked checks of packages, one at a time, and reports those that no test
// misses.
//
// A check is an if statement or a case of a switch whose line, or the line above it, bears a comment
// such as "// check: S-27". Removing it means that it never applies: its condition becomes false. So may
// be marked what is simply left out (a call, an assignment, a field of a literal), and the truth value
// that a function returns, which becomes true.
// The changed file is given to "go test -overlay", so the tree stays as it is. If the package's own
// tests pass without the check, it has survived: either a test is missing or the check does nothing.
//
//	go run ./internal/tools/mutate                 # httpsig, keys, origin, proof and below, fetch
//	go run ./internal/tools/mutate -v ./httpsig
//	go run ./internal/tools/mutate -sample 6 -seed "$(git rev-parse HEAD)"   # a few, others each time
//
// The tests that bear the number of a mark (TestS27_…) are run before all others of the package, which
// are needed only if those notice nothing.
//
// It exits with 1 if a check survived or could not be removed.
package main

import (
	"context"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"regexp"
	"runtime"
	"slices"
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
	sample := flag.Int("sample", 0, "test so many mutants only; 0: all")
	only := flag.String("only", "", "test the mutants whose line of output this `regexp` matches")
	seed := flag.String("seed", "", "`text` that chooses which ones -sample tests")
	timeout := flag.Duration("timeout", time.Minute, "time for the tests of one mutant; a mutant that hangs is killed")
	flag.Parse()
	dirs := flag.Args()
	if len(dirs) == 0 {
		dirs = []string{"httpsig", "keys", "origin", "proof", "proof/jcs", "proof/ldsig", "fetch"}
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	pattern, err := regexp.Compile(*only)
	if err != nil {
		fmt.Fprintln(os.Stderr, "mutate:", err)
		os.Exit(2)
	}
	left, err := run(ctx, dirs, plan{*jobs, *sample, *seed, pattern, *verbose, *timeout})
	if err != nil {
		fmt.Fprintln(os.Stderr, "mutate:", err)
		os.Exit(2)
	}
	if left > 0 {
		os.Exit(1)
	}
}

// A plan says how to go about it.
type plan struct {
	jobs, sample int
	seed         string
	only         *regexp.Regexp // nil: all
	verbose      bool
	timeout      time.Duration
}

// choose returns the mutants to test: all, or as many as the plan says, by its seed.
func (p plan) choose(all []mutant) []mutant {
	if p.only != nil {
		all = slices.DeleteFunc(all, func(m mutant) bool { return !p.only.MatchString(m.String()) })
	}
	if p.sample <= 0 || p.sample >= len(all) {
		return all
	}
	sum := sha256.Sum256([]byte(p.seed))
	dice := rand.New(rand.NewChaCha8(sum)) //nolint:gosec // a choice that anybody may repeat
	dice.Shuffle(len(all), func(i, j int) { all[i], all[j] = all[j], all[i] })
	return all[:p.sample]
}

// run tests mutants of the packages and returns how many were not killed.
func run(ctx context.Context, dirs []string, p plan) (left int, err error) {
	var all []mutant
	for _, dir := range dirs {
		found, err := mutants(dir)
		if err != nil {
			return 0, err
		}
		all = append(all, found...)
	}
	all = p.choose(all)
	outcomes := make([]result, len(all))
	var wg sync.WaitGroup
	slots := make(chan struct{}, p.jobs)
	for i, m := range all {
		slots <- struct{}{}
		wg.Go(func() {
			defer func() { <-slots }()
			outcomes[i] = test(ctx, m, p.timeout)
			if p.verbose && outcomes[i].outcome == killed {
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
	binary := filepath.Join(tmp, "mutant.test")
	dir := filepath.Dir(original)
	build := exec.CommandContext(ctx, "go", "test", "-c", "-vet=off", "-o", binary, "-overlay="+overlay, ".") //nolint:gosec // our own tests
	build.Dir = dir
	if out, err := build.CombinedOutput(); err != nil {
		return result{broken, string(out)}
	}
	for _, which := range m.tests() {
		// The test binary ends itself when its time is over.
		run := exec.CommandContext(ctx, binary, "-test.failfast", "-test.timeout="+timeout.String(), "-test.run="+which) //nolint:gosec // our own tests
		run.Dir = dir
		if run.Run() != nil {
			return result{outcome: killed}
		}
	}
	return result{outcome: survived}
}
