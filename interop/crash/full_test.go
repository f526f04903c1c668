//go:build unix

package crash

import (
	"net/http"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/gokith/kith/internal/sharedtest"
)

// TestR4_DiskFull takes all room from the database while messages come in and posts go out, and gives it
// back: the server answers 503 meanwhile, loses nothing, and goes on without a restart.
func TestR4_DiskFull(t *testing.T) {
	t.Parallel()
	for name, how := range map[string]struct{ control, tmpfs string }{
		"no write": {control: "limit"},
		"tmpfs":    {control: "ballast", tmpfs: "24m"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if how.tmpfs != "" {
				requireMounts(t)
			}
			f := newFight(t, place{Path: filepath.Join(t.TempDir(), "kith.db")})
			f.set.Tmpfs = how.tmpfs
			p := launch(t, f.set)
			f.befriend()
			f.send(4, 50*time.Millisecond)
			f.publish(400 * time.Millisecond)
			f.outages = 2
			if sharedtest.Long() {
				f.outages = 20
			}
			for range f.outages {
				time.Sleep(time.Second)
				f.starve(how.control)
			}
			f.quiet()
			f.settle()
			backup := filepath.Join(t.TempDir(), "backup.db")
			require.Equal(t, http.StatusOK, f.control("backup?to="+backup))
			code, _ := p.terminate()
			assert.Zero(t, code, "exit code")
			f.set.Place = place{Path: backup}
			f.check()
		})
	}
}

// starve leaves the server without room until it has refused messages, and a little longer.
func (f *fight) starve(control string) {
	f.t.Helper()
	refused := f.world.unavailable.Load()
	require.Equal(f.t, http.StatusOK, f.control(control+"?room=none"))
	deadline := time.Now().Add(patience)
	for f.world.unavailable.Load() < refused+20 {
		require.True(f.t, time.Now().Before(deadline), "the server never answered 503")
		time.Sleep(20 * time.Millisecond)
	}
	require.Equal(f.t, http.StatusOK, f.control(control+"?room=plenty"))
	f.t.Logf("%d messages were refused with 503", f.world.unavailable.Load()-refused)
}
