package repo

import (
	"go/ast"
	"go/format"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// file is one parsed Go file; path is relative to the root.
type file struct {
	path string
	ast  *ast.File
	fset *token.FileSet
}

func (f file) at(n ast.Node) string {
	p := f.fset.Position(n.Pos())
	return f.path + ":" + itoa(p.Line)
}

func itoa(n int) string {
	if n < 10 {
		return string(rune('0' + n))
	}
	return itoa(n/10) + string(rune('0'+n%10))
}

// root is the root of the repository, seen from this package.
const root = "../.."

// sources parses all Go files of the repository that pass the filter.
func sources(t *testing.T, keep func(path string) bool) []file {
	t.Helper()
	var all []file
	fset := token.NewFileSet()
	require.NoError(t, filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if d.IsDir() {
			if n := d.Name(); n == "node_modules" || n == "testdata" || n == ".git" || n == "rivals" {
				return filepath.SkipDir
			}
			return nil
		}
		rel, err := filepath.Rel(root, path)
		if err != nil || filepath.Ext(path) != ".go" || !keep(filepath.ToSlash(rel)) {
			return err
		}
		parsed, err := parser.ParseFile(fset, path, nil, parser.ParseComments)
		if err != nil {
			return err
		}
		all = append(all, file{filepath.ToSlash(rel), parsed, fset})
		return nil
	}))
	return all
}

func isTest(path string) bool { return strings.HasSuffix(path, "_test.go") }

// TestEveryExportedNameIsDocumented holds for all packages that others may import.
func TestEveryExportedNameIsDocumented(t *testing.T) {
	files := sources(t, func(p string) bool { return !isTest(p) && !strings.HasPrefix(p, "internal/") })
	documented := make(map[string]bool) // folders with a package comment
	for _, f := range files {
		dir := filepath.Dir(f.path)
		documented[dir] = documented[dir] || f.ast.Doc != nil
		if f.ast.Name.Name == "main" {
			continue
		}
		for _, d := range f.ast.Decls {
			checkDecl(t, f, d)
		}
	}
	for dir, ok := range documented {
		if !ok {
			t.Errorf("package %s has no comment", dir)
		}
	}
}

func checkDecl(t *testing.T, f file, d ast.Decl) {
	t.Helper()
	switch d := d.(type) {
	case *ast.FuncDecl:
		if d.Name.IsExported() && d.Doc == nil && exportedReceiver(d) {
			t.Errorf("%s: %s has no comment", f.at(d), d.Name.Name)
		}
	case *ast.GenDecl:
		for _, s := range d.Specs {
			switch s := s.(type) {
			case *ast.TypeSpec:
				if s.Name.IsExported() && s.Doc == nil && d.Doc == nil {
					t.Errorf("%s: %s has no comment", f.at(s), s.Name.Name)
				}
			case *ast.ValueSpec:
				for _, n := range s.Names {
					if n.IsExported() && s.Doc == nil && d.Doc == nil && s.Comment == nil {
						t.Errorf("%s: %s has no comment", f.at(n), n.Name)
					}
				}
			}
		}
	}
}

func exportedReceiver(d *ast.FuncDecl) bool {
	if d.Recv == nil {
		return true
	}
	typ := d.Recv.List[0].Type
	for {
		switch x := typ.(type) {
		case *ast.StarExpr:
			typ = x.X
		case *ast.IndexExpr:
			typ = x.X
		case *ast.Ident:
			return x.IsExported()
		default:
			return false
		}
	}
}

// TestFilesAreShort: nobody likes to read a long file.
func TestFilesAreShort(t *testing.T) {
	const limit = 600
	for _, f := range sources(t, func(p string) bool { return !strings.HasSuffix(p, "_gen.go") }) {
		if lines := f.fset.File(f.ast.Pos()).LineCount(); lines > limit {
			t.Errorf("%s has %d lines: split it by job", f.path, lines)
		}
	}
}

// forbidden are calls that only the owning packages may make, by the path prefixes that may: there is
// one outbound client, and one parser of identifiers (security §2 rule 5, S-61).
var forbidden = map[string][]string{
	"http.Get": {"bench/"}, "http.Post": nil, "http.Head": nil, "http.PostForm": nil, "http.DefaultClient": {"interop/", "bench/", "cmd/"}, "http.DefaultTransport": {"bench/"},
	"net.Dial": {"bench/"}, "net.DialTimeout": nil, "tls.Dial": nil,
	"http.ProxyFromEnvironment": nil,
	"rand.Int":                  nil, "rand.Intn": nil,
}

