// Package repo holds tests of the repository as a whole: the arrows between packages, documented names,
// forbidden calls, numbered rows of the security and interop bars. It has nothing to import.
package repo
