//go:build unix && !linux

package crash

import (
	"errors"
	"os/exec"
	"testing"

	"github.com/gokith/kith/internal/sharedtest"
)

func ownMounts(*exec.Cmd) {}

func mountTmpfs(string, string) error { return errors.ErrUnsupported }

func requireMounts(t *testing.T) {
	t.Helper()
	sharedtest.Require(t, "namespaces", false, "mounts of a process's own are known on Linux only")
}
