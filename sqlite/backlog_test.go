package sqlite_test

import (
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/gokith/kith/internal/sharedtest"
	"github.com/gokith/kith/sqlite"
	"github.com/gokith/kith/storage"
)

// TestBacklog shows that a store with many pending deliveries is soon ready, and that leasing and
// recording cost what they cost without. The long form has a million (F-4).
func TestBacklog(t *testing.T) {
	n, hosts := 40_000, 2_000
	if sharedtest.Long() {
		n, hosts = 1_000_000, 40_000
	}
	path := filepath.Join(t.TempDir(), "kith.db")
	s, err := sqlite.Open(path)
	require.NoError(t, err)
	began := time.Now()
	backlog(t, s, n/10, hosts)
	firstTenth := time.Since(began)
	began = time.Now()
	backlogFrom(t, s, n/10, n, hosts)
	rest := time.Since(began)
	t.Logf("%d deliveries: first tenth %v, rest %v (%.0f/s)", n, firstTenth, rest, float64(n-n/10)/rest.Seconds())
	require.Less(t, rest, 9*2*firstTenth+time.Second, "adding is within twice of an empty store")
	require.NoError(t, s.Close())

	began = time.Now()
	s, err = sqlite.Open(path)
	require.NoError(t, err)
	defer s.Close()
	due := 0
	for _, err := range s.DueHosts(t.Context()) {
		require.NoError(t, err)
		due++
	}
	ready := time.Since(began)
	require.Equal(t, hosts, due)
	require.Less(t, ready, 5*time.Second)

	began = time.Now()
	const calls = 200
	for i := range calls {
		ds, err := s.LeaseDeliveries(t.Context(), fmt.Sprintf("https://h%d.example", i), 4, time.Now(), time.Minute)
		require.NoError(t, err)
		require.Len(t, ds, 4)
		for j := range ds {
			ds[j].State, ds[j].Attempts, ds[j].Status = storage.DeliveryDone, 1, 202
		}
		stale, err := s.RecordDeliveries(t.Context(), ds)
		require.NoError(t, err)
		require.Empty(t, stale)
	}
	each := time.Since(began) / calls
	require.Less(t, each, 50*time.Millisecond)
	runtime.GC()
	require.Less(t, resident(t), int64(300<<20))
	t.Logf("ready after %v, %v to lease and record 4, resident %d MiB", ready, each, resident(t)>>20)
}

// resident is the memory of this process, or 0 where the system does not say.
func resident(t *testing.T) int64 {
	text, err := os.ReadFile("/proc/self/statm")
	if err != nil {
		return 0
	}
	pages, err := strconv.ParseInt(strings.Fields(string(text))[1], 10, 64)
	require.NoError(t, err)
	return pages * int64(os.Getpagesize())
}
