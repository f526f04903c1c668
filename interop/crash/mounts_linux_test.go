package crash

import (
	"os"
	"os/exec"
	"syscall"
	"testing"

	"github.com/gokith/kith/internal/sharedtest"
)

// ownMounts lets a process mount file systems that only it sees.
func ownMounts(cmd *exec.Cmd) {
	cmd.SysProcAttr = &syscall.SysProcAttr{
		Cloneflags:  syscall.CLONE_NEWUSER | syscall.CLONE_NEWNS,
		UidMappings: []syscall.SysProcIDMap{{ContainerID: 0, HostID: os.Getuid(), Size: 1}},
		GidMappings: []syscall.SysProcIDMap{{ContainerID: 0, HostID: os.Getgid(), Size: 1}},
	}
}

func mountTmpfs(dir, size string) error {
	return syscall.Mount("tmpfs", dir, "tmpfs", 0, "size="+size)
}

// requireMounts skips where the kernel does not let us.
func requireMounts(t *testing.T) {
	t.Helper()
	cmd := exec.Command("true")
	ownMounts(cmd)
	err := cmd.Run()
	sharedtest.Require(t, "namespaces", err == nil, "a process of ours may not have mounts of its own: allow unprivileged user namespaces")
}
