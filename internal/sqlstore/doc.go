// Package sqlstore holds the roles of package storage as SQL, written once for the two engines that
// the sqlite and postgres modules bring. It imports no driver: an [Engine] runs the statements.
//
// # Design
//
// The statements use what both engines know: INSERT … ON CONFLICT … RETURNING, partial indexes, and
// parameters written as "?". Points in time are microseconds since 1970 and zero when unset, so
// that both compare and index them as numbers. Lists of ids are JSON. Every list reads a page at a
// time, keyed by its last row: no statement stays open while the caller's loop body runs.
//
// A row that another transaction may change in between is locked by [Engine.Lock], which is empty
// where one transaction writes at a time. No statement fails on a unique index in normal work, since
// that would spoil the caller's transaction in PostgreSQL: conflicts are asked for by ON CONFLICT DO
// NOTHING and told by the number of rows.
package sqlstore
