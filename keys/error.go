package keys

import "errors"

// Stable codes of [Error].
const (
	CodeSize        = "key.size"        // input longer than MaxEncoded or MaxMultikey
	CodePEM         = "key.pem"         // not exactly one PEM block of an expected label
	CodeDER         = "key.der"         // malformed ASN.1
	CodeMultibase   = "key.multibase"   // not base58btc with its "z"
	CodeMulticodec  = "key.multicodec"  // unknown multicodec prefix, or a wrong length for it
	CodeDID         = "key.did"         // not a did:key
	CodeUnsupported = "key.unsupported" // algorithm or curve that is not supported
	CodeWeak        = "key.weak"        // below the strength rules
	CodeOversized   = "key.oversized"   // so large that verifying with it is an attack
	CodeOpaque      = "key.opaque"      // a private key whose bytes are not in memory
)

// ErrPoolClosed is returned by [Pool.Get] after [Pool.Close].
var ErrPoolClosed = errors.New("keys: pool is closed")

// Error says why a key was refused. It never contains key bytes.
type Error struct {
	Code   string // one of the Code constants, stable
	Reason string // one clause for people
}

// Error returns the reason.
func (e *Error) Error() string { return "keys: " + e.Reason }

func refuse(code, reason string) error { return &Error{Code: code, Reason: reason} }
