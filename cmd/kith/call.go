package main

import (
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"strings"
)

// maxInput bounds what is read from a file or standard input.
const maxInput = 16 << 20

// call is one run of a subcommand.
type call struct {
	tool
	args     []string
	in       io.Reader
	out, err io.Writer
}

// verb takes the first argument, which says what a tool with several faces shall do; "" if there is
// none.
func (c *call) verb() string {
	if len(c.args) == 0 || strings.HasPrefix(c.args[0], "-") {
		return ""
	}
	verb := c.args[0]
	c.args = c.args[1:]
	return verb
}

// faceless complains about a missing or unknown verb, after help, if that was asked for.
func (c *call) faceless(verb string) error {
	if verb == "" {
		if _, err := c.parse(c.flags()); err != nil {
			return err
		}
	}
	return fmt.Errorf("%w: %s", errUsage, c.tool.args)
}

// flags returns an empty set of flags that complains in the tool's way.
func (c *call) flags() *flag.FlagSet {
	f := flag.NewFlagSet("kith "+c.name, flag.ContinueOnError)
	f.SetOutput(c.err)
	f.Usage = func() {
		fmt.Fprintf(c.err, "usage: kith %s [flags] %s\n%s\n", c.name, c.tool.args, c.what)
		f.PrintDefaults()
	}
	return f
}

// parse reads the flags and returns the arguments behind them.
func (c *call) parse(f *flag.FlagSet) ([]string, error) {
	err := f.Parse(c.args)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", errUsage, err)
	}
	return f.Args(), nil
}

// none refuses arguments.
func none(args []string) error {
	if len(args) > 0 {
		return fmt.Errorf("%w: no arguments are taken, only flags", errUsage)
	}
	return nil
}

// input reads the one file that args name, or standard input for "-" or nothing.
func (c *call) input(args []string) ([]byte, error) {
	switch {
	case len(args) > 1:
		return nil, fmt.Errorf("%w: one file at a time", errUsage)
	case len(args) == 0 || args[0] == "-":
		return readAll("standard input", c.in)
	}
	return readFile(args[0])
}

func readFile(name string) ([]byte, error) {
	file, err := os.Open(name)
	if err != nil {
		return nil, err
	}
	text, err := readAll(name, file)
	return text, errors.Join(err, file.Close())
}

func readAll(name string, r io.Reader) ([]byte, error) {
	text, err := io.ReadAll(io.LimitReader(r, maxInput+1))
	if err == nil && len(text) > maxInput {
		err = fmt.Errorf("%s has more than %d MiB", name, maxInput>>20)
	}
	return text, err
}
