package main

import (
	"bytes"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"path/filepath"
	"regexp"
	"sort"
	"strings"
)

// A mutant is a file without one of its checks.
type mutant struct {
	file   string
	line   int
	marks  string // what the comment says, such as "S-09 S-10"
	check  string // the condition that no longer applies
	source []byte
}

func (m mutant) String() string {
	return fmt.Sprintf("%s:%d: %s: %s", m.file, m.line, m.marks, m.check)
}

// tests are patterns of tests to run, in order: those that the marks name, then all.
func (m mutant) tests() []string {
	var named []string
	for _, number := range number.FindAllStringSubmatch(m.marks, -1) {
		named = append(named, "^Test"+number[1]+number[2]+"(_|$)")
	}
	return []string{strings.Join(named, "|"), "."}
}

var number = regexp.MustCompile(`([A-Z])-0*([0-9]+)`)

var mark = regexp.MustCompile(`^// ?check: ((?:[A-Z]-[0-9]+[ ,]*)+)`)

// mutants lists those of the package in a folder, its test files aside.
func mutants(dir string) ([]mutant, error) {
	files, err := filepath.Glob(filepath.Join(dir, "*.go"))
	if err != nil {
		return nil, err
	}
	if len(files) == 0 {
		return nil, fmt.Errorf("no Go files in %s", dir)
	}
	var all []mutant
	for _, file := range files {
		if strings.HasSuffix(file, "_test.go") {
			continue
		}
		source, err := os.ReadFile(file)
		if err != nil {
			return nil, err
		}
		found, err := mutate(file, source)
		if err != nil {
			return nil, err
		}
		all = append(all, found...)
	}
	return all, nil
}

// mutate makes the mutants of one file. A mark that stands at no check is an error: it would look
// tested and be not.
func mutate(file string, source []byte) ([]mutant, error) {
	set := token.NewFileSet()
	tree, err := parser.ParseFile(set, file, source, parser.ParseComments)
	if err != nil {
		return nil, err
	}
	lines := bytes.Split(source, []byte("\n"))
	marks := map[int]string{}
	for _, group := range tree.Comments {
		for _, comment := range group.List {
			if match := mark.FindStringSubmatch(comment.Text); match != nil {
				line := set.Position(comment.Pos()).Line
				if bytes.HasPrefix(bytes.TrimSpace(lines[line-1]), []byte("//")) {
					line++ // a comment of its own speaks of the next line
				}
				marks[line] = strings.TrimSpace(match[1])
			}
		}
	}
	var all []mutant
	add := func(at token.Pos, edits ...edit) {
		line := set.Position(at).Line
		all = append(all, mutant{file: file, line: line, marks: marks[line], check: describe(source, edits), source: apply(source, edits)})
		delete(marks, line)
	}
	offset := func(p token.Pos) int { return set.Position(p).Offset }
	ast.Inspect(tree, func(n ast.Node) bool {
		switch n := n.(type) {
		case *ast.IfStmt:
			if marks[set.Position(n.If).Line] != "" {
				add(n.If, edit{offset(n.Cond.Pos()), offset(n.Cond.End()), never})
			}
		case *ast.SwitchStmt:
			for _, s := range n.Body.List {
				c := s.(*ast.CaseClause)
				if marks[set.Position(c.Case).Line] == "" {
					continue
				}
				if n.Tag != nil || c.List == nil {
					add(c.Case, edit{offset(c.Colon) + 1, offset(c.End()), nothing})
					continue
				}
				edits := make([]edit, len(c.List))
				for i, e := range c.List {
					edits[i] = edit{offset(e.Pos()), offset(e.End()), never}
				}
				add(c.Case, edits...)
			}
		case *ast.ExprStmt:
			if marks[set.Position(n.Pos()).Line] != "" {
				add(n.Pos(), edit{offset(n.Pos()), offset(n.End()), nothing})
			}
		case *ast.AssignStmt:
			if n.Tok != token.DEFINE && marks[set.Position(n.Pos()).Line] != "" {
				add(n.Pos(), edit{offset(n.Pos()), offset(n.End()), nothing})
			}
		case *ast.ReturnStmt:
			if marks[set.Position(n.Pos()).Line] != "" && len(n.Results) == 1 && truth(n.Results[0]) {
				add(n.Pos(), edit{offset(n.Results[0].Pos()), offset(n.End()), always})
			}
		case *ast.KeyValueExpr:
			if marks[set.Position(n.Pos()).Line] != "" {
				add(n.Pos(), edit{offset(n.Pos()), offset(n.End()) + 1, nothing})
			}
		}
		return true
	})
	for line, text := range marks {
		return nil, fmt.Errorf("%s:%d: check: %s marks nothing that can be removed", file, line, text)
	}
	sort.Slice(all, func(i, j int) bool { return all[i].line < all[j].line })
	return all, nil
}

// An edit changes source[from:to].
type edit struct {
	from, to int
	change   func(old string) string
}

// never keeps a condition's variables in use.
func never(old string) string { return "false && (" + old + ")" }

// always is never for the verdict that a function returns.
func always(old string) string { return "true || " + old }

func nothing(string) string { return "" }

// truth reports whether an expression is plainly a truth value.
func truth(e ast.Expr) bool {
	switch e := e.(type) {
	case *ast.UnaryExpr:
		return e.Op == token.NOT
	case *ast.BinaryExpr:
		switch e.Op {
		case token.LAND, token.LOR, token.EQL, token.NEQ, token.LSS, token.GTR, token.LEQ, token.GEQ:
			return true
		}
	}
	return false
}

func apply(source []byte, edits []edit) []byte {
	var out bytes.Buffer
	at := 0
	for _, e := range edits {
		out.Write(source[at:e.from])
		out.WriteString(e.change(string(source[e.from:e.to])))
		at = e.to
	}
	out.Write(source[at:])
	return out.Bytes()
}

func describe(source []byte, edits []edit) string {
	texts := make([]string, len(edits))
	for i, e := range edits {
		texts[i] = strings.Join(strings.Fields(string(source[e.from:e.to])), " ")
	}
	return strings.Join(texts, ", ")
}
