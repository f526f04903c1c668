package fetch

import (
	"net/netip"
	"strings"
	"sync"
)

// special4 holds every block of the IANA IPv4 special-purpose registry (RFC 6890 and later entries,
// those marked as globally reachable too), multicast, class E, and the one public address by which a
// cloud serves its metadata. Nothing in it is a fediverse server.
const special4 = `
0.0.0.0/8 10.0.0.0/8 100.64.0.0/10 127.0.0.0/8 168.63.129.16/32 169.254.0.0/16 172.16.0.0/12
192.0.0.0/24 192.0.2.0/24 192.31.196.0/24 192.52.193.0/24 192.88.99.0/24 192.168.0.0/16
192.175.48.0/24 198.18.0.0/15 198.51.100.0/24 203.0.113.0/24 224.0.0.0/4 240.0.0.0/4`

// special6 holds what the IANA IPv6 special-purpose registry takes out of 2000::/3, the only block
// that IANA has given out for global unicast. All else in IPv6 is refused without a list.
const special6 = `
2001::/23 2001:db8::/32 2002::/16 2620:4f:8000::/48 3fff::/20`

var (
	globalUnicast6 = netip.MustParsePrefix("2000::/3")
	nat64          = netip.MustParsePrefix("64:ff9b::/96")
)

var specialBlocks = sync.OnceValues(func() (v4, v6 []netip.Prefix) {
	return parsePrefixes(special4), parsePrefixes(special6)
})

// Public reports whether addr is an address of the public internet, by the IANA special-purpose
// registries. IPv4 addresses inside IPv6 (::ffff:0:0/96 and the well-known NAT64 prefix, behind which
// IPv6-only servers live) are judged by the IPv4 address; 6to4, Teredo and local NAT64 prefixes are
// refused. netip's IsPrivate and IsGlobalUnicast are not enough: they pass most of these blocks.
func Public(addr netip.Addr) bool {
	if !addr.IsValid() || addr.Zone() != "" { // check: S-57
		return false
	}
	addr = addr.Unmap() // check: S-54
	v4, v6 := specialBlocks()
	if addr.Is4() {
		return !within(v4, addr) // check: S-52
	}
	if nat64.Contains(addr) { // check: S-54
		bytes := addr.As16()
		return Public(netip.AddrFrom4([4]byte(bytes[12:])))
	}
	return globalUnicast6.Contains(addr) && !within(v6, addr) // check: S-53
}

func within(prefixes []netip.Prefix, addr netip.Addr) bool {
	for _, prefix := range prefixes {
		if prefix.Contains(addr) {
			return true
		}
	}
	return false
}

// parsePrefixes reads the tables above; they are constants, so a bad one is a bug found by any test.
func parsePrefixes(table string) []netip.Prefix {
	var prefixes []netip.Prefix
	for text := range strings.FieldsSeq(table) {
		prefixes = append(prefixes, netip.MustParsePrefix(text))
	}
	return prefixes
}
