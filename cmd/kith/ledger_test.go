package main

import (
	"context"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/stretchr/testify/require"

	as "github.com/gokith/kith/activitystreams"
	"github.com/gokith/kith/admin"
	"github.com/gokith/kith/delivery"
	"github.com/gokith/kith/internal/sharedtest"
	"github.com/gokith/kith/names"
	"github.com/gokith/kith/policy"
	"github.com/gokith/kith/postgres"
	"github.com/gokith/kith/sqlite"
	"github.com/gokith/kith/storage"
)

const evil = "\x1b[31m\u202enet.timeout\r\n9 deliveries, 9 done"

// onEach runs a test on a store of each kind, which is named by -db.
func onEach(t *testing.T, test func(t *testing.T, store storage.Store, db string)) {
	t.Run("sqlite", func(t *testing.T) {
		t.Parallel()
		db := filepath.Join(t.TempDir(), "kith.db")
		store, err := sqlite.Open(db)
		require.NoError(t, err)
		t.Cleanup(func() { require.NoError(t, store.Close()) })
		test(t, store, db)
	})
	t.Run("admin", func(t *testing.T) {
		t.Parallel()
		store, err := sqlite.Open(filepath.Join(t.TempDir(), "kith.db"))
		require.NoError(t, err)
		t.Cleanup(func() { require.NoError(t, store.Close()) })
		test(t, store, overAdmin(t, store))
	})
	t.Run("postgres", func(t *testing.T) {
		t.Parallel()
		store, db := onPostgres(t)
		test(t, store, db)
	})
}

// login is what the app before the admin handler asks for.
const login = "Bearer correct horse"

// overAdmin serves the store's admin handler behind a login, and returns its address.
func overAdmin(t *testing.T, store storage.Store) string {
	t.Helper()
	s := serveAdmin(t, store)
	t.Cleanup(s.Close)
	return s.URL + "/admin"
}

// serveAdmin is the server of overAdmin, for the caller to close.
func serveAdmin(t *testing.T, store storage.Store) *httptest.Server {
	t.Helper()
	h, err := admin.New(admin.Config{Store: store, Logger: slog.New(slog.DiscardHandler)})
	require.NoError(t, err)
	mux := http.NewServeMux()
	mux.Handle("/admin/", http.StripPrefix("/admin", h))
	return httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("Authorization") != login {
			http.Redirect(w, r, "/login", http.StatusFound)
			return
		}
		mux.ServeHTTP(w, r)
	}))
}

// onPostgres makes schemas that only this test uses.
func onPostgres(t *testing.T) (storage.Store, string) {
	t.Helper()
	dsn := os.Getenv("KITH_TEST_POSTGRES")
	if dsn == "" {
		dsn = "postgres://postgres@127.0.0.1:5432/test?sslmode=disable"
	}
	schema := fmt.Sprintf("kith_cmd_%d_%d", os.Getpid(), time.Now().UnixNano())
	db := dsn + "&search_path=" + schema
	if !strings.Contains(dsn, "?") {
		db = dsn + "?search_path=" + schema
	}
	pool, err := pgxpool.New(t.Context(), db)
	require.NoError(t, err)
	err = pool.Ping(t.Context())
	if err != nil {
		pool.Close()
	}
	sharedtest.Require(t, "postgres", err == nil, fmt.Sprintf("no server (%v); start one with: "+
		"docker run --rm -p 5432:5432 -e POSTGRES_HOST_AUTH_METHOD=trust -e POSTGRES_DB=test postgres:17", err))
	_, err = pool.Exec(t.Context(), "CREATE SCHEMA "+schema)
	require.NoError(t, err)
	t.Cleanup(func() {
		_, err := pool.Exec(context.Background(), "DROP SCHEMA "+schema+" CASCADE; DROP SCHEMA IF EXISTS "+schema+"_river CASCADE")
		require.NoError(t, err)
		pool.Close()
	})
	river := postgres.WithRiverSchema(schema + "_river")
	require.NoError(t, postgres.Migrate(t.Context(), pool, river))
	store, err := postgres.New(t.Context(), pool, river)
	require.NoError(t, err)
	return store, db + "&river_schema=" + schema + "_river"
}

