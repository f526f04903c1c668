package signatures

import (
	"bytes"
	"context"
	"crypto"
	"crypto/ed25519"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	mathrand "math/rand/v2"
	"net/http"
	"os"
	"runtime"
	"slices"
	"strconv"
	"syscall"
	"testing"
	"time"

	"github.com/gokith/kith/httpsig"
	"github.com/gokith/kith/origin"
)

const (
	keyID = "https://social.example/users/alice#main-key"
	owner = "https://social.example/users/alice"
	inbox = "https://blog.example/inbox"
)

var body = bytes.Repeat([]byte("0123456789abcdef"), 256) // 4 kB

// An operation is one way of signing or verifying the request.
type operation struct {
	name string
	run  func() error
	// aim in allocations beside the arithmetic; 0: none. Times depend on the machine and are told only.
	aim float64
}

func TestOverhead(t *testing.T) {
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(1))
	rsaKey, err := rsa.GenerateKey(rand.Reader, 2048)
	ok(t, err)
	_, edKey, err := ed25519.GenerateKey(rand.Reader)
	ok(t, err)
	for _, key := range []crypto.Signer{rsaKey, edKey} {
		name, batch := "Ed25519", 60
		if key == crypto.Signer(rsaKey) {
			name, batch = "RSA-2048", 8
		}
		compare(t, "sign, "+name, batch, signing(t, key))
		compare(t, "verify, "+name, 60, verifying(t, key))
	}
}

// compare measures the operations; the first one is the bare arithmetic.
func compare(t *testing.T, group string, batch int, all []operation) {
	rounds := 41
	if n, err := strconv.Atoi(os.Getenv("ROUNDS")); err == nil {
		rounds = n
	}
	spent := make([][]time.Duration, len(all))
	allocs := make([]float64, len(all))
	for i, o := range all {
		ok(t, o.run())
		allocs[i] = testing.AllocsPerRun(20, func() { _ = o.run() })
	}
	dice := mathrand.New(mathrand.NewPCG(1, 2))
	for range rounds {
		for _, i := range dice.Perm(len(all)) { // nobody always follows the same one
			from := cpu(t)
			for range batch {
				ok(t, all[i].run())
			}
			spent[i] = append(spent[i], (cpu(t)-from)/time.Duration(batch))
		}
	}
	t.Logf("%-18s %s: %5.1f µs, %.0f allocations", group, all[0].name, micro(median(spent[0])), allocs[0])
	for i, o := range all[1:] {
		beyond, share := make([]time.Duration, rounds), allocs[i+1]-allocs[0]
		for n := range beyond {
			beyond[n] = spent[i+1][n] - spent[0][n]
		}
		if o.aim == alone {
			t.Logf("%-18s %s: %5.1f µs, %.0f allocations", "", o.name, micro(median(spent[i+1])), allocs[i+1])
			continue
		}
		t.Logf("%-18s %s: %+5.1f µs, %+.0f allocations", "", o.name, micro(median(beyond)), share)
		if o.aim > 0 && share > o.aim {
			t.Errorf("%s, %s: %.0f allocations beside the arithmetic, the aim is %.0f", group, o.name, share, o.aim)
		}
	}
}

// alone marks an operation without arithmetic: a part of others.
const alone = -1

func ok(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// cpu is the time that the process has spent, with what the collector takes.
func cpu(t *testing.T) time.Duration {
	var u syscall.Rusage
	ok(t, syscall.Getrusage(syscall.RUSAGE_SELF, &u))
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

func median(of []time.Duration) time.Duration {
	of = slices.Clone(of)
	slices.Sort(of)
	return of[len(of)/2]
}

func micro(d time.Duration) float64 { return float64(d) / float64(time.Microsecond) }

func request(t *testing.T) *http.Request {
	t.Helper()
	r, err := http.NewRequest(http.MethodPost, inbox, nil)
	ok(t, err)
	r.Header.Set("Content-Type", "application/activity+json")
	r.Header.Set("User-Agent", "kith/1 (+https://social.example/)")
	return r
}

// arrived is a request signed by us, as a server gets it.
func arrived(t *testing.T, key crypto.Signer, scheme httpsig.Scheme) *http.Request {
	t.Helper()
	r := request(t)
	ok(t, (&httpsig.Signer{KeyID: keyID, Key: key}).Sign(r, body, time.Now(), httpsig.SignOptions{Scheme: scheme}))
	r.RequestURI = "/inbox"
	return r
}

// signing lists the ways to sign; each makes its digest and its signature anew.
func signing(t *testing.T, key crypto.Signer) []operation {
	text := bytes.Repeat([]byte("x"), 250)
	all := []operation{{name: "arithmetic", run: func() error {
		sha256.Sum256(body)
		_, err := bare(key, text)
		return err
	}}}
	ours := &httpsig.Signer{KeyID: keyID, Key: key}
	for scheme, aim := range schemes() {
		r := request(t)
		all = append(all, operation{"kith " + string(scheme), func() error {
			return ours.Sign(r, body, time.Now(), httpsig.SignOptions{Scheme: scheme})
		}, aim})
	}
	return append(all, structuredSign(t, key), goFedSign(t, key), yaronfSign(t, key))
}

// verifying lists the ways to verify.
func verifying(t *testing.T, key crypto.Signer) []operation {
	text := bytes.Repeat([]byte("x"), 250)
	signature, err := bare(key, text)
	ok(t, err)
	all := []operation{{name: "arithmetic", run: func() error {
		sha256.Sum256(body)
		return bareVerify(key.Public(), text, signature)
	}}}
	here, err := origin.Parse("https://blog.example")
	ok(t, err)
	found := httpsig.Key{ID: keyID, Owner: owner, Public: key.Public()}
	v := &httpsig.Verifier{Origins: httpsig.Single(here), Keys: httpsig.KeyFinderFunc(func(context.Context, string) (httpsig.Key, error) { return found, nil })}
	for scheme, aim := range schemes() {
		r := arrived(t, key, scheme)
		all = append(all, operation{"kith " + string(scheme), func() error {
			_, err := v.Verify(context.Background(), r, body, time.Now())
			return err
		}, aim})
	}
	return append(all, structuredVerify(t, key), goFedVerify(t, key), yaronfVerify(t, key))
}

// schemes are ours with the allocations that they may cost.
func schemes() func(func(httpsig.Scheme, float64) bool) {
	return func(yield func(httpsig.Scheme, float64) bool) {
		_ = yield(httpsig.Cavage, 40) && yield(httpsig.RFC9421, 120)
	}
}

// bare makes a signature with the standard library alone.
func bare(key crypto.Signer, text []byte) ([]byte, error) {
	if _, is := key.(ed25519.PrivateKey); is {
		return key.Sign(rand.Reader, text, crypto.Hash(0))
	}
	sum := sha256.Sum256(text)
	return key.Sign(rand.Reader, sum[:], crypto.SHA256)
}

func bareVerify(pub crypto.PublicKey, text, signature []byte) error {
	switch k := pub.(type) {
	case ed25519.PublicKey:
		return ed25519.VerifyWithOptions(k, text, signature, &ed25519.Options{})
	case *rsa.PublicKey:
		sum := sha256.Sum256(text)
		return rsa.VerifyPKCS1v15(k, crypto.SHA256, sum[:], signature)
	}
	return os.ErrInvalid
}
