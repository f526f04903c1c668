package main

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/gokith/kith/sqlite"
	"github.com/gokith/kith/storage"
)

// step is a command of the runbook and the output that it shows.
type step struct {
	args []string
	out  []string
}

func runbook(t *testing.T) (text string, steps []step) {
	t.Helper()
	raw, err := os.ReadFile("../../docs/runbook.md")
	require.NoError(t, err)
	text = string(raw)
	inside := false
	for l := range strings.SplitSeq(text, "\n") {
		switch {
		case strings.HasPrefix(l, "```"):
			inside = !inside
		case !inside:
		case strings.HasPrefix(l, "$ "):
			steps = append(steps, step{args: strings.Fields(strings.TrimPrefix(l, "$ kith "))})
		case l != "":
			steps[len(steps)-1].out = append(steps[len(steps)-1].out, l)
		}
	}
	return text, steps
}

// shape is a line of output without what differs from one server to another.
func shape(line string) string {
	line = regexp.MustCompile(`\d{4}-\d\d-\d\dT\S+Z`).ReplaceAllString(line, "TIME")
	line = regexp.MustCompile(`"[^"]*"`).ReplaceAllString(line, "TEXT")
	line = regexp.MustCompile(`\d+`).ReplaceAllString(line, "N")
	line = regexp.MustCompile(`delivery (is|was)|deliveries (are|were)`).ReplaceAllString(line, "deliveries are")
	line = regexp.MustCompile(`deliver(y|ies)`).ReplaceAllString(line, "deliveries")
	return strings.Join(strings.Fields(line), " ")
}

// Each command that the runbook shows is run, in its order, on a server in such a state, and prints lines
// like those that it shows.
func TestRunbookCommandsWork(t *testing.T) {
	t.Parallel()
	db := filepath.Join(t.TempDir(), "blog.db")
	store, err := sqlite.Open(db)
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, store.Close()) })
	_, steps := runbook(t)
	require.Greater(t, len(steps), 20)
	ledger(t, store)
	ctx := t.Context()
	require.NoError(t, store.PutSizes(ctx, storage.SizeSample{Time: time.Now().Add(-48 * time.Hour),
		Tables: []storage.TableSize{{Name: "kith_deliveries", Rows: 1, Bytes: 4096}}}))
	dead, _, err := store.Claim(ctx, storage.Receipt{Activity: "https://good.example/likes/1", Actor: "https://good.example/users/bob", Proven: storage.ProvenSignature, Body: []byte("{}")})
	require.NoError(t, err)
	require.NoError(t, store.FinishReceipt(ctx, dead.ID, storage.ReceiptDead, "database is locked", time.Time{}))
	_, _, err = store.Claim(ctx, storage.Receipt{Activity: "https://good.example/likes/2", Actor: "https://good.example/users/bob", Proven: storage.ProvenSignature, Body: []byte("{}"), Next: time.Now()})
	require.NoError(t, err)
	for _, s := range steps {
		if s.args[0] == "sig" { // which reads files
			code, _, complaint := invoke(t, "", s.args...)
			require.Equal(t, exitFailed, code, "%v: %s", s.args, complaint)
			require.Contains(t, complaint, "no such file")
			continue
		}
		if strings.Contains(strings.Join(s.args, " "), "-state gave-up") || s.args[0] == "deliveries" && strings.Contains(strings.Join(s.args, " "), "strict") {
			refuse(t, store)
		}
		if s.args[0] == "hosts" {
			rest(t, store)
		}
		out := done(t, append([]string{s.args[0], "-db", db}, s.args[1:]...)...)
		shapes := make(map[string]bool)
		for l := range strings.SplitSeq(out, "\n") {
			shapes[shape(l)] = true
		}
		for _, want := range s.out {
			if s.args[0] == "stats" && strings.HasPrefix(want, "hosts ") || strings.HasSuffix(want, " pending") && len(s.out) > 2 {
				continue // how many there are
			}
			require.True(t, shapes[shape(want)] || looksLike(out, want), "kith %s shows\n%s\nand the runbook\n%s", strings.Join(s.args, " "), out, want)
		}
	}
}

// looksLike reports whether the row has the form of some row of the output: as many columns, below the same
// head.
func looksLike(out, want string) bool {
	if !regexp.MustCompile(`^(\d+|https://\S+|kith_\w+) `).MatchString(want) {
		return false
	}
	columns := regexp.MustCompile(` {2,}`)
	for l := range strings.SplitSeq(out, "\n") {
		if regexp.MustCompile(`^(\d+|https://\S+|kith_\w+) `).MatchString(l) && len(columns.Split(l, -1)) == len(columns.Split(want, -1)) {
			return true
		}
	}
	return false
}

// refuse puts the delivery to the strict server back to where it was refused.
func refuse(t *testing.T, store storage.Store) {
	t.Helper()
	_, _, err := store.ChangeDeliveries(t.Context(), storage.DeliveryQuery{Host: "https://strict.example"}, storage.DeliveryRefused, time.Now(), "http.403")
	require.NoError(t, err)
}

// rest gives the server that is down its rest again.
func rest(t *testing.T, store storage.Store) {
	t.Helper()
	require.NoError(t, store.UpdateHost(t.Context(), "https://down.example", func(h *storage.Host) {
		h.Failures, h.FailingSince, h.OpenUntil = 7, time.Now().Add(-time.Hour), time.Now().Add(time.Hour)
	}))
}

// Commands within the text exist, with their flags, and links lead somewhere.
func TestRunbookNamesWhatExists(t *testing.T) {
	t.Parallel()
	text, _ := runbook(t)
	known := make(map[string]bool)
	for _, tool := range tools() {
		known[tool.name] = true
	}
	for _, m := range regexp.MustCompile("`kith ([^`]+)`").FindAllStringSubmatch(text, -1) {
		args := strings.Fields(m[1])
		require.True(t, known[args[0]], m[0])
		_, _, help := invoke(t, "", args[0], "-h")
		for _, arg := range args[1:] {
			if flag, ok := strings.CutPrefix(arg, "-"); ok {
				require.Regexp(t, `(?m)^  -`+flag+`\b`, help, m[0])
			}
		}
	}
	anchors := make(map[string]bool)
	for _, m := range regexp.MustCompile(`(?m)^#+ (.+)$`).FindAllStringSubmatch(text, -1) {
		anchors[strings.ReplaceAll(regexp.MustCompile(`[^a-z0-9 -]`).ReplaceAllString(strings.ToLower(m[1]), ""), " ", "-")] = true
	}
	for _, m := range regexp.MustCompile(`\]\(#([^)]+)\)`).FindAllStringSubmatch(text, -1) {
		require.True(t, anchors[m[1]], "no heading for #%s", m[1])
	}
}
