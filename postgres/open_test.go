package postgres_test

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"
	_ "github.com/jackc/pgx/v5/stdlib" // the driver "pgx"
	"github.com/stretchr/testify/require"

	as "github.com/gokith/kith/activitystreams"
	"github.com/gokith/kith/postgres"
	"github.com/gokith/kith/queue"
	"github.com/gokith/kith/storage"
)

// fresh is a place without tables.
func fresh(t testing.TB) place {
	t.Helper()
	p := newPlace(t, "on")
	t.Cleanup(func() { require.NoError(t, drop(p)) })
	return p
}

func TestS97_Migrate(t *testing.T) {
	t.Parallel()
	p := fresh(t)
	ctx := t.Context()
	_, err := postgres.New(ctx, p.pool, p.options()...)
	require.ErrorIs(t, err, storage.ErrSchema)
	require.ErrorContains(t, err, "postgres.Migrate")

	for i := range 6 { // interrupted at random points, among others that go on
		broken, cancel := context.WithTimeout(ctx, time.Duration(i*i)*5*time.Millisecond)
		_ = postgres.Migrate(broken, p.pool, p.options()...)
		cancel()
	}
	var wg sync.WaitGroup
	for range 4 {
		wg.Go(func() { require.NoError(t, postgres.Migrate(ctx, p.pool, p.options()...)) })
	}
	wg.Wait()
	s, err := postgres.New(ctx, p.pool, p.options()...)
	require.NoError(t, err)
	require.NoError(t, s.Enqueue(ctx, queue.Job{Kind: "k"}))

	set := func(have, oldest int) {
		_, err := p.pool.Exec(ctx, fmt.Sprintf(`INSERT INTO %s.kith_meta VALUES ('schema', '%d'), ('schema_oldest', '%d')
			ON CONFLICT (name) DO UPDATE SET value = excluded.value`, p.name, have, oldest))
		require.NoError(t, err)
	}
	set(postgres.SchemaVersion+1, postgres.SchemaVersion)
	_, err = postgres.New(ctx, p.pool, p.options()...)
	require.NoError(t, err, "a newer version that lets this one go on")
	set(postgres.SchemaVersion+2, postgres.SchemaVersion+1)
	_, err = postgres.New(ctx, p.pool, p.options()...)
	require.ErrorIs(t, err, storage.ErrSchema)
	require.ErrorIs(t, postgres.Migrate(ctx, p.pool, p.options()...), storage.ErrSchema)
}

func TestSchemaRunsByHand(t *testing.T) {
	t.Parallel()
	p := fresh(t)
	text, err := postgres.Schema(p.options()...)
	require.NoError(t, err)
	_, err = p.pool.Exec(t.Context(), text[:strings.Index(text, "-- River,")])
	require.NoError(t, err)
	for part := range strings.SplitSeq(text[strings.Index(text, "-- River,"):], "-- River,") { // each version on its own
		_, err := p.pool.Exec(t.Context(), "-- "+part)
		require.NoError(t, err, part)
	}
	require.NoError(t, postgres.Migrate(t.Context(), p.pool, p.options()...), "finds nothing to do")
	s, err := postgres.New(t.Context(), p.pool, p.options()...)
	require.NoError(t, err)
	require.NoError(t, s.Enqueue(t.Context(), queue.Job{Kind: "k"}))
}

func TestNewRefusesUnsyncedServers(t *testing.T) {
	t.Parallel()
	p := migrated(t)
	_, err := postgres.New(t.Context(), p.pool, p.options()...)
	var refused *postgres.SettingError
	require.ErrorAs(t, err, &refused)
	require.Equal(t, "synchronous_commit", refused.Name)
	require.ErrorContains(t, err, "synchronous_commit=off")
}

