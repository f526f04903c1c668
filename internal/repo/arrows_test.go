package repo

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"os/exec"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

const module = "github.com/gokith/kith"

// levels is the layer of each package. A package imports only from lower levels, and from the packages
// of its own level that beside names.
var levels = map[string]int{
	"origin": 0, "keys": 0, "observe": 0,
	"activitystreams": 1, "jsonld": 1, "httpsig": 1, "webfinger": 1, "nodeinfo": 1,
	"fetch": 2, "proof": 2, "proof/jcs": 2, "proof/ldsig": 2, "audience": 2, "policy": 2, "names": 2, "keyring": 2,
	"followsync": 2, "followers": 2,
	"storage": 2, "storage/memory": 2, "storage/storagetest": 2, "queue": 2, "queue/memory": 2, "queue/queuetest": 2, "queue/relay": 2,
	"inbox": 3, "outbox": 3, "delivery": 3, "delivery/deliverytest": 3, "serve": 3,
	"relays": 3,
	"social": 4, "admin": 4,
	"":        5,
	"fedtest": 6, "conformance": 6,
}

// beside are the arrows within a level. fetch and storage do not know each other; outbox and delivery
// meet only at storage and queue.
var beside = map[string][]string{
	"proof": {"proof/jcs"}, "proof/ldsig": {"proof", "proof/jcs"},
	"audience": {"storage"}, "policy": {"storage"}, "keyring": {"storage", "names"},
	"followers": {"storage", "followsync"},
	"storage":   {"queue"}, "storage/memory": {"storage", "queue", "queue/memory"}, "storage/storagetest": {"storage", "queue"},
	"queue/memory": {"queue"}, "queue/queuetest": {"queue", "queue/memory"}, "queue/relay": {"queue", "storage"},
	"delivery/deliverytest": {"delivery", "outbox"},
}

// linked are the dependencies outside of the module, by the packages that may import them.
var linked = map[string][]string{
	"github.com/go-fed/httpsig":          {"httpsig"},
	"github.com/dunglas/httpsfv":         {"httpsig"},
	"github.com/piprate/json-gold":       {"jsonld"},
	"github.com/go-json-experiment/json": {"activitystreams", "fetch", "jsonld", "nodeinfo", "webfinger", "proof", "proof/jcs", "proof/ldsig"},
	"golang.org/x/net":                   {"origin", "fetch"},
	"golang.org/x/sync":                  {"fetch"},
	"github.com/stretchr/testify":        {"storage/storagetest", "queue/queuetest", "delivery/deliverytest", "conformance"},
}

type pkg struct {
	ImportPath string
	Imports    []string
	Deps       []string
}

func packages(t *testing.T) []pkg {
	t.Helper()
	out, err := exec.Command("go", "list", "-json=ImportPath,Imports,Deps", module+"/...").Output()
	require.NoError(t, err)
	var all []pkg
	for d := json.NewDecoder(bytes.NewReader(out)); ; {
		var p pkg
		err := d.Decode(&p)
		if errors.Is(err, io.EOF) {
			return all
		}
		require.NoError(t, err)
		all = append(all, p)
	}
}

// name returns the path of a package in the root module, or false for those of other modules and for
// internal ones.
func name(path string) (string, bool) {
	rest, ok := strings.CutPrefix(path, module)
	rest = strings.TrimPrefix(rest, "/")
	for _, other := range []string{"sqlite", "postgres", "content", "otelkith", "interop", "cmd", "examples", "bench", "internal"} {
		if rest == other || strings.HasPrefix(rest, other+"/") {
			return "", false
		}
	}
	return rest, ok
}

func TestArrowsPointDown(t *testing.T) {
	for _, p := range packages(t) {
		from, ok := name(p.ImportPath)
		if !ok {
			continue
		}
		level, known := levels[from]
		require.True(t, known, "package %q has no level", from)
		for _, imported := range p.Imports {
			if to, ours := name(imported); ours {
				if levels[to] >= level && !slices.Contains(beside[from], to) {
					t.Errorf("%s (level %d) must not import %s (level %d)", from, level, to, levels[to])
				}
				continue
			}
			if first, _, _ := strings.Cut(imported, "/"); !strings.Contains(first, ".") || strings.HasPrefix(imported, module) {
				continue
			}
			if !allowed(from, imported) {
				t.Errorf("%s must not import %s", from, imported)
			}
		}
	}
}

func allowed(from, imported string) bool {
	for dep, users := range linked {
		if imported == dep || strings.HasPrefix(imported, dep+"/") {
			return slices.Contains(users, from)
		}
	}
	return false
}

// TestNothingHeavyIsLinked: who imports a small package does not pay for a large one.
func TestNothingHeavyIsLinked(t *testing.T) {
	for _, p := range packages(t) {
		from, ok := name(p.ImportPath)
		if !ok {
			continue
		}
		for _, dep := range p.Deps {
			if strings.Contains(dep, "json-gold") && from != "jsonld" && from != "proof/ldsig" {
				t.Errorf("%s links json-gold", from)
			}
			for _, heavy := range []string{"modernc.org", "jackc/pgx", "riverqueue", "bluemonday", "goldmark", "database/sql"} {
				if strings.Contains(dep, heavy) {
					t.Errorf("%s links %s", from, dep)
				}
			}
			if to, ours := name(dep); ours && levels[from] <= 1 && strings.HasPrefix(to, "storage") {
				t.Errorf("%s links %s", from, to)
			}
		}
	}
}
