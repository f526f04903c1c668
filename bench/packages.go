package main

import (
	"os"
	"os/exec"
)

// benchPackages runs the benchmarks of the packages themselves: httpsig beside bare cryptography and
// go-fed/httpsig, activitystreams beside encoding/json.
func benchPackages(options) error {
	for _, args := range [][]string{
		{"-bench", "Sign|Verify", "./httpsig"},
		{"-bench", "Map|Header|Decode|Encode", "./activitystreams"},
	} {
		cmd := exec.Command("go", append([]string{"test", "-run", "^$", "-benchtime", "0.5s", "-cpu", "1"}, args...)...)
		cmd.Stdout, cmd.Stderr = os.Stdout, os.Stderr
		if err := cmd.Run(); err != nil {
			return err
		}
	}
	return nil
}
