// Package sqlite keeps what Kith keeps in one SQLite database, and runs its queue there.
//
//	store, err := sqlite.Open("kith.db")
//	…
//	defer store.Close()
//	jobs := store.Queue()
//
// # Two ways to open
//
// [Open] makes and migrates the file, readable by its owner only, and sets what a durable database
// needs: a write-ahead log, a sync before each commit returns, one connection that writes, several
// that read. [New] takes the app's own handle, checks these settings, and refuses unsafe ones by
// name; [Migrate] makes the tables, whose names all begin with kith_. [Schema] prints them.
//
// # Transactions
//
// The app's rows and Kith's commit together in either direction. Inside [Store.Update], [TxFrom] gives
// the *sql.Tx. Outside, [Store.Tx] wraps a *sql.Tx that the app began:
//
//	tx, err := db.BeginTx(ctx, nil)
//	…
//	ctx = storage.NewContext(ctx, store.Tx(tx))
//
// An app's statement in a shared transaction should not be canceled half-way: SQLite then rolls the
// transaction back, and the store starts the writes that shared it anew.
//
// # Design
//
// The driver is modernc.org/sqlite, through database/sql: pure Go, so that an app stays one static
// binary. Its price, about twice the time of the C library, is paid back by group commit: writes that
// come at once are savepoints of one transaction and share one sync, so that full durability costs a
// busy inbox little. No write returns before its sync.
//
// Statements that the store runs itself are never canceled once begun, for the reason above; contexts
// are asked before each.
package sqlite