// ledger fills a store: a post to three hosts, of which one took it, one refused it, and one is down.
func ledger(t *testing.T, store storage.Store) {
	t.Helper()
	ctx, now := t.Context(), time.Now()
	require.NoError(t, store.PutActor(ctx, storage.Actor{Key: names.InstanceKey, Handle: "blog.example", ID: "https://blog.example/ap/instance"}))
	post, err := store.AddPost(ctx, storage.Post{Sender: "ana", Activity: "https://blog.example/a/1", Verb: "Create", Chain: "https://blog.example/n/1", Payload: []byte("{}")})
	require.NoError(t, err)
	var ds []storage.Delivery
	for _, host := range []string{"https://good.example", "https://strict.example", "https://down.example"} {
		ds = append(ds, storage.Delivery{Inbox: as.IRI(host + "/inbox"), Host: host, Next: now.Add(-time.Second)})
	}
	_, err = store.AddDeliveries(ctx, post, "", true, ds)
	require.NoError(t, err)
	outcome := func(host string, change func(d *storage.Delivery)) {
		leased, err := store.LeaseDeliveries(ctx, host, 1, now, time.Minute)
		require.NoError(t, err)
		require.Len(t, leased, 1)
		leased[0].Attempts = 1
		change(&leased[0])
		stale, err := store.RecordDeliveries(ctx, leased)
		require.NoError(t, err)
		require.Empty(t, stale)
	}
	outcome("https://good.example", func(d *storage.Delivery) { d.State, d.Status, d.Code = storage.DeliveryDone, 202, "http.202" })
	outcome("https://strict.example", func(d *storage.Delivery) {
		d.State, d.Status, d.Code, d.Excerpt = storage.DeliveryRefused, 403, "http.403", evil
	})
	outcome("https://down.example", func(d *storage.Delivery) {
		d.Next, d.Code = now.Add(3*time.Hour), delivery.CodeTimeout
	})
	require.NoError(t, store.UpdateHost(ctx, "https://down.example", func(h *storage.Host) {
		h.Failures, h.FailingSince, h.OpenUntil = 7, now.Add(-time.Hour), now.Add(time.Hour)
	}))
}

func TestDeliveriesAndHosts(t *testing.T) {
	t.Parallel()
	onEach(t, func(t *testing.T, store storage.Store, db string) {
		ledger(t, store)
		out := done(t, "deliveries", "-db", db)
		requireHarmless(t, out, "deliveries")
		require.Contains(t, out, "\n3 deliveries, 1 pending, 1 done, 1 refused\n")
		require.Equal(t, 1, strings.Count(out, "\n3 deliveries"))
		require.NotContains(t, out, "\n9 deliveries", "an excerpt stays on its line (S-108)")
		require.Regexp(t, `refused +1 +\S+ +- +https://strict.example/inbox +http.403 "\\x1b`, out)
		for args, want := range map[string]string{
			"-host good.example":                        "1 delivery, 1 done",
			"-host https://good.example -state pending": "0 deliveries",
			"-state gave-up":                            "1 delivery, 1 refused",
			"-state pending":                            "1 delivery, 1 pending",
			"-limit 2":                                  "2 deliveries",
			"-since 2h":                                 "3 deliveries",
			"-since 2100-01-01":                         "0 deliveries",
			"-post 1":                                   "post 1: Create https://blog.example/a/1 by ana",
		} {
			require.Contains(t, done(t, append([]string{"deliveries", "-db", db}, strings.Fields(args)...)...), want, args)
		}
		out = done(t, "hosts", "-db", db)
		require.Regexp(t, `https://down.example +failed 7 times in a row, tried again \S+ +waiting +7 since`, out)
		require.NoError(t, store.UpdateHost(t.Context(), "https://good.example", func(h *storage.Host) { h.LastSuccess = time.Now() }))
		require.Regexp(t, `https://good.example +ok +- +- +2`, done(t, "hosts", "-db", db))
		require.Contains(t, done(t, "hosts", "-db", db, "-held"), "\n1 host\n")

		code, _, complaint := invoke(t, "", "deliveries", "-db", db, "-post", "99")
		require.Equal(t, exitFailed, code)
		require.Contains(t, complaint, "post 99")
		for _, args := range [][]string{{"-state", "lost"}, {"-host", "not a host"}, {"-since", "noon"}, {"extra"}} {
			code, _, _ := invoke(t, "", append([]string{"deliveries", "-db", db}, args...)...)
			require.Equal(t, exitUsage, code, args)
		}
	})
}

