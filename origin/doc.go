// Package origin decides when two web addresses belong to the same party.
//
// Nearly every rule of the fediverse that keeps one server from speaking for another ends in the
// question "is this the same origin?" (FEP-fe34). Comparing hosts as strings gets it wrong: case,
// default ports, trailing dots, punycode, percent-escapes and user info all make equal things look
// different, or worse, different things look equal. This package therefore has one canonicaliser and
// one comparable type:
//
//	o, err := origin.Of(note.ID)       // scheme, host and port of an identifier
//	if o == signerOrigin { … }         // plain ==, and usable as a map key
//	origin.Same(note.ID, actor.ID)     // both valid and of one origin
//
// # Canonical form
//
// The scheme is http or https. The host is a DNS name in A-labels (IDNA 2008, UTS 46 mapping without
// transitional processing), lower case, without a trailing dot, whose last label is not a number; or
// an IP address in its one standard spelling. The port is decimal and is left out when it is the
// scheme's own. Everything else is refused with an [*Error]: user info, an empty host, zone ids,
// escapes in the host, the decimal, octal and hexadecimal spellings of IPv4 addresses, and digits
// or dots that only look like ASCII and would map to an address.
//
// # Identifiers
//
// Identifiers themselves are compared as exact strings: only hosts are canonicalised, and only for
// judging. [CheckIRI] is the syntax check shared by all packages (length, control characters,
// absolute form), [URL] turns an identifier into what may be sent on the wire.
//
// # Design
//
// IP addresses parse here because tests and development need them; whether one may be connected to
// is the business of the outbound client, which refuses them by default. IDNA comes from
// golang.org/x/net/idna, the implementation that net/http uses too; hosts in plain ASCII do not pass
// through it unless they carry an xn-- label. A hand-written split of the authority replaces
// net/url.Parse in judgements, since that accepts more than two parsers would agree upon.
package origin
