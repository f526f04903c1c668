package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"

	"github.com/gokith/kith/keys"
)

// keygen makes a key pair. The private key goes into a file that only its owner can read, or to
// standard output; the public forms go to standard output, or then to standard error.
func keygen(_ context.Context, c *call) error {
	f := c.flags()
	kind := f.String("type", "rsa", "`kind` of key: rsa (2048 bits, for HTTP signatures everywhere) or ed25519 (for proofs and newer servers)")
	out := f.String("out", "", "`file` for the private key (PEM, mode 0600), which must not exist yet; without it the private key goes to standard output and the public one to standard error")
	args, err := c.parse(f)
	if err != nil {
		return err
	}
	if err := none(args); err != nil {
		return err
	}
	var key keys.Private
	switch *kind {
	case "rsa":
		key, err = keys.GenerateRSA(nil)
	case "ed25519":
		key, err = keys.GenerateEd25519(nil)
	default:
		return fmt.Errorf("%w: -type is rsa or ed25519", errUsage)
	}
	if err != nil {
		return err
	}
	text, err := key.PEM()
	if err != nil {
		return err
	}
	if *out != "" {
		if err := writePrivate(*out, text); err != nil {
			return err
		}
		return printPublic(c.out, key)
	}
	if _, err := c.out.Write(text); err != nil {
		return err
	}
	return printPublic(c.err, key)
}

// writePrivate makes a file that only its owner can read, and never replaces one.
func writePrivate(name string, text []byte) error {
	file, err := os.OpenFile(name, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return err
	}
	_, err = file.Write(text)
	if err = errors.Join(err, file.Sync(), file.Close()); err != nil {
		return errors.Join(err, os.Remove(name))
	}
	return nil
}

// printPublic prints the three forms in which others read a public key.
func printPublic(w io.Writer, key keys.Private) error {
	text, err := keys.PublicPEM(key.Public())
	if err != nil {
		return err
	}
	multikey, err := keys.Multikey(key.Public())
	if err != nil {
		return err
	}
	did, err := keys.DIDKey(key.Public())
	if err != nil {
		return err
	}
	_, err = fmt.Fprintf(w, "%spublicKeyMultibase: %s\n%s\n", text, multikey, did)
	return err
}