func TestRetryPauseResume(t *testing.T) {
	t.Parallel()
	onEach(t, func(t *testing.T, store storage.Store, db string) {
		ledger(t, store)
		due := func(host string) int {
			n := 0
			for d, err := range store.Deliveries(t.Context(), storage.DeliveryQuery{Host: host, State: storage.DeliveryPending}) {
				require.NoError(t, err)
				if !d.Next.After(time.Now()) {
					n++
				}
			}
			return n
		}
		// What waits is due; the host that is given a rest is told of.
		out := done(t, "retry", "-db", db)
		require.Contains(t, out, "1 delivery is due now\n")
		require.Contains(t, out, "https://down.example waits all the same: failed 7 times in a row")
		require.Equal(t, 1, due("https://down.example"))
		require.Zero(t, due("https://strict.example"))

		// With -host it gets no rest.
		require.Equal(t, "1 delivery is due now\n", done(t, "retry", "-db", db, "-host", "down.example"))
		h, err := store.Host(t.Context(), "https://down.example")
		require.NoError(t, err)
		require.True(t, h.OpenUntil.IsZero())
		require.Equal(t, 7, h.Failures, "the next failure opens its breaker again")

		require.Equal(t, "0 deliveries are due now\n", done(t, "retry", "-db", db, "-gave-up", "-host", "strict.example", "-since", "2100-01-01"))
		require.Equal(t, "1 delivery is due now\n", done(t, "retry", "-db", db, "-gave-up", "-host", "strict.example", "-since", "2h"))
		require.Equal(t, 1, due("https://strict.example"))

		// A pause is by hand, and only a hand ends it.
		require.Equal(t, "paused https://strict.example\n", done(t, "pause", "-db", db, "-host", "strict.example"))
		require.Contains(t, done(t, "retry", "-db", db, "-host", "strict.example"), "waits all the same: paused by hand")
		require.Contains(t, done(t, "hosts", "-db", db, "-held"), "paused by hand")
		require.Equal(t, "resumed https://strict.example\n", done(t, "resume", "-db", db, "-host", "strict.example"))
		require.Contains(t, done(t, "hosts", "-db", db, "-held"), "\n0 hosts\n")
		code, _, complaint := invoke(t, "", "probe", "-db", db)
		require.Equal(t, exitUsage, code)
		require.Contains(t, complaint, "-host")

		// A probe ends the rest, without a word about deliveries.
		rest := time.Now().Add(time.Hour)
		require.NoError(t, store.UpdateHost(t.Context(), "https://down.example", func(h *storage.Host) { h.OpenUntil, h.Failures = rest, 7 }))
		require.Equal(t, "trying https://down.example\n", done(t, "probe", "-db", db, "-host", "down.example"))
		h, err = store.Host(t.Context(), "https://down.example")
		require.NoError(t, err)
		require.True(t, h.OpenUntil.IsZero())

		// Everything at once.
		require.Equal(t, "paused all deliveries\n", done(t, "pause", "-db", db))
		require.Contains(t, done(t, "stats", "-db", db), "all deliveries are paused")
		require.Contains(t, done(t, "retry", "-db", db, "-host", "strict.example"), "waits all the same: paused by hand")
		require.Equal(t, "resumed all deliveries\n", done(t, "resume", "-db", db))
		require.NotContains(t, done(t, "stats", "-db", db), "paused")

		code, _, _ = invoke(t, "", "cancel", "-db", db)
		require.Equal(t, exitUsage, code, "not everything by mistake")
		require.Equal(t, "1 delivery was called off\n", done(t, "cancel", "-db", db, "-host", "strict.example"))
		require.Equal(t, "1 delivery was called off\n", done(t, "cancel", "-db", db, "-all"))
		require.Contains(t, done(t, "deliveries", "-db", db), "1 done, 2 canceled")
		id := regexp.MustCompile(`(?m)^(\d+) .*strict`).FindStringSubmatch(done(t, "deliveries", "-db", db))[1]
		require.Equal(t, "1 delivery is due now\n", done(t, "retry", "-db", db, "-id", id))
	})
}

