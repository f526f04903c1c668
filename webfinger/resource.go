package webfinger

import (
	"net/url"
	"strings"
	"unicode/utf8"

	"github.com/gokith/kith/origin"
)

// Resource is what a query asks about. Exactly one of User and URL is set, unless the query names a
// bare host: then both are empty and the server itself is meant.
type Resource struct {
	Raw  string // as it came
	User string // user part of a handle; compare without case
	Host string // host with a port that is not 443, canonical; also that of URL
	URL  string // an http(s) URL: profile page, actor id, or a server's address
}

// Handle returns "user@host", or "" for a resource that is no handle.
func (r Resource) Handle() string {
	if r.User == "" {
		return ""
	}
	return r.User + "@" + r.Host
}

// Server reports whether the server itself is meant: a bare host, "acct:host@host", or the root URL
// of a host (FEP-d556).
func (r Resource) Server() bool {
	if r.URL != "" {
		u, err := origin.URL(r.URL)
		return err == nil && (u.Path == "" || u.Path == "/") && u.RawQuery == ""
	}
	return r.User == "" || strings.EqualFold(r.User, r.Host)
}

// ParseResource reads all forms of the resource parameter that servers send: "acct:user@host", with
// an "@" before the user or without the scheme, an http(s) URL, and a bare host. Hosts become
// canonical (package origin). It returns an [*Error] with [CodeResource] for anything else.
func ParseResource(s string) (Resource, error) {
	r := Resource{Raw: s}
	if len(s) > origin.MaxIRI || !utf8.ValidString(s) {
		return Resource{}, badResource(s)
	}
	lower := strings.ToLower(s)
	if strings.HasPrefix(lower, "https:") || strings.HasPrefix(lower, "http:") {
		o, err := origin.Of(s)
		if err != nil {
			return Resource{}, badResource(s)
		}
		r.URL, r.Host = s, o.Authority()
		return r, nil
	}
	account := s
	if strings.HasPrefix(lower, "acct:") {
		account = s[len("acct:"):]
	}
	account = strings.TrimPrefix(account, "@")
	user, host := "", account
	if at := strings.LastIndexByte(account, '@'); at >= 0 {
		user, host = account[:at], account[at+1:]
		if user = unescapeUser(user); user == "" {
			return Resource{}, badResource(s)
		}
	}
	o, err := origin.Parse("https://" + host)
	if err != nil || strings.ContainsAny(host, "/?#") {
		return Resource{}, badResource(s)
	}
	r.User, r.Host = user, o.Authority()
	return r, nil
}

// unescapeUser undoes the escapes that RFC 7565 asks for in a user part. It returns "" for a part
// with characters that no user has: separators, blanks, controls.
func unescapeUser(user string) string {
	plain, err := url.PathUnescape(user)
	if err != nil || len(plain) > 256 || !utf8.ValidString(plain) {
		return ""
	}
	bad := func(r rune) bool {
		return r <= ' ' || r >= 0x7f && r < 0xa1 || strings.ContainsRune("@/\\?#<>\"\u2028\u2029", r)
	}
	if strings.ContainsFunc(plain, bad) {
		return ""
	}
	return plain
}

// ParseHandle reads a handle: "user@host", "@user@host" or "acct:user@host". The host becomes
// canonical. It returns an [*Error] with [CodeResource] otherwise.
func ParseHandle(s string) (user, host string, err error) {
	r, err := ParseResource(s)
	if err != nil {
		return "", "", err
	}
	if r.User == "" {
		return "", "", badResource(s)
	}
	return r.User, r.Host, nil
}

// SameHandle reports whether two handles name the same account: users and hosts compare without
// case, hosts in their canonical form.
func SameHandle(a, b string) bool {
	userA, hostA, err := ParseHandle(a)
	if err != nil {
		return false
	}
	userB, hostB, err := ParseHandle(b)
	return err == nil && hostA == hostB && strings.EqualFold(userA, userB)
}

// acct is the form of a handle that goes over the wire.
func acct(user, host string) string {
	var b strings.Builder
	b.WriteString("acct:")
	for _, r := range user {
		if r < utf8.RuneSelf && strings.ContainsRune("%:@/?#[]", r) || r >= utf8.RuneSelf {
			escape(&b, string(r))
			continue
		}
		b.WriteRune(r)
	}
	return b.String() + "@" + host
}
