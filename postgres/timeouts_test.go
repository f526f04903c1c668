package postgres_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/jackc/pgx/v5/pgconn"
	"github.com/stretchr/testify/require"

	as "github.com/gokith/kith/activitystreams"
	"github.com/gokith/kith/postgres"
	"github.com/gokith/kith/storage"
)

// TestS93_FrozenTransaction freezes a process within a transaction that holds a host's deliveries, and lets
// another process take them over. What the first one does when it thaws has no effect.
func TestS93_FrozenTransaction(t *testing.T) {
	t.Parallel()
	const host = "https://b.example"
	frozen, p := open(t, postgres.WithTimeouts(postgres.Timeouts{Idle: 300 * time.Millisecond}))
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
	defer cancel()
	post, err := frozen.AddPost(ctx, storage.Post{Sender: "alice", Activity: "https://us.example/1", Verb: "Create", Chain: "https://us.example/n"})
	require.NoError(t, err)
	_, err = frozen.AddDeliveries(ctx, post, "", true, []storage.Delivery{{Inbox: as.IRI(host + "/inbox"), Host: host}})
	require.NoError(t, err)
	other, err := postgres.New(ctx, p.pool, append(p.options(), postgres.InsecureUnsynced(), postgres.WithLogger(silent))...)
	require.NoError(t, err)

	holds, thaw, ended := make(chan struct{}), make(chan struct{}), make(chan error, 1)
	go func() {
		ended <- frozen.Update(ctx, func(ctx context.Context, tx storage.Tx) error {
			ds, err := tx.LeaseDeliveries(ctx, host, 1, time.Now(), time.Hour)
			if err == nil && len(ds) != 1 {
				err = errors.New("nothing to lease")
			}
			close(holds)
			<-thaw
			return err
		})
	}()
	<-holds
	taken, err := other.LeaseDeliveries(ctx, host, 1, time.Now(), time.Hour)
	require.NoError(t, err)
	require.Len(t, taken, 1, "the server ended the frozen transaction")
	select {
	case err := <-ended:
		t.Fatalf("it was not frozen: %v", err)
	default:
	}
	close(thaw)
	require.Error(t, <-ended)
	taken[0].State = storage.DeliveryDone
	stale, err := other.RecordDeliveries(ctx, taken)
	require.NoError(t, err)
	require.Empty(t, stale)
}

func TestTimeouts(t *testing.T) {
	t.Parallel()
	settings := func(s *postgres.Store) (all string) {
		require.NoError(t, s.Update(t.Context(), func(ctx context.Context, _ storage.Tx) error {
			tx, _ := postgres.TxFrom(ctx)
			return tx.QueryRow(ctx, `SELECT current_setting('idle_in_transaction_session_timeout') || ' ' ||
				current_setting('lock_timeout') || ' ' || current_setting('statement_timeout')`).Scan(&all)
		}))
		return all
	}
	s, p := open(t)
	require.Equal(t, "30s 1min 10min", settings(s))
	own, err := postgres.New(t.Context(), p.pool, append(p.options(), postgres.InsecureUnsynced(),
		postgres.WithTimeouts(postgres.Timeouts{Idle: -1, Lock: 90 * time.Second, Statement: -1}))...)
	require.NoError(t, err)
	var idle, statement string
	require.NoError(t, p.pool.QueryRow(t.Context(), `SELECT current_setting('idle_in_transaction_session_timeout'), current_setting('statement_timeout')`).
		Scan(&idle, &statement))
	require.Equal(t, idle+" 90s "+statement, settings(own))

	short, err := postgres.New(t.Context(), p.pool, append(p.options(), postgres.InsecureUnsynced(),
		postgres.WithTimeouts(postgres.Timeouts{Statement: 50 * time.Millisecond}))...)
	require.NoError(t, err)
	err = short.Update(t.Context(), func(ctx context.Context, _ storage.Tx) error {
		tx, _ := postgres.TxFrom(ctx)
		_, err := tx.Exec(ctx, `SELECT pg_sleep(60)`)
		return err
	})
	var refused *pgconn.PgError
	require.ErrorAs(t, err, &refused)
	require.Equal(t, "57014", refused.Code)
}
