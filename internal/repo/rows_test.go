package repo

import (
	"bufio"
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"go/ast"

	"github.com/stretchr/testify/require"
)

// rows are the numbered bars: S abuse cases, R reliability tests, I interop statements.
var rows = map[string]int{"S": 117, "R": 15, "I": 115}

var number = regexp.MustCompile(`(?:^Test|_)([SRI])([0-9]+)(?:_|$)`)

// TestEveryRowHasATest holds each numbered row against the names of tests, and against the list of rows
// without one, which says why: a gap that is not on the list fails, and so does an entry that has a test.
func TestEveryRowHasATest(t *testing.T) {
	tested := make(map[string]bool)
	for _, f := range sources(t, isTest) {
		for _, d := range f.ast.Decls {
			if fn, ok := d.(*ast.FuncDecl); ok && strings.HasPrefix(fn.Name.Name, "Test") {
				note(tested, fn.Name.Name)
			}
		}
	}
	for _, f := range sources(t, func(p string) bool { return strings.HasPrefix(p, "delivery/deliverytest/") }) {
		ast.Inspect(f.ast, func(n ast.Node) bool { // cases of the suite bear their numbers as strings
			if lit, ok := n.(*ast.BasicLit); ok {
				note(tested, "Test"+strings.Trim(lit.Value, `"`))
			}
			return true
		})
	}
	excused := excuses(t)
	for series, last := range rows {
		for i := 1; i <= last; i++ {
			row := fmt.Sprintf("%s%d", series, i)
			switch {
			case tested[row] && excused[row] != "":
				t.Errorf("%s has a test now: take it off rows.txt", row)
			case !tested[row] && excused[row] == "":
				t.Errorf("%s has no test and no reason in rows.txt", row)
			}
		}
	}
}

func note(tested map[string]bool, name string) {
	for rest := name; ; {
		m := number.FindStringSubmatchIndex(rest)
		if m == nil {
			return
		}
		tested[rest[m[2]:m[3]]+rest[m[4]:m[5]]] = true
		rest = rest[m[5]:]
	}
}

// excuses reads rows.txt: a row, a space, the reason.
func excuses(t *testing.T) map[string]string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join("testdata", "rows.txt"))
	require.NoError(t, err)
	all := make(map[string]string)
	for s := bufio.NewScanner(bytes.NewReader(text)); s.Scan(); {
		row, why, _ := strings.Cut(s.Text(), " ")
		if row == "" || row == "#" {
			continue
		}
		require.NotEmpty(t, strings.TrimSpace(why), "%s has no reason", row)
		all[row] = why
	}
	return all
}
