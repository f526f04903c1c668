package main

import (
	"context"
	"fmt"
	"runtime"
	"runtime/debug"

	"github.com/gokith/kith"
)

// version prints the version of Kith, of Go, and of the commit if the build knows it.
func version(_ context.Context, c *call) error {
	if _, err := c.parse(c.flags()); err != nil {
		return err
	}
	commit := ""
	if info, ok := debug.ReadBuildInfo(); ok {
		for _, s := range info.Settings {
			if s.Key == "vcs.revision" && len(s.Value) >= 12 {
				commit = " " + s.Value[:12]
			}
		}
	}
	_, err := fmt.Fprintf(c.out, "kith %s%s %s\n", kith.Version, commit, runtime.Version())
	return err
}
