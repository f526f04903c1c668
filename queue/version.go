package queue

import (
	"maps"
	"strconv"
	"strings"
)

// During a rolling upgrade processes of two releases work on one queue, and after going back there are
// jobs of a release that nobody runs any more. So a job says which version of its kind it is, and it says
// so in the kind itself: engines route and merge by kind, and leave kinds alone that no worker of the
// process is for. A job of a newer version is thus never given to a process that cannot read it, never
// merged with one of an older version, and never counted as failed; it waits for a process that knows it.
//
// A package that changes what the key or the payload of its jobs means raises the version that it writes,
// and reads the one before too ([Readers]) until no process of the release before is left. If the new
// release is withdrawn, its jobs stay where they are, and the sweeps make others of the old version for
// the same work. The work itself lies in the store: nothing is lost either way.

// versionMark stands between a kind and its version.
const versionMark = "-v"

// KindOf returns the kind under which jobs of a version are stored: the kind itself for version 1 and
// below, "deliver-v2" for version 2 of "deliver".
func KindOf(kind string, version int) string {
	if version <= 1 {
		return kind
	}
	return kind + versionMark + strconv.Itoa(version)
}

// VersionOf parts what KindOf made.
func VersionOf(stored string) (kind string, version int) {
	i := strings.LastIndex(stored, versionMark)
	if i < 0 {
		return stored, 1
	}
	digits := stored[i+len(versionMark):]
	n, err := strconv.Atoi(digits)
	if err != nil || n < 2 || digits != strconv.Itoa(n) {
		return stored, 1
	}
	return stored[:i], n
}

// Readers returns kinds with the worker of each also for the other versions from oldest to newest. The
// kinds given are those of version 1. A worker finds the version of a job by VersionOf its Kind; each
// version has as many workers as its kind says.
func Readers(oldest, newest int, kinds map[string]Kind) map[string]Kind {
	all := maps.Clone(kinds)
	clear(all)
	for name, k := range kinds {
		for v := max(oldest, 1); v <= newest; v++ {
			all[KindOf(name, v)] = k
		}
	}
	return all
}
