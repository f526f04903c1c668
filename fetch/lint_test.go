package fetch_test

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// ways lists what opens connections without the guard, by import path.
var ways = map[string][]string{
	"net/http":   {"Get", "Head", "Post", "PostForm", "DefaultClient", "DefaultTransport", "Client", "Transport"},
	"net":        {"Dial", "DialTimeout", "DialTCP", "DialUDP", "DialUnix", "DialIP", "Dialer", "LookupHost", "LookupIP", "LookupAddr"},
	"crypto/tls": {"Dial", "DialWithDialer", "Dialer"},
}

// TestS61_NoOtherWayOut reads the sources of this module: outside this package nothing that an app
// links may open a connection.
func TestS61_NoOtherWayOut(t *testing.T) {
	t.Parallel()
	files := 0
	err := filepath.WalkDir("..", func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if d.IsDir() {
			// Own modules, tools and test kits do not run inside an app's federation.
			skip := []string{"fetch", "bench", "interop", "examples", "cmd", "tools", "testdata", "conformance", "fedtest", "postgres", "vocabgen"}
			if path != ".." && (strings.HasPrefix(d.Name(), ".") || slices.Contains(skip, d.Name())) {
				return filepath.SkipDir
			}
			return nil
		}
		if !strings.HasSuffix(path, ".go") || strings.HasSuffix(path, "_test.go") {
			return nil
		}
		files++
		for _, found := range unguarded(t, path) {
			t.Errorf("%s is a way out that the guard does not see", found)
		}
		return nil
	})
	require.NoError(t, err)
	require.Greater(t, files, 50)
}

func unguarded(t *testing.T, path string) (found []string) {
	t.Helper()
	set := token.NewFileSet()
	file, err := parser.ParseFile(set, path, nil, parser.SkipObjectResolution)
	require.NoError(t, err)
	local := make(map[string][]string)
	for _, i := range file.Imports {
		name, err := strconv.Unquote(i.Path.Value)
		require.NoError(t, err)
		if forbidden, ok := ways[name]; ok {
			alias := filepath.Base(name)
			if i.Name != nil {
				alias = i.Name.Name
			}
			local[alias] = forbidden
		}
	}
	ast.Inspect(file, func(n ast.Node) bool {
		if s, ok := n.(*ast.SelectorExpr); ok {
			if x, ok := s.X.(*ast.Ident); ok && slices.Contains(local[x.Name], s.Sel.Name) {
				found = append(found, set.Position(s.Pos()).String()+" "+x.Name+"."+s.Sel.Name)
			}
		}
		return true
	})
	return found
}

func TestS61_TheLintFindsWays(t *testing.T) {
	t.Parallel()
	require.NotEmpty(t, unguarded(t, "transport.go"))
}
