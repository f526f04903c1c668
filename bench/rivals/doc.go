// Package rivals compares activitystreams with the other vocabularies for Go, on the same documents. It
// is a module of its own, outside of the workspace: one of them takes more than a minute of CPU to
// compile.
//
//	cd bench/rivals && go test -bench . -cpu 1
package rivals