func TestBlockAndStats(t *testing.T) {
	t.Parallel()
	onEach(t, func(t *testing.T, store storage.Store, db string) {
		code, _, complaint := invoke(t, "", "block", "-db", db, "spam.example")
		require.Equal(t, exitFailed, code)
		require.Contains(t, complaint, "no server has run")
		require.NotContains(t, complaint, db)

		ledger(t, store)
		check := func(id as.IRI) error {
			return policy.New(store, "https://blog.example/ap/instance", nil).Check(t.Context(), id)
		}
		require.Equal(t, "nobody is blocked\n", done(t, "block", "-db", db))
		require.Equal(t, "blocked spam.example\nblocked https://good.example/users/eve\n",
			done(t, "block", "-db", db, "spam.example", "https://good.example/users/eve"))
		require.ErrorIs(t, check("https://spam.example/users/any"), policy.ErrBlocked)
		require.ErrorIs(t, check("https://good.example/users/eve"), policy.ErrBlocked)
		require.NoError(t, check("https://good.example/users/ana"))
		require.Contains(t, done(t, "block", "-db", db), "https://spam.example")
		require.Equal(t, "unblocked https://spam.example\n", done(t, "unblock", "-db", db, "https://spam.example"))
		require.NoError(t, check("https://spam.example/users/any"))
		code, _, _ = invoke(t, "", "unblock", "-db", db)
		require.Equal(t, exitUsage, code)
		code, _, complaint = invoke(t, "", "block", "-db", db, "ftp://x\x1b")
		require.Equal(t, exitFailed, code)
		requireHarmless(t, complaint, "block")

		require.NoError(t, store.PutActor(t.Context(), storage.Actor{Key: "ana", Handle: "ana", ID: "https://blog.example/ap/actors/ana"}))
		require.Contains(t, done(t, "block", "-db", db, "-actors"), "0 blocks")
		require.NoError(t, policy.New(store, "https://blog.example/ap/instance", nil).BlockFor(t.Context(), "https://blog.example/ap/actors/ana", "https://rude.example"))
		_, err := store.PutEdge(t.Context(), storage.Edge{Kind: storage.Block, Subject: "https://blog.example/ap/actors/bob", Object: "https://x.example/" + evil, State: storage.EdgeActive})
		require.NoError(t, err)
		theirs := done(t, "block", "-db", db, "-actors")
		require.Regexp(t, `(?m)^ana +https://rude\.example +\S+Z$`, theirs)
		require.Regexp(t, `(?m)^https://blog\.example/ap/actors/bob +"https://x\.example/`, theirs, "who is no actor any more")
		require.Contains(t, theirs, "\n2 blocks\n")
		require.NotContains(t, theirs, "users/eve", "the server's are another list")
		requireHarmless(t, theirs, "block")
		require.Contains(t, done(t, "block", "-db", db, "-by", "ana"), "\n1 block\n")
		require.NotContains(t, done(t, "block", "-db", db), "rude.example")
		code, _, complaint = invoke(t, "", "block", "-db", db, "-by", "nobody")
		require.Equal(t, exitFailed, code)
		require.Contains(t, complaint, "nobody")
		code, _, _ = invoke(t, "", "block", "-db", db, "-actors", "spam.example")
		require.Equal(t, exitUsage, code)
		require.NoError(t, check("https://rude.example/users/any"), "it is ana's alone")

		out := done(t, "stats", "-db", db)
		require.Regexp(t, `(?m)^deliveries waiting +1$`, out)
		require.Regexp(t, `(?m)^kith_deliveries +3 +\S+( [KMG]iB)? +- +-$`, out)
		require.Regexp(t, `(?m)^deliveries done in 10 min +1$`, out)
		z := store.(storage.Sizer)
		require.NoError(t, z.PutSizes(t.Context(), storage.SizeSample{Time: time.Now().Add(-48 * time.Hour), Tables: []storage.TableSize{{Name: "kith_deliveries", Rows: 1}}}))
		require.Regexp(t, `(?m)^kith_deliveries +3 .* \+1 +-$`, done(t, "stats", "-db", db))
		require.Regexp(t, `\n[1-9]\d+ bytes \(`, out)
	})
}

