package convoy

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
)

// The first goes at once and alone; who comes meanwhile goes together, at most Max.
func TestWhoComesMeanwhileGoesTogether(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var c Convoy[int]
		var rounds []int // one at a time
		f := func(_ context.Context, loads []int) error {
			rounds = append(rounds, len(loads))
			time.Sleep(time.Second)
			return nil
		}
		var wg sync.WaitGroup
		for i := range 1 + Max + 5 {
			wg.Go(func() { require.NoError(t, c.Do(t.Context(), i, f)) })
			synctest.Wait()
		}
		wg.Wait()
		synctest.Wait()
		require.Equal(t, []int{1, Max, 5}, rounds)
		require.Zero(t, c.away)
		require.Empty(t, c.waiting)
	})
}

// A convoy that waits for a lock does not make all others wait, where more than one may be under way.
func TestASlowConvoyIsOvertaken(t *testing.T) {
	t.Parallel()
	for _, atOnce := range []int{0, 2} {
		synctest.Test(t, func(t *testing.T) {
			c := Convoy[bool]{AtOnce: atOnce}
			f := func(_ context.Context, loads []bool) error {
				if loads[0] {
					time.Sleep(time.Minute)
				}
				return nil
			}
			start := time.Now()
			var wg sync.WaitGroup
			wg.Go(func() { require.NoError(t, c.Do(t.Context(), true, f)) })
			time.Sleep(Slow / 2)
			wg.Go(func() { // too early to tell
				require.NoError(t, c.Do(t.Context(), false, f))
			})
			time.Sleep(Slow)
			require.NoError(t, c.Do(t.Context(), false, f))
			if atOnce == 2 {
				require.Less(t, time.Since(start), 2*Slow)
			} else {
				require.Equal(t, time.Minute, time.Since(start))
			}
			wg.Wait()
		})
	}
}

// Who waits behind the one that overtook does not wait for the slow one.
func TestWhoOvertookGoesOn(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		c := Convoy[time.Duration]{AtOnce: 2}
		f := func(_ context.Context, loads []time.Duration) error {
			time.Sleep(loads[0])
			return nil
		}
		start := time.Now()
		var wg sync.WaitGroup
		wg.Go(func() { require.NoError(t, c.Do(t.Context(), time.Minute, f)) })
		time.Sleep(2 * Slow)
		for range 3 {
			wg.Go(func() {
				require.NoError(t, c.Do(t.Context(), time.Second, f))
				require.Less(t, time.Since(start), 3*time.Second)
			})
			synctest.Wait()
		}
		wg.Wait()
	})
}

// What is bad fails by itself, whether it returns an error or panics.
func TestOneIsBad(t *testing.T) {
	t.Parallel()
	errBad := errors.New("bad")
	for _, panics := range []bool{false, true} {
		synctest.Test(t, func(t *testing.T) {
			var c Convoy[int]
			var good atomic.Int32
			f := func(_ context.Context, loads []int) error {
				time.Sleep(time.Second)
				for _, l := range loads {
					if l == 3 && panics {
						panic(errBad)
					}
					if l == 3 {
						return errBad
					}
				}
				good.Add(int32(len(loads)))
				return nil
			}
			var wg sync.WaitGroup
			for i := range 6 {
				wg.Go(func() {
					var err error
					func() {
						defer func() {
							if p := recover(); p != nil {
								err = fmt.Errorf("panic: %w", p.(error))
							}
						}()
						err = c.Do(t.Context(), i, f)
					}()
					if i == 3 {
						require.ErrorIs(t, err, errBad)
						return
					}
					require.NoError(t, err)
				})
				synctest.Wait()
			}
			wg.Wait()
			require.EqualValues(t, 5, good.Load())
			require.NoError(t, c.Do(t.Context(), 7, f), "the road is free again")
		})
	}
}

// Who gives up is not waited for by the others, and does not wait for them.
func TestWhoGivesUp(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var c Convoy[int]
		f := func(ctx context.Context, _ []int) error {
			select {
			case <-time.After(10 * time.Second):
				return nil
			case <-ctx.Done():
				return ctx.Err()
			}
		}
		start := time.Now()
		var wg sync.WaitGroup
		wg.Go(func() { require.NoError(t, c.Do(t.Context(), 1, f)) })
		synctest.Wait()
		wg.Go(func() { require.NoError(t, c.Do(t.Context(), 2, f)) })
		synctest.Wait()
		short, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		require.ErrorIs(t, c.Do(short, 3, f), context.DeadlineExceeded)
		require.Equal(t, time.Second, time.Since(start))
		wg.Wait()
		require.Equal(t, 20*time.Second, time.Since(start))
	})
}

// The leader's context is his own: the others' work does not end with it. It ends after Timeout.
func TestTheOthersOutliveTheLeader(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var c Convoy[int]
		f := func(ctx context.Context, loads []int) error {
			if len(loads) == 1 {
				time.Sleep(time.Second)
				return nil
			}
			<-ctx.Done()
			return ctx.Err()
		}
		leader, cancel := context.WithCancel(t.Context())
		start := time.Now()
		var wg sync.WaitGroup
		wg.Go(func() { require.NoError(t, c.Do(leader, 1, f)) })
		synctest.Wait()
		for i := range 2 {
			wg.Go(func() { require.NoError(t, c.Do(t.Context(), i, f)) })
		}
		synctest.Wait()
		cancel()
		wg.Wait()
		require.Equal(t, time.Second+Timeout+time.Second, time.Since(start), "together in vain, then each alone")
	})
}
