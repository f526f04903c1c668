package origin

import "strconv"

// Stable codes of [Error].
const (
	CodeSyntax   = "origin.syntax"   // not scheme://authority, or something after an origin
	CodeScheme   = "origin.scheme"   // neither http nor https
	CodeUserinfo = "origin.userinfo" // user info before the host
	CodeHost     = "origin.host"     // empty, malformed or ambiguous host
	CodePort     = "origin.port"     // not a decimal number from 1 to 65535

	CodeIRILength   = "iri.length"   // longer than MaxIRI
	CodeIRIControl  = "iri.control"  // control character or line separator
	CodeIRIEncoding = "iri.encoding" // not UTF-8
	CodeIRIRelative = "iri.relative" // empty, or no scheme
)

// Error says why an address was refused.
type Error struct {
	Code   string // one of the Code constants, stable
	Input  string // what was given, cut to 256 bytes
	Reason string // one clause for people
}

// Error returns the reason and the quoted input.
func (e *Error) Error() string {
	return "origin: " + e.Reason + ": " + strconv.QuoteToASCII(e.Input)
}

func refuse(code, input, reason string) error {
	const most = 256
	if len(input) > most {
		input = input[:most]
	}
	return &Error{Code: code, Input: input, Reason: reason}
}
