// Package postgres keeps what Kith keeps in PostgreSQL, with River as the queue: the way past one
// machine, with any number of web and worker processes.
//
//	pool, err := pgxpool.New(ctx, dsn)
//	…
//	err = postgres.Migrate(ctx, pool)
//	store, err := postgres.New(ctx, pool)
//	jobs := store.Queue()
//
// # Migrations
//
// [Migrate] makes the tables, whose names all begin with kith_, in the schema of [WithSchema], and
// River's in kith_river or that of [WithRiverSchema]. It is explicit, runs once however many
// processes call it, and [Schema] prints what it does. [New] returns storage.ErrSchema where it has
// not run.
//
// # Transactions
//
// Inside [Store.Update], [TxFrom] gives the app the pgx.Tx; outside, [Store.Tx] wraps a pgx.Tx that
// the app began, and [Store.SQLTx] a *sql.Tx. What Kith writes then commits, or not, with the app's
// rows; jobs too.
//
// Transactions run at READ COMMITTED, and each statement is right at that level: rows that decide are
// locked or written under a condition. At a stricter level, and after a deadlock, a transaction
// that the server gave up runs again.
//
// A process that freezes inside a transaction holds what it locked, such as the deliveries of one host,
// until the server ends it, which Kith's own transactions ask for after 30 s: see [WithTimeouts]. For those
// that the app begins, set idle_in_transaction_session_timeout for the role or in the pool's parameters.
//
// # Poolers
//
// Behind PgBouncer with transaction pooling use [WithPollOnly]. Nothing here depends on the state of a
// session: tables are named with their schema, locks end with their transaction.
//
// # Design
//
// The driver is pgx, whose pool the app hands in: pgx.Tx is what River and most apps use. The statements
// are shared with the sqlite module. River was chosen because its jobs are rows that commit with the
// caller's, and because operators know its tables; of it Kith uses insertion, fetching and workers.
// Leases, which River lacks, are kept here: a job whose worker outlived its lease is made available
// again. Jobs only say where to look, so one that runs twice does no harm. A job that fails is snoozed,
// so that River never discards it; what is dead is decided over the receipts and the ledger.
package postgres
