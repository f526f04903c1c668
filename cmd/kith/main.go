// Command kith looks after a server that is built on Kith, and takes apart what goes over the wire.
//
// Over the server's database, which may be in use (-db FILE or -db postgres://…):
//
//	kith deliveries [-host H] [-state S] [-post ID] [-since T]   what became of posts
//	kith hosts [-held|-show WHICH]                               how remote servers are doing
//	kith retry [-gave-up] [-host H] [-since T] [-post ID]        deliver now
//	kith cancel [-host H] [-post ID] [-since T]                  call off what waits
//	kith pause|resume [-host H]                                  hold back deliveries
//	kith probe -host H                                           try a server now
//	kith received [-state S]                                     what came in and waits, or failed
//	kith revive [-all] [ID…]                                     take up what failed too often
//	kith block|unblock ID|ORIGIN…                                whom the server deals with
//	kith block [-actors] [-by KEY]                               whom it, or its actors, refuse
//	kith comments list|approve|reject [ID…]                      replies that wait for approval
//	kith relays                                                  which relays it is subscribed to
//	kith stats                                                   what waits; rows, bytes and growth
//	kith migrate [-print]                                        bring the tables up to date
//
// All but comments and migrate also work over the admin handler of a running server (package admin):
// -admin https://blog.example/admin/ -header 'Authorization: …'.
//
// Without a server:
//
//	kith doc [-json] [-expand|-compact|-check] [FILE|-]          read a document
//	kith sig verify|explain -key FILE [-at TIME] [-origin https://…] [REQUEST|-]
//	kith proof verify [-key FILE|-multikey z…] [FILE|-]          verify a document's proofs
//	kith keygen [-type rsa|ed25519] [-out FILE]                  make a key pair
//	kith version
//
// Text by strangers is printed without anything that moves a terminal's cursor.
//
// Exit codes: 0 done or valid, 1 failed or refused, 2 wrong usage.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"strings"
	"syscall"

	"github.com/gokith/kith/keys"
	"github.com/gokith/kith/proof"
)

// Exit codes.
const (
	exitDone = iota
	exitFailed
	exitUsage
)

// A tool is one subcommand.
type tool struct {
	name, args, what string
	run              func(ctx context.Context, c *call) error
}

// tools are the subcommands, in the order of the usage text.
func tools() []tool {
	return []tool{
		{"block", "[-actors] [ID|ORIGIN…]", "refuse actors and servers; without arguments, list whom", block},
		{"cancel", "", "call off deliveries that wait", cancel},
		{"comments", "list|approve|reject [ID…]", "look after replies that wait for approval", comments},
		{"deliveries", "", "list deliveries and how they went", deliveries},
		{"doc", "[FILE|-]", "print what the SDK reads in a document", doc},
		{"hosts", "", "list remote servers and how they do", hosts},
		{"keygen", "", "make a key pair", keygen},
		{"migrate", "", "bring the tables of a database up to date", migrate},
		{"pause", "[-host H]", "hold back what goes to a server, or everything", pause},
		{"probe", "-host H", "try a server now", probe},
		{"proof", "verify [FILE|-]", "verify the proofs of a document (FEP-8b32)", proofs},
		{"received", "", "list what came in and waits, or failed", received},
		{"relays", "", "list the relays that the server is subscribed to", relayed},
		{"resume", "[-host H]", "let it go again", resume},
		{"retry", "", "deliver what waits, or was given up, now", retry},
		{"revive", "[-all] [ID…]", "take up again what came in and failed too often", revive},
		{"sig", "verify|explain [REQUEST|-]", "verify a signed HTTP request, or explain its refusal", sig},
		{"stats", "", "tell what waits, how big the store is and how it grows", stats},
		{"unblock", "ID|ORIGIN…", "lift blocks", unblock},
		{"version", "", "print the version", version},
	}
}

// errUsage reports a wrong call; what it wraps says what is wrong.
var errUsage = errors.New("usage")

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	os.Exit(run(ctx, os.Args[1:], os.Stdin, os.Stdout, os.Stderr))
}

// run is main without the process.
func run(ctx context.Context, args []string, stdin io.Reader, stdout, stderr io.Writer) int {
	if len(args) == 0 {
		usage(stderr)
		return exitUsage
	}
	switch args[0] {
	case "help", "-h", "-help", "--help":
		usage(stdout)
		return exitDone
	}
	for _, t := range tools() {
		if t.name != args[0] {
			continue
		}
		err := t.run(ctx, &call{tool: t, args: args[1:], in: stdin, out: stdout, err: stderr})
		switch {
		case err == nil:
			return exitDone
		case errors.Is(err, flag.ErrHelp): // which is printed
			return exitDone
		case errors.Is(err, errUsage):
			fmt.Fprintf(stderr, "kith %s: %s\n", t.name, complaint(err))
			return exitUsage
		}
		fmt.Fprintf(stderr, "kith %s: %s\n", t.name, complaint(err))
		return exitFailed
	}
	fmt.Fprintf(stderr, "kith: no command %q\n", args[0])
	usage(stderr)
	return exitUsage
}

// complaint prints an error with its stable code, if it has one.
func complaint(err error) string {
	text, code := lines(err.Error()), ""
	var ofProof *proof.Error
	var ofKey *keys.Error
	switch {
	case errors.As(err, &ofProof):
		code = ofProof.Code
	case errors.As(err, &ofKey):
		code = ofKey.Code
	}
	if code != "" && !strings.Contains(text, code) {
		text += " (" + code + ")"
	}
	return text
}

func usage(w io.Writer) {
	fmt.Fprintln(w, "usage: kith COMMAND [flags] [arguments]\n\ncommands:")
	for _, t := range tools() {
		fmt.Fprintf(w, "  %-10s %-28s %s\n", t.name, t.args, t.what)
	}
	fmt.Fprintln(w, "\n'kith COMMAND -h' lists the flags of a command.")
}
