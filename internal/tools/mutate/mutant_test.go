package main

import (
	"go/parser"
	"go/token"
	"os"
	"path/filepath"
	"regexp"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

const sample = `// Package sample has marks such as "check: S-99" in its prose.
package sample

func f(a, b int) string {
	if a > 1 { // check: S-01
		return "a"
	}
	// check: S-02 S-03
	if c := a + b; c > 2 || c < -2 {
		return "c"
	}
	switch {
	case a == 0, b == 0: // check: S-04
		return "zero"
	}
	switch b {
	case 1: // check: S-05
		return "one"
	default: // check: S-06
		b++
	}
	if b > 0 { // unmarked
		return "b"
	}
	println(a) // check: S-07
	a = -a // check: S-08
	_ = T{
		a: a, // check: S-09
	}
	return ""
}

type T struct{ a int }

func g(a int) bool {
	return a > 1 || a < -1 // check: S-10
}
`

func TestMutate(t *testing.T) {
	t.Parallel()
	found, err := mutate("sample.go", []byte(sample))
	require.NoError(t, err)
	want := []struct{ marks, check, source string }{
		{"S-01", "a > 1", "if false && (a > 1) { // check"},
		{"S-02 S-03", "c > 2 || c < -2", "if c := a + b; false && (c > 2 || c < -2) {"},
		{"S-04", "a == 0, b == 0", "case false && (a == 0), false && (b == 0): // check"},
		{"S-05", `// check: S-05 return "one"`, "case 1:\n\tdefault"},
		{"S-06", "// check: S-06 b++", "default:\n\t}"},
		{"S-07", "println(a)", "\t // check: S-07"},
		{"S-08", "a = -a", "\t // check: S-08"},
		{"S-09", "a: a,", "T{\n\t\t // check: S-09"},
		{"S-10", "a > 1 || a < -1", "return true || a > 1 || a < -1"},
	}
	require.Len(t, found, len(want))
	for i, w := range want {
		require.Equal(t, w.marks, found[i].marks)
		require.Equal(t, w.check, found[i].check)
		require.Contains(t, string(found[i].source), w.source)
		_, err := parser.ParseFile(token.NewFileSet(), "sample.go", found[i].source, 0)
		require.NoError(t, err)
	}
	for _, stray := range []string{"package p\n\nvar x = 1 // check: S-01\n", "package p\n\nfunc f() {\n\tfor { // check: S-01\n\t}\n}\n"} {
		_, err := mutate("p.go", []byte(stray))
		require.ErrorContains(t, err, "marks nothing")
	}
	_, err = mutate("p.go", []byte("package"))
	require.Error(t, err)
	_, err = mutants(t.TempDir())
	require.Error(t, err)
}

// A whole run over a module of two checks, of which the tests miss one.
func TestRun(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	for name, text := range map[string]string{
		"go.mod":    "module sample\n\ngo 1.26\n",
		"p.go":      "package p\n\nfunc f(n int) bool {\n\tif n < 0 { // check: S-01\n\t\treturn false\n\t}\n\tif n > 9 { // check: S-02\n\t\treturn false\n\t}\n\treturn true\n}\n",
		"p_test.go": "package p\n\nimport \"testing\"\n\nfunc TestF(t *testing.T) {\n\tif f(-1) || !f(1) {\n\t\tt.Fail()\n\t}\n}\n",
	} {
		require.NoError(t, os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600))
	}
	left, err := run(t.Context(), []string{dir}, plan{jobs: 1, verbose: true, timeout: time.Minute})
	require.NoError(t, err)
	require.Equal(t, 1, left)
}

// A sample is as large as wanted, and another one for another seed.
func TestSample(t *testing.T) {
	t.Parallel()
	pick := func(p plan) (lines []int) {
		all := make([]mutant, 200)
		for i := range all {
			all[i].line = i
		}
		for _, m := range p.choose(all) {
			lines = append(lines, m.line)
		}
		return lines
	}
	require.Len(t, pick(plan{}), 200)
	require.Len(t, pick(plan{sample: 300}), 200)
	first := pick(plan{sample: 5, seed: "a"})
	require.Len(t, first, 5)
	require.Equal(t, first, pick(plan{sample: 5, seed: "a"}))
	require.NotEqual(t, first, pick(plan{sample: 5, seed: "b"}))
	require.Equal(t, []int{7}, pick(plan{only: regexp.MustCompile(":7:")}))
	require.Equal(t, []string{"^TestS9(_|$)|^TestL23(_|$)", "."}, mutant{marks: "S-09 L-23"}.tests())
}
