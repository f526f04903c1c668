// Package sharedtest finds test data that the repository may not contain (payloads under other
// licences) and decides whether a test that lacks a prerequisite is skipped or fails.
package sharedtest

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// Require reports a missing prerequisite, by name. The test is skipped with the reason, or fails
// when KITH_REQUIRE (a comma-separated list, set in CI) names the prerequisite.
func Require(t testing.TB, name string, present bool, reason string) {
	t.Helper()
	if present {
		return
	}
	if slices.Contains(strings.Split(os.Getenv("KITH_REQUIRE"), ","), name) {
		t.Fatalf("KITH_REQUIRE names %q: %s", name, reason)
	}
	t.Skipf("%s is missing: %s", name, reason)
}

// Unwritable returns a folder in which the process may not create files, even if it is root: then it is one
// of the kernel's. It skips where there is none.
func Unwritable(t testing.TB) string {
	t.Helper()
	dir := filepath.Join(t.TempDir(), "locked")
	if err := os.Mkdir(dir, 0o500); err != nil {
		t.Fatal(err)
	}
	for _, dir := range []string{dir, "/sys/kernel"} {
		f, err := os.Create(filepath.Join(dir, "probe"))
		if os.IsPermission(err) {
			return dir
		}
		if err == nil {
			_ = f.Close()
			_ = os.Remove(f.Name())
		}
	}
	Require(t, "unwritable", false, "root may write everywhere here")
	return ""
}

// Dir returns the path of a folder of the shared test data, which lies in shared/testdata beside
// the checkout or where KITH_TESTDATA says. It skips, or fails under KITH_REQUIRE=testdata, when
// the folder is absent.
func Dir(t testing.TB, name string) string {
	t.Helper()
	dir := filepath.Join(root(), filepath.FromSlash(name))
	_, err := os.Stat(dir)
	Require(t, "testdata", err == nil, "no folder "+filepath.ToSlash(name)+" in shared/testdata beside the checkout or in $KITH_TESTDATA")
	return dir
}

// root is the shared folder: it walks up from the working directory, since tests run in the folder
// of their package.
func root() string {
	if dir := os.Getenv("KITH_TESTDATA"); dir != "" {
		return dir
	}
	dir, err := os.Getwd()
	for err == nil {
		candidate := filepath.Join(dir, "shared", "testdata")
		if _, statErr := os.Stat(candidate); statErr == nil {
			return candidate
		}
		parent := filepath.Dir(dir)
		if parent == dir {
			break
		}
		dir = parent
	}
	return filepath.Join("shared", "testdata")
}

// Long reports whether long forms of tests are asked for (KITH_LONG=1).
func Long() bool { return os.Getenv("KITH_LONG") == "1" }