func TestTransactionsOfTheApp(t *testing.T) {
	t.Parallel()
	s, p := open(t)
	ctx := t.Context()
	alice := storage.Actor{Key: "1", Handle: "a", ID: "https://us.example/1"}
	write := func(ctx context.Context) {
		require.NoError(t, s.PutActor(ctx, alice))
		require.NoError(t, s.Enqueue(ctx, queue.Job{Kind: "k", Key: "1"}))
	}
	stands := func() bool {
		_, err := s.Actor(ctx, "1")
		if !errors.Is(err, storage.ErrNotFound) {
			require.NoError(t, err)
		}
		var jobs int
		require.NoError(t, p.pool.QueryRow(ctx, `SELECT (SELECT count(*) FROM `+p.name+`_river.river_job) + (SELECT count(*) FROM `+p.name+`.kith_relay)`).Scan(&jobs))
		require.Equal(t, err == nil, jobs == 1, "row and job together")
		return err == nil
	}
	_, ok := postgres.TxFrom(ctx)
	require.False(t, ok)

	t.Run("Update", func(t *testing.T) {
		var leaked storage.Tx
		err := s.Update(ctx, func(ctx context.Context, tx storage.Tx) error {
			leaked = tx
			own, ok := postgres.TxFrom(ctx)
			require.True(t, ok)
			_, ok = postgres.SQLTxFrom(ctx)
			require.False(t, ok)
			_, err := own.Exec(ctx, `CREATE TABLE `+p.name+`.posts (slug text)`)
			require.NoError(t, err)
			write(ctx)
			return context.Canceled
		})
		require.ErrorIs(t, err, context.Canceled)
		require.False(t, stands())
		require.Error(t, leaked.PutActor(ctx, alice))
		require.Error(t, leaked.Enqueue(ctx, queue.Job{Kind: "k"}))
		_, ok := postgres.TxFrom(storage.NewContext(ctx, leaked))
		require.False(t, ok)
	})
	t.Run("pgx", func(t *testing.T) {
		for _, commit := range []bool{false, true} {
			tx, err := p.pool.Begin(ctx)
			require.NoError(t, err)
			write(storage.NewContext(ctx, s.Tx(tx)))
			require.False(t, stands())
			if commit {
				require.NoError(t, tx.Commit(ctx))
			} else {
				require.NoError(t, tx.Rollback(ctx))
			}
			require.Equal(t, commit, stands())
		}
		clear(t, p)
	})
	t.Run("database/sql", func(t *testing.T) {
		db, err := sql.Open("pgx", dsn(t))
		require.NoError(t, err)
		defer db.Close()
		for _, commit := range []bool{false, true} {
			tx, err := db.BeginTx(ctx, nil)
			require.NoError(t, err)
			joined := storage.NewContext(ctx, s.SQLTx(tx))
			own, ok := postgres.SQLTxFrom(joined)
			require.True(t, ok)
			require.Same(t, tx, own)
			write(joined)
			got, err := s.ActorByHandle(joined, "A")
			require.NoError(t, err)
			require.Equal(t, alice.ID, got.ID)
			require.False(t, stands())
			if commit {
				require.NoError(t, tx.Commit())
			} else {
				require.NoError(t, tx.Rollback())
			}
			require.Equal(t, commit, stands())
		}
		ran := make(chan queue.Job, 2)
		ctx, cancel := context.WithCancel(ctx)
		done := make(chan error, 2)
		for range 2 { // two processes may drain at once
			go func() {
				done <- s.Queue().Run(ctx, queue.Options{Poll: 20 * time.Millisecond, Kinds: map[string]queue.Kind{"k": {Work: func(_ context.Context, j queue.Job) error {
					ran <- j
					return nil
				}}}})
			}()
		}
		require.Equal(t, "1", (<-ran).Key)
		time.Sleep(100 * time.Millisecond)
		require.Empty(t, ran, "once")
		cancel()
		require.NoError(t, errors.Join(<-done, <-done))
	})
}

// TestSerializable runs at the strictest level, where the server gives transactions up.
func TestSerializable(t *testing.T) {
	t.Parallel()
	p := migrated(t)
	config := p.pool.Config()
	config.ConnConfig.RuntimeParams["default_transaction_isolation"] = "serializable"
	strict, err := pgxpool.NewWithConfig(t.Context(), config)
	require.NoError(t, err)
	defer strict.Close()
	s, err := postgres.New(t.Context(), strict, append(p.options(), postgres.InsecureUnsynced())...)
	require.NoError(t, err)
	const each = 10
	var wg sync.WaitGroup
	for range 3 {
		wg.Go(func() {
			for range each {
				require.NoError(t, s.Update(t.Context(), func(ctx context.Context, tx storage.Tx) error {
					n, err := tx.CountEdges(ctx, storage.EdgeQuery{Kind: storage.Like})
					if err != nil {
						return err
					}
					_, err = tx.PutEdge(ctx, storage.Edge{Kind: storage.Like, Subject: as.IRI(fmt.Sprint("https://a.example/", n)), Object: "https://us.example/o", State: storage.EdgeActive})
					return err
				}))
			}
		})
	}
	wg.Wait()
	n, err := s.CountEdges(t.Context(), storage.EdgeQuery{Kind: storage.Like})
	require.NoError(t, err)
	require.Equal(t, 3*each, n, "none saw an old count")
}

// TestLongIDs stores ids as long as they may be; an index row of PostgreSQL is shorter than two.
func TestLongIDs(t *testing.T) {
	t.Parallel()
	s, _ := open(t)
	long := func(seed uint32) as.IRI { // not compressible
		var b strings.Builder
		b.WriteString("https://a.example/")
		for b.Len() < 2048 {
			seed = seed*1664525 + 1013904223
			b.WriteByte("abcdefghijklmnopqrstuvwxyz0123456789"[seed>>16%36])
		}
		return as.IRI(b.String())
	}
	ctx := t.Context()
	a, b, c := long(1), long(2), long(3)
	_, won, err := s.Claim(ctx, storage.Receipt{Activity: a, Actor: b, Signer: b, KeyID: c})
	require.NoError(t, err)
	require.True(t, won)
	_, err = s.PutEdge(ctx, storage.Edge{Kind: storage.Follow, Subject: a, Object: b, Activity: c, State: storage.EdgeActive, Inbox: c, SharedInbox: c})
	require.NoError(t, err)
	_, err = s.PutObject(ctx, storage.Object{ID: a, Owner: b, Parent: c, Document: []byte("{}")})
	require.NoError(t, err)
	require.NoError(t, s.PutActor(ctx, storage.Actor{Key: "1", Handle: "a", ID: a}))
	_, err = s.InsertKeys(ctx, "1", storage.Key{ID: a, Algorithm: "rsa"})
	require.NoError(t, err)
	id, err := s.AddPost(ctx, storage.Post{Sender: "1", Activity: a, Chain: b})
	require.NoError(t, err)
	_, err = s.AddDeliveries(ctx, id, "", true, []storage.Delivery{{Inbox: c, Host: "https://a.example", Recipient: b}})
	require.NoError(t, err)
	require.NoError(t, s.CachePut(ctx, string(a), storage.CacheEntry{Expires: time.Now().Add(time.Hour)}))
	_, err = s.Edge(ctx, storage.Follow, a, b)
	require.NoError(t, err)
}
