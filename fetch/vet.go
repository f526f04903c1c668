package fetch

import (
	"net/netip"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"github.com/gokith/kith/origin"
)

// rules judge addresses before and at the dial.
type rules struct {
	allow []netip.Prefix
	ports []string
	// named is false when somebody else dials (Config.Transport, a proxy), so that a name can never
	// be known to lead to an allowed address.
	named bool
}

// target is a URL that passed the rules which need no network.
type target struct {
	url    *url.URL
	origin origin.Origin
	// exempt is set when a rule is broken that InsecureAllow lifts: only an address in its prefixes
	// may be dialled then.
	exempt bool
}

// vet judges a URL. Its result is rebuilt from the canonical origin, so that nothing dials a host
// other than the one judged.
func (r rules) vet(address string) (target, error) {
	u, err := origin.URL(address)
	if err != nil {
		return target{}, &BlockedError{Code: CodeURL, URL: redact(address), Reason: "not a URL that can be fetched", Err: err}
	}
	o, err := origin.Of(address)
	if err != nil {
		return target{}, &BlockedError{Code: CodeURL, URL: redact(address), Reason: "not a URL that can be fetched", Err: err}
	}
	u.Fragment, u.RawFragment = "", ""
	t := target{url: u, origin: o}
	code, reason := r.broken(o)
	if code == "" {
		return t, nil
	}
	if !r.mayLift(o) {
		return target{}, &BlockedError{Code: code, URL: redact(address), Reason: reason}
	}
	t.exempt = true
	return t, nil
}

// broken names the first liftable rule that the origin breaks.
func (r rules) broken(o origin.Origin) (code, reason string) {
	addr, literal := o.IP()
	switch {
	case literal && !Public(addr): // check: S-52
		return CodeAddress, "not a public address"
	case literal: // check: S-57
		return CodeLiteral, "an IP address in place of a name"
	case !strings.Contains(o.Hostname(), "."): // check: S-57
		return CodeHost, "a name without a dot"
	case o.Scheme() != "https": // check: S-56
		return CodeScheme, "not https"
	case o.Port() != "443" && !slices.Contains(r.ports, o.Port()): // check: S-58
		return CodePort, "a port that is not allowed"
	}
	return "", ""
}

// mayLift reports whether an origin that breaks a rule could still lead to an allowed address.
func (r rules) mayLift(o origin.Origin) bool {
	if len(r.allow) == 0 {
		return false
	}
	if addr, ok := o.IP(); ok {
		return within(r.allow, addr.Unmap())
	}
	return r.named
}

// dialled judges the address that a connection is about to be made to.
func (r rules) dialled(network, address string, exempt bool) error {
	blocked := &BlockedError{Code: CodeAddress, URL: address, Reason: "not a public address"}
	if network != "tcp4" && network != "tcp6" { // check: S-58
		blocked.Reason = "not a TCP connection"
		return blocked
	}
	to, err := netip.ParseAddrPort(address)
	if err != nil || to.Addr().Zone() != "" { // check: S-57
		return blocked
	}
	if within(r.allow, to.Addr().Unmap()) {
		return nil
	}
	if exempt || !Public(to.Addr()) { // check: S-52
		return blocked
	}
	if port := strconv.Itoa(int(to.Port())); port != "443" && !slices.Contains(r.ports, port) { // check: S-58
		blocked.Code, blocked.Reason = CodePort, "a port that is not allowed"
		return blocked
	}
	return nil
}