// TestS61_OneWayOut: no code but package fetch opens connections.
func TestS61_OneWayOut(t *testing.T) {
	for _, f := range sources(t, func(p string) bool { return !isTest(p) && !strings.HasPrefix(p, "internal/") }) {
		ast.Inspect(f.ast, func(n ast.Node) bool {
			sel, ok := n.(*ast.SelectorExpr)
			if !ok {
				return true
			}
			x, ok := sel.X.(*ast.Ident)
			if !ok {
				return true
			}
			owners, bad := forbidden[x.Name+"."+sel.Sel.Name]
			if bad && !hasPrefix(f.path, owners) {
				t.Errorf("%s: %s.%s bypasses package fetch", f.at(n), x.Name, sel.Sel.Name)
			}
			return true
		})
		for _, imp := range f.ast.Imports {
			if imp.Path.Value == `"math/rand"` {
				t.Errorf("%s: math/rand: use math/rand/v2 for jitter and crypto/rand for everything else", f.at(imp))
			}
		}
	}
}

func hasPrefix(path string, prefixes []string) bool {
	for _, p := range prefixes {
		if strings.HasPrefix(path, p) {
			return true
		}
	}
	return false
}

// TestNoInitNoGlobals: no package does anything by being imported.
func TestNoInit(t *testing.T) {
	for _, f := range sources(t, func(p string) bool { return !isTest(p) }) {
		for _, d := range f.ast.Decls {
			if fn, ok := d.(*ast.FuncDecl); ok && fn.Recv == nil && fn.Name.Name == "init" {
				t.Errorf("%s: init", f.at(fn))
			}
		}
	}
}

// TestEveryPackageHasAnExample: a reader should see how it is used.
func TestEveryPackageHasAnExample(t *testing.T) {
	packages, examples := make(map[string]bool), make(map[string]bool)
	for _, f := range sources(t, func(p string) bool {
		return !strings.HasPrefix(p, "internal/") && !strings.HasPrefix(p, "cmd/") && !strings.HasPrefix(p, "examples/") &&
			!strings.HasPrefix(p, "interop/") && !strings.HasPrefix(p, "bench/")
	}) {
		dir := filepath.Dir(f.path)
		if !isTest(f.path) {
			packages[dir] = true
			continue
		}
		for _, d := range f.ast.Decls {
			if fn, ok := d.(*ast.FuncDecl); ok && strings.HasPrefix(fn.Name.Name, "Example") {
				examples[dir] = true
			}
		}
	}
	for dir := range packages {
		if !examples[dir] {
			t.Errorf("package %s has no Example", dir)
		}
	}
}

// TestTheBlogIsSmall: the program of the README fits on a screen.
func TestTheBlogIsSmall(t *testing.T) {
	text, err := os.ReadFile(filepath.Join(root, "examples/blog/main.go"))
	require.NoError(t, err)
	lines := strings.Split(strings.TrimSuffix(string(text), "\n"), "\n")
	require.Less(t, len(lines), 120)
	start, end := -1, -1
	for i, l := range lines {
		switch strings.TrimSpace(l) {
		case "// federation":
			start = i
		case "// end":
			end = i
		}
	}
	require.Greater(t, start, 0)
	require.Greater(t, end, start)
	require.LessOrEqual(t, end-start-1, 40, "lines between the marks")
	for _, f := range sources(t, func(p string) bool { return strings.HasPrefix(p, "examples/blog/") && !isTest(p) }) {
		if f.path == "examples/blog/main.go" {
			continue
		}
		for _, imp := range f.ast.Imports {
			path := strings.Trim(imp.Path.Value, `"`)
			if strings.HasPrefix(path, module) && path != module+"/content" && path != module+"/sqlite" {
				t.Errorf("%s imports %s: only main.go speaks to Kith", f.path, path)
			}
		}
	}
}

// TestTheReadmesProgramCompiles takes the first program of the README as a reader would.
func TestTheReadmesProgramCompiles(t *testing.T) {
	text, err := os.ReadFile(filepath.Join(root, "README.md"))
	require.NoError(t, err)
	_, rest, ok := strings.Cut(string(text), "```go\n")
	require.True(t, ok)
	program, _, ok := strings.Cut(rest, "```")
	require.True(t, ok)
	main := filepath.Join(t.TempDir(), "main.go")
	require.NoError(t, os.WriteFile(main, []byte(program), 0o600))
	build := exec.Command("go", "build", "-o", filepath.Join(t.TempDir(), "program"), main)
	build.Dir = root
	out, err := build.CombinedOutput()
	require.NoError(t, err, "%s", out)
	formatted, err := format.Source([]byte(program))
	require.NoError(t, err)
	require.Equal(t, string(formatted), program, "gofmt would change it")
	_, body, _ := strings.Cut(program, "func main() {\n")
	require.LessOrEqual(t, strings.Count(body, "\n"), 30, "lines of main")
}
