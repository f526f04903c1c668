//go:build unix

package crash

import (
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// TestS94_ClockStepsOnPostgres kills a server at work, sets the clocks of database and server, and starts the
// server again, with traffic all the time: nothing is lost, no effect comes twice, and all is done no later
// than the step and the longest pause. It is the rows that move, the other way.
func TestS94_ClockStepsOnPostgres(t *testing.T) {
	t.Parallel()
	for _, step := range []time.Duration{-15 * time.Second, time.Hour, 24 * time.Hour} {
		t.Run(step.String(), func(t *testing.T) {
			t.Parallel()
			at := postgresPlace(t)
			f := newFight(t, at)
			f.set.Work = 20 * time.Millisecond
			p := launch(t, f.set)
			f.befriend()
			f.world.failing, f.world.slow = 5, 10*time.Millisecond // so that there is work for later, and under way
			f.send(4, 50*time.Millisecond)
			f.publish(150 * time.Millisecond)
			time.Sleep(2 * time.Second)
			p.kill()
			c := f.inspect()
			require.True(t, c.any(), "the kill hit nothing")
			moveTimes(t, at, -step)
			p = launch(t, f.set)
			time.Sleep(time.Second)
			f.quiet()
			began := time.Now()
			f.settle()
			took := time.Since(began).Round(time.Millisecond)
			t.Logf("the kill hit %+v; all was done %v later", c, took)
			code, _ := p.terminate()
			assert.Zero(t, code, tail(p.log))
			f.check()
		})
	}
}

// moveTimes moves all times of a database that is not in use.
func moveTimes(t *testing.T, at place, by time.Duration) {
	t.Helper()
	c, err := pgx.Connect(t.Context(), at.Postgres)
	require.NoError(t, err)
	defer func() { require.NoError(t, c.Close(t.Context())) }()
	set := func(table string, columns ...string) {
		for _, column := range columns {
			_, err := c.Exec(t.Context(), `UPDATE `+table+` SET `+column+` = `+column+` + $1 WHERE `+column+` <> 0`, by.Microseconds())
			require.NoError(t, err, "%s.%s", table, column)
		}
	}
	set("kith_deliveries", "next", "leased", "created", "updated")
	set("kith_receipts", "next", "received", "finished")
	set("kith_posts", "created", "fanned_out", "canceled")
	set("kith_hosts", "scheme_until", "failing_since", "open_until", "not_before", "last_success", "last_inbound", "updated")
	set("kith_locks", "expires")
	set("kith_cache", "expires")
	for _, column := range []string{"scheduled_at", "attempted_at", "created_at"} {
		_, err := c.Exec(t.Context(), `UPDATE kith_river.river_job SET `+column+` = `+column+` + $1::bigint * interval '1 microsecond' WHERE finalized_at IS NULL`, by.Microseconds())
		require.NoError(t, err, column)
	}
}
