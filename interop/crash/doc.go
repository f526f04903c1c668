// Package crash holds the tests that end a server the hard way: kill -9 while work is in flight, disks
// that fill up, processes that stop past their leases. It has nothing to import.
//
// The server under test is this package's test binary, started again as a process of its own. What it
// talks to, and what is written down about it, lives in the test's process, which survives: peers on
// loopback that note every request, senders that note every answer. At the end sets are compared: what
// was acknowledged against what took effect, what was published against what arrived.
//
// Effects go to a table without any uniqueness, through the receipt's transaction, so that a second one
// would show. Kills are aimed: the server is told where on the road to stop, says so over a pipe, and is
// killed there. Others come at random times. Seeds are printed; KITH_CRASH_SEED repeats one.
//
// With KITH_LONG=1 the long forms run. KITH_TEST_POSTGRES, the connection string of a server on which
// databases may be made, adds PostgreSQL with River.
//
// Design: sqlite and postgres are the engines under test; nothing else is required beyond the module
// itself and testify.
package crash
