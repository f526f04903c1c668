package inbox

import (
	"bytes"
	"strconv"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/gokith/kith/storage"
)

// What waits in memory for its worker is bounded, in bytes and in time, and is given out once.
func TestFreshReceipts(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var f fresh
		const size = 1 << 20
		row := func(i int) storage.Receipt {
			return storage.Receipt{ID: strconv.Itoa(i), Body: bytes.Repeat([]byte{'x'}, size)}
		}
		for i := range 2 * maxFresh / size {
			f.put(row(i))
		}
		require.Equal(t, maxFresh, f.bytes)
		_, ok := f.take(strconv.Itoa(maxFresh / size))
		require.False(t, ok, "who came when it was full is read from the store")
		got, ok := f.take("0")
		require.True(t, ok)
		require.Equal(t, row(0), got)
		_, ok = f.take("0")
		require.False(t, ok, "once")

		f.put(row(100))
		_, ok = f.take("100")
		require.True(t, ok, "there was room again")

		time.Sleep(freshAge + time.Second)
		f.put(row(200))
		require.Equal(t, size, f.bytes, "the others' workers do not come any more")
		require.Len(t, f.order, 1)
		_, ok = f.take("1")
		require.False(t, ok)
		_, ok = f.take("200")
		require.True(t, ok)
		require.Zero(t, f.bytes)
		require.Empty(t, f.rows)
	})
}
