package httpsig

import "github.com/gokith/kith/origin"

// Single answers every Host with the one public origin o.
func Single(o origin.Origin) func(host string) (origin.Origin, bool) {
	return func(string) (origin.Origin, bool) { return o, !o.IsZero() }
}

// AnyOf answers with the origin whose authority the Host names in any spelling, and with false for
// every other Host.
func AnyOf(origins ...origin.Origin) func(host string) (origin.Origin, bool) {
	return func(host string) (origin.Origin, bool) {
		for _, o := range origins {
			if sameHost(o, host) {
				return o, true
			}
		}
		return origin.Origin{}, false
	}
}

// sameHost reports whether a Host field names o, seen from o's scheme.
func sameHost(o origin.Origin, host string) bool {
	if host == o.Authority() {
		return true
	}
	got, err := origin.Parse(o.Scheme() + "://" + host)
	return err == nil && got == o
}
