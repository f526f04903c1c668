package activitystreams

import (
	"net/url"
	"slices"
	"strings"
)

// HTTP returns the IRI when it is an http or https URL with a host, else "". Use it before an IRI
// from a document becomes a link or an image: `javascript:` and `data:` do not pass.
func (id IRI) HTTP() string {
	// check: S-107
	if strings.ContainsFunc(string(id), func(r rune) bool { return r < 0x20 || r == 0x7f }) {
		return ""
	}
	u, err := url.Parse(string(id))
	if err != nil || u.Host == "" || u.Scheme != "https" && u.Scheme != "http" || u.User != nil {
		return ""
	}
	return string(id)
}

// resolve returns the http or https URL that ref names in a document with this id; "" for others.
func resolve(base, ref IRI) string {
	if ref == "" || ref.HTTP() != "" || base.HTTP() == "" {
		return ref.HTTP()
	}
	b, err := url.Parse(string(base))
	if err != nil {
		return ""
	}
	u, err := b.Parse(string(ref))
	if err != nil {
		return ""
	}
	return IRI(u.String()).HTTP()
}

// A Variant is one of the places where a thing can be seen or downloaded.
type Variant struct {
	URL       string   // always http or https
	MediaType string   // without parameters, lower case; "" when unknown
	Rel       []string // what it is to the thing
	Width     Number
	Height    Number
	Size      Number // bytes
}

// Variants returns where a node can be seen: its url, down to what is nested inside its Links, as
// PeerTube's streams are. Relative addresses are resolved against the node's id; addresses that are
// not http or https are left out (read the URL field itself for them).
func Variants(n Node) []Variant {
	s := shapeOf(n)
	if s == nil {
		return nil
	}
	refs := fieldOf[Refs](s, "url")
	if refs == nil {
		return nil
	}
	return variants(nil, n.NodeID(), *refs, 0)
}

func variants(all []Variant, base IRI, refs Refs, depth int) []Variant {
	if depth > 3 {
		return all
	}
	for _, r := range refs {
		v := Variant{URL: resolve(base, r.id)}
		l, isLink := LinkOf(r.node)
		if isLink {
			v = Variant{URL: resolve(base, l.Href), MediaType: bareType(l.MediaType, l.MimeType), Rel: l.Rel, Width: l.Width, Height: l.Height, Size: l.Size}
		} else if r.node != nil {
			v.URL = resolve(base, r.ID())
		}
		if v.URL != "" {
			all = append(all, v)
		}
		if isLink {
			all = variants(all, base, l.Tag, depth+1)
		}
	}
	return all
}

// bareType returns the first media type that is given, without parameters.
func bareType(types ...string) string {
	for _, t := range types {
		if t != "" {
			bare, _, _ := strings.Cut(t, ";")
			return strings.ToLower(strings.TrimSpace(bare))
		}
	}
	return ""
}

// HTMLURL returns the address of a node for people: the variant that is HTML, else the first of
// unknown type, else the node's id. It is http or https, or "".
func HTMLURL(n Node) string {
	if isNil(n) {
		return ""
	}
	all := Variants(n)
	for _, want := range []string{"text/html", "application/xhtml+xml", ""} {
		if i := slices.IndexFunc(all, func(v Variant) bool { return v.MediaType == want }); i >= 0 {
			return all[i].URL
		}
	}
	return n.NodeID().HTTP()
}

// PictureURL returns the address of the first picture that a property such as Icon refers to, be it
// an IRI, a Link or an Image; "" when there is none that is http or https.
func PictureURL(refs Refs) string {
	for _, r := range refs {
		if u := r.id.HTTP(); u != "" {
			return u
		}
		if l, ok := LinkOf(r.node); ok {
			if u := l.Href.HTTP(); u != "" {
				return u
			}
		}
		for _, v := range Variants(r.node) {
			return v.URL
		}
	}
	return ""
}

