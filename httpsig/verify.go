package httpsig

import (
	"cmp"
	"context"
	"log/slog"
	"net/http"
	"sync"
	"time"

	"github.com/gokith/kith/origin"
)

// Defaults of a [Verifier]'s limits.
const (
	DefaultMaxAge          = time.Hour       // L-23
	DefaultMaxSkew         = 5 * time.Minute // L-23
	DefaultRefreshInterval = 5 * time.Minute // L-21
	DefaultMaxHeaderBytes  = 8 << 10         // S-16
	DefaultMaxComponents   = 32              // S-17
	DefaultMaxSignatures   = 3               // S-20
)

// A Verifier verifies signed requests of both schemes. Keys and Origins are required; every other
// field has a safe zero value. It is safe for concurrent use and must not be copied after first use.
type Verifier struct {
	// Keys finds public keys. If it is also a KeyRefresher, a failed signature is tried once more
	// with a fresh key.
	Keys KeyFinder
	// Origins returns the public origin that a request with this Host is for. The signature is
	// checked against that origin, not against what proxies left in the request. False answers 421.
	// See Single and AnyOf.
	Origins func(host string) (origin.Origin, bool)
	// StrippedPrefix is the path that a proxy removes before requests reach this program, such as
	// "/social". It is put back before verification.
	StrippedPrefix string

	// MaxAge is how old a signature may be; MaxSkew how far in the future it may be made.
	// Zero: DefaultMaxAge and DefaultMaxSkew.
	MaxAge, MaxSkew time.Duration
	// RequireQuery refuses draft-cavage GETs whose signature leaves out the query of the target, as
	// Misskey, Akkoma, Pixelfed and BookWyrm make them. By default they are accepted and
	// Result.WithoutQuery says so.
	RequireQuery bool
	// OpaqueKeyIDs admits key ids that are not http or https IRIs, for uses outside the fediverse
	// where the KeyFinder does not fetch them.
	OpaqueKeyIDs bool
	// RequiredTag, when set, is the tag (RFC 9421 §2.3) that a signature must bear. Only RFC 9421
	// signatures can.
	RequiredTag string
	// UseNonce spends the nonce of a good signature and reports whether that was allowed. It is
	// called with the instant after which the signature is too old to be replayed. Nil ignores
	// nonces. NonceStore.Use is one.
	UseNonce func(ctx context.Context, keyID, nonce string, until time.Time) (bool, error)
	// RequireNonce refuses signatures without a nonce.
	RequireNonce bool
	// RefreshInterval is the least time between two refreshes of one key. Zero:
	// DefaultRefreshInterval.
	RefreshInterval time.Duration
	// MaxHeaderBytes, MaxComponents and MaxSignatures limit the length of Signature and
	// Signature-Input, the names in one signature, and the signatures tried per request. Zero: the
	// defaults above.
	MaxHeaderBytes, MaxComponents, MaxSignatures int
	// Explain is for people who debug. Every check is made, the lookup of the key included, even if an
	// earlier one failed; the verdict is that of the first one. What fails gets hints: the usual
	// mistakes of proxies and senders under which the signature or the digest would be good. It costs
	// a lookup and arithmetic per refusal.
	Explain bool
	// Logger is told once when a proxy changes Host. Nil: slog.Default.
	Logger *slog.Logger

	warned    sync.Once
	refreshes refreshLog
}

// A Result says who signed a request and what exactly.
type Result struct {
	KeyID        string
	Owner        string // the actor that owns the key
	Scheme       Scheme
	Label        string // of RFC 9421
	Algorithm    Algorithm
	Covered      []string  // component identifiers in order
	Created      time.Time // from created, or else from Date
	Expires      time.Time // zero if the signature names none
	Nonce, Tag   string
	WithoutQuery bool // the signature does not cover the query of the target
	Report       *Report
}

// limits are a Verifier's limits with defaults applied.
type limits struct {
	headerBytes, components, signatures int
	age, skew                           time.Duration
}

func (v *Verifier) limits() limits {
	return limits{
		headerBytes: cmp.Or(v.MaxHeaderBytes, DefaultMaxHeaderBytes),
		components:  cmp.Or(v.MaxComponents, DefaultMaxComponents),
		signatures:  cmp.Or(v.MaxSignatures, DefaultMaxSignatures),
		age:         cmp.Or(v.MaxAge, DefaultMaxAge),
		skew:        cmp.Or(v.MaxSkew, DefaultMaxSkew),
	}
}

// Verify verifies the signatures of r, whose body was read in full and is given as it came. It
// returns who signed, or an [*Error] whose Status is the answer to give and whose Report tells why.
// Both carry the report. at is the instant of the verdict, as a rule time.Now(). r is not changed.
func (v *Verifier) Verify(ctx context.Context, r *http.Request, body []byte, at time.Time) (*Result, error) {
	j := &judgement{v: v, request: r, at: at, limits: v.limits(), report: newReport()}
	j.report.At, j.report.Method, j.report.WireHost = at, r.Method, r.Host
	res, f := j.judge(ctx, body)
	if f != nil {
		return nil, f.error(j.report)
	}
	return res, nil
}

// warn logs, once, the line that repairs a proxy which rewrites Host.
func (v *Verifier) warn(ctx context.Context, o origin.Origin, got string) {
	v.warned.Do(func() {
		cmp.Or(v.Logger, slog.Default()).WarnContext(ctx, "a proxy rewrites Host; signatures are checked against the configured origin",
			"origin", o.String(), "host", got, "nginx", "proxy_set_header Host $host;", "apache", "ProxyPreserveHost On")
	})
}