func TestReceivedAndRevive(t *testing.T) {
	t.Parallel()
	onEach(t, func(t *testing.T, store storage.Store, db string) {
		ctx := t.Context()
		var ids []string
		for i := range 3 {
			r, _, err := store.Claim(ctx, storage.Receipt{Activity: as.IRI(fmt.Sprintf("https://good.example/%d", i)), Actor: "https://good.example/users/ana", Proven: storage.ProvenSignature, Body: []byte("{}")})
			require.NoError(t, err)
			ids = append(ids, r.ID)
		}
		for _, id := range ids[:2] {
			require.NoError(t, store.FinishReceipt(ctx, id, storage.ReceiptDead, evil, time.Time{}))
		}
		out := done(t, "received", "-db", db, "-state", "dead")
		requireHarmless(t, out, "received")
		require.Contains(t, out, "\n2 messages\n")
		require.NotContains(t, out, "\n9 deliveries")
		require.Contains(t, done(t, "received", "-db", db), "\n1 message\n")
		require.Equal(t, "1 message is taken up again\n", done(t, "revive", "-db", db, ids[0]))
		require.Equal(t, "1 message is taken up again\n", done(t, "revive", "-db", db, "-all"))
		require.Contains(t, done(t, "received", "-db", db), "\n3 messages\n")
		for _, args := range [][]string{{"revive"}, {"revive", "-all", "x"}, {"received", "-state", "lost"}} {
			code, _, _ := invoke(t, "", append([]string{args[0], "-db", db}, args[1:]...)...)
			require.Equal(t, exitUsage, code, args)
		}
	})
}

func TestMigrate(t *testing.T) {
	t.Parallel()
	db := filepath.Join(t.TempDir(), "kith.db")
	code, _, complaint := invoke(t, "", "migrate", "-db", db)
	require.Equal(t, exitFailed, code)
	require.Contains(t, complaint, "there is no database")
	require.Contains(t, done(t, "migrate", "-db", db, "-print"), "CREATE TABLE kith_deliveries")
	require.NoFileExists(t, db)
	store, err := sqlite.Open(db)
	require.NoError(t, err)
	_, err = store.DB().Exec(`CREATE TABLE mine (x)`)
	require.NoError(t, err)
	require.NoError(t, store.Close())
	require.Equal(t, fmt.Sprintf("the tables have version %d\n", sqlite.SchemaVersion), done(t, "migrate", "-db", db))

	dsn := "postgres://nobody@127.0.0.1:1/x?search_path=other&river_schema=jobs"
	out := done(t, "migrate", "-db", dsn, "-print")
	require.Contains(t, out, `CREATE SCHEMA IF NOT EXISTS "other"`)
	require.Contains(t, out, `CREATE SCHEMA IF NOT EXISTS "jobs"`)
}