// An Attached is a picture, sound, video or file that is attached to a post.
type Attached struct {
	Variant
	Type     string // type of the attachment: Image, Video, Audio, Document, …
	Alt      string // what it shows, plain text
	Blurhash string
	Focus    []Number // x and y of the point to keep when cropping
}

// Attachments returns the media attached to a node, in order. Profile fields and attachments
// without an http or https address are left out.
func Attachments(n Node) []Attached {
	s := shapeOf(n)
	if s == nil {
		return nil
	}
	refs := fieldOf[Refs](s, "attachment")
	if refs == nil {
		return nil
	}
	var all []Attached
	for _, r := range *refs {
		if m, ok := attachment(n.NodeID(), r); ok {
			all = append(all, m)
		}
	}
	return all
}

func attachment(base IRI, r Ref) (Attached, bool) {
	if r.node == nil {
		u := resolve(base, r.id)
		return Attached{Variant: Variant{URL: u}}, u != ""
	}
	s := shapeOf(r.node)
	m := Attached{Type: r.node.NodeType()}
	if l, ok := LinkOf(r.node); ok {
		m.Variant = Variant{URL: resolve(base, l.Href), MediaType: bareType(l.MediaType, l.MimeType), Width: l.Width, Height: l.Height}
	} else if refs := fieldOf[Refs](s, "url"); refs != nil {
		if all := variants(nil, base, *refs, 0); len(all) > 0 {
			m.Variant = all[0]
		}
	}
	if t := fieldOf[string](s, "mediaType"); t != nil && *t != "" {
		m.MediaType = bareType(*t)
	}
	if old, ok := (*s.extra())["mimeType"]; ok && m.MediaType == "" {
		m.MediaType = bareType(strings.Trim(string(old), `"`))
	}
	for name, p := range map[string]*Number{"width": &m.Width, "height": &m.Height} {
		if f := fieldOf[Number](s, name); f != nil && !f.IsZero() {
			*p = *f
		}
	}
	// GoToSocial 0.20 puts the description into summary, all others into name.
	for _, name := range [...]string{"summary", "name"} {
		if t := fieldOf[Text](s, name); t != nil && m.Alt == "" {
			m.Alt = t.String()
		}
	}
	if f := fieldOf[string](s, "blurhash"); f != nil {
		m.Blurhash = *f
	}
	if f := fieldOf[[]Number](s, "focalPoint"); f != nil {
		m.Focus = *f
	}
	return m, m.URL != ""
}

// QuoteOf returns the id of the post that a node quotes, whatever the property it came in: quote,
// quoteUrl, quoteUri, quoteURL, _misskey_quote or a FEP-e232 tag. It is "" when nothing is quoted,
// when the quoted post was deleted, or when the property holds text, as BookWyrm's does.
func QuoteOf(n Node) IRI {
	s := shapeOf(n)
	if s == nil {
		return ""
	}
	if refs := fieldOf[Refs](s, "quote"); refs != nil && len(*refs) > 0 {
		if _, gone := As[*Tombstone](refs.First()); gone {
			return ""
		}
		if id := refs.First().ID(); id.HTTP() != "" {
			return id
		}
	}
	for _, name := range [...]string{"quoteUrl", "quoteUri", "_misskey_quote"} {
		if p := fieldOf[string](s, name); p != nil && IRI(*p).HTTP() != "" {
			return IRI(*p)
		}
	}
	if old, _ := PropQuoteURLOld.Get(n); IRI(old).HTTP() != "" {
		return IRI(old)
	}
	if tags := fieldOf[Refs](s, "tag"); tags != nil {
		for _, r := range *tags {
			if l, ok := LinkOf(r.node); ok && slices.ContainsFunc(l.Rel, isQuoteRel) && l.Href.HTTP() != "" {
				return l.Href
			}
		}
	}
	return ""
}

func isQuoteRel(rel string) bool {
	return loose(rel) == loose("https://misskey-hub.net/ns#_misskey_quote") || rel == "https://w3id.org/fep/044f#quote"
}
