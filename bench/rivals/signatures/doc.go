// Package signatures compares httpsig with the other libraries for signed requests, each beside the
// bare arithmetic, in one run.
//
//	cd bench/rivals && GOWORK=off go test -v -run Overhead ./signatures
//
// A round does a batch of every operation in turn and takes the CPU time of the process, which runs on
// one processor. What a library costs is the median over the rounds of its time less that of the bare
// arithmetic in the same round; so other work on the machine counts little.
package signatures