func TestMigratePostgres(t *testing.T) {
	t.Parallel()
	_, dsn := onPostgres(t)
	fresh := regexp.MustCompile(`(search_path|river_schema)=(\w+)`).ReplaceAllString(dsn, "${1}=${2}_new")
	code, _, complaint := invoke(t, "", "stats", "-db", fresh)
	require.Equal(t, exitFailed, code)
	require.Contains(t, complaint, "no tables of Kith yet")
	t.Cleanup(func() {
		pool, err := pgxpool.New(context.Background(), regexp.MustCompile(`[?&](search_path|river_schema)=\w+`).ReplaceAllString(dsn, ""))
		require.NoError(t, err)
		defer pool.Close()
		for _, m := range regexp.MustCompile(`(?:search_path|river_schema)=(\w+)`).FindAllStringSubmatch(fresh, -1) {
			_, err := pool.Exec(context.Background(), "DROP SCHEMA IF EXISTS "+m[1]+" CASCADE")
			require.NoError(t, err)
		}
	})
	for range 2 {
		require.Contains(t, done(t, "migrate", "-db", fresh), "the tables have version")
	}
	require.Contains(t, done(t, "deliveries", "-db", fresh), "0 deliveries")
}

// The login goes to the address that was named, over TLS or this machine, and nowhere else.
func TestAdminAddress(t *testing.T) {
	t.Parallel()
	store, err := sqlite.Open(filepath.Join(t.TempDir(), "kith.db"))
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, store.Close()) })
	at := overAdmin(t, store)
	secret := filepath.Join(t.TempDir(), "login")
	require.NoError(t, os.WriteFile(secret, []byte("Authorization: "+login+"\n"), 0o600))
	require.Contains(t, done(t, "hosts", "-admin", at, "-header", "@"+secret), "0 hosts")

	code, _, complaint := invoke(t, "", "hosts", "-admin", at, "-header", "Authorization: wrong")
	require.Equal(t, exitFailed, code)
	require.Contains(t, complaint, "-header")
	code, _, complaint = invoke(t, "", "hosts", "-admin", strings.TrimSuffix(at, "/admin")+"/other", "-header", "Authorization: "+login)
	require.Equal(t, exitFailed, code)
	require.Contains(t, complaint, "is the address right")
	for _, args := range [][]string{{"-admin", "http://blog.example/admin/"}, {"-admin", "blog.example"}, {"-admin", at, "-header", "secret"}} {
		code, _, complaint := invoke(t, "", append([]string{"stats"}, args...)...)
		require.Equal(t, exitUsage, code, args)
		require.NotContains(t, complaint, "secret")
	}
}

func TestOpenRefuses(t *testing.T) {
	t.Parallel()
	none := filepath.Join(t.TempDir(), "none.db")
	for db, want := range map[string]string{
		none: "-db names it",
		"postgres://u:secret@127.0.0.1:1/x?sslmode=disable":    "refused",
		"postgres://u:secret@127.0.0.1:port/x?sslmode=disable": "no URL",
	} {
		for _, tool := range []string{"stats", "deliveries", "hosts", "retry", "block", "cancel -all", "received", "revive -all", "migrate"} {
			args := strings.Fields(tool)
			code, _, complaint := invoke(t, "", append([]string{args[0], "-db", db}, args[1:]...)...)
			require.Equal(t, exitFailed, code, tool)
			require.Contains(t, complaint, want)
			require.NotContains(t, complaint, "secret")
		}
	}
	require.NoFileExists(t, none, "nothing is made")
}
