package activitystreams

import (
	"fmt"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/gokith/kith/origin"
)

// Validate tells what deployed servers would refuse in a document, or lose of it, and why: as the
// document goes out, lists of one and all. No finding is no promise; the rules are what is known of
// Mastodon, Lemmy, Misskey, PeerTube, Pixelfed and some others. [Rules] lists them.
func Validate(n Node) []Finding {
	doc, err := Encode(n)
	if err != nil {
		return []Finding{{Rule: rules[ruleEncodable].numbered(ruleEncodable)}}
	}
	s := scanner{src: doc, limits: Limits{Bytes: len(doc) + 1}.withDefaults(), whole: true}
	if s.scan() != nil {
		return []Finding{{Rule: rules[ruleEncodable].numbered(ruleEncodable)}}
	}
	c := checker{d: &document{src: string(doc), toks: s.toks}}
	c.root()
	return c.findings
}

func (r Rule) numbered(n int) Rule {
	r.Number = fmt.Sprint("V-", n)
	return r
}

// A checker applies the rules to a document.
type checker struct {
	d        *document
	findings []Finding
}

// fails reports that the value at tok breaks a rule.
func (c *checker) fails(rule int, tok uint32) {
	c.findings = append(c.findings, Finding{Rule: rules[rule].numbered(rule), Pointer: c.d.pointer(tok)})
}

// must reports a broken rule unless ok: at the member, or at the object if it lacks it.
func (c *checker) must(ok bool, rule int, object uint32, member string) {
	if !ok {
		tok := object
		if m := c.d.member(object, member); m != 0 {
			tok = m
		}
		c.fails(rule, tok)
	}
}

// get returns a member that is neither absent nor null; 0 otherwise.
func (c *checker) get(object uint32, name string) uint32 {
	if m := c.d.member(object, name); m != 0 && c.d.toks[m].kind != 'n' {
		return m
	}
	return 0
}

// str returns a member that is a bare string; "" otherwise.
func (c *checker) str(object uint32, name string) string {
	if m := c.get(object, name); m != 0 {
		return c.d.str(m)
	}
	return ""
}

func (c *checker) iri(object uint32, name string) IRI { return c.d.readIRI(c.get(object, name)) }

func (c *checker) isList(object uint32, name string) bool {
	m := c.get(object, name)
	return m == 0 || c.d.toks[m].kind == '['
}

func (c *checker) types(object uint32) []string { return c.d.types(c.get(object, "type")) }

func (c *checker) isA(object uint32, types ...string) bool {
	return slices.ContainsFunc(c.types(object), func(t string) bool { return slices.Contains(types, t) })
}

func (c *checker) root() {
	c.must(c.hasContext(), ruleContext, 0, "@context")
	id := c.str(0, "id")
	c.must(strings.HasPrefix(id, "https://") && IRI(id).HTTP() != "", ruleID, 0, "id")
	c.must(!hasPort(id), ruleNoPort, 0, "id")
	c.everywhere(0)
	switch {
	case c.isA(0, "QuoteAuthorization", "LikeAuthorization", "ReplyAuthorization", "AnnounceAuthorization"):
		c.stamp()
	case c.isActor():
		c.actor()
	case c.get(0, "actor") != 0 && !c.isA(0, "Question") || isActivityName(c.types(0)):
		c.activity()
	case c.isPost():
		c.object(0)
	}
}

// isPost reports whether the document is, or may be taken for, something to show: not a collection,
// a key, a link or an approval.
func (c *checker) isPost() bool {
	for _, t := range c.types(0) {
		switch shapeOfType(t).(type) {
		case *Collection, *Tombstone, *PublicKey, *Multikey, *Proof, *Link, *Request, *PropertyValue, *Relationship, *Place, *Ticket:
			return false
		}
	}
	return c.get(0, "publicKeyPem") == 0
}

func (c *checker) hasContext() bool {
	ok := false
	c.d.list(c.get(0, "@context"), func(i uint32) bool {
		ok = ok || c.d.isString(i, profile)
		return true
	})
	return ok
}

func (c *checker) isActor() bool {
	return c.get(0, "inbox") != 0 || c.isA(0, "Person", "Service", "Group", "Organization", "Application")
}

func isActivityName(types []string) bool {
	return slices.ContainsFunc(types, func(t string) bool {
		_, ok := shapeOfType(t).(*Activity)
		return ok
	})
}

// shapeOfType returns the shape of a type by name; nil for other names.
func shapeOfType(name string) shape {
	_, s := makeNode(atomOf(name))
	return s
}

// everywhere applies the rules that hold for every object inside the document.
func (c *checker) everywhere(object uint32) {
	d := c.d
	for m := object + 1; m < d.toks[object].next; m = d.toks[m].next {
		switch name := d.name(m); name {
		case "bto", "bcc":
			c.fails(ruleBlind, m)
		case "to", "cc":
			if d.toks[m].kind != '[' && d.toks[m].kind != 'n' {
				c.fails(ruleLists, m)
			}
			fallthrough
		case "audience", "automaticApproval", "manualApproval", "always", "approvalRequired":
			d.list(m, func(i uint32) bool {
				if id := IRI(d.str(i)); IsPublic(id) && id != Public {
					c.fails(rulePublic, i)
				}
				return true
			})
		case "tag":
			if d.toks[m].kind == '{' || d.toks[m].kind == '"' {
				c.fails(ruleTagList, m)
			}
		case "attachment":
			if d.toks[m].kind == '{' || d.toks[m].kind == '"' {
				c.fails(ruleAttachList, m)
			}
		case "published", "updated", "startTime", "endTime":
			c.date(m)
		case "url":
			c.urls(m)
		case "@context":
			continue
		}
		d.list(m, func(i uint32) bool {
			if d.toks[i].kind == '{' {
				c.everywhere(i)
			}
			return true
		})
	}
}

func (c *checker) date(tok uint32) {
	if c.d.toks[tok].kind == 'n' {
		return
	}
	s := c.d.str(tok)
	zone := strings.HasSuffix(s, "Z") || len(s) > 6 && strings.ContainsAny(s[len(s)-6:], "+-") && strings.Contains(s[len(s)-3:], ":")
	if t := (Time{s}); t.IsZero() || !zone || !strings.Contains(s, "T") {
		c.fails(ruleDates, tok)
	}
}

// urls: of several Links the one for people must come first.
func (c *checker) urls(tok uint32) {
	n := 0
	c.d.list(tok, func(i uint32) bool {
		html := c.d.toks[i].kind != '{' || bareType(c.str(i, "mediaType"), c.str(i, "mimeType")) == "text/html"
		if html && n > 0 {
			c.fails(ruleHTMLFirst, tok)
		}
		n++
		return !html
	})
}

// hasPort reports whether an https IRI names a port.
func hasPort(id string) bool {
	authority, https := strings.CutPrefix(id, "https://")
	if i := strings.IndexAny(authority, "/?#"); i >= 0 {
		authority = authority[:i]
	}
	i := strings.LastIndexByte(authority, ':')
	return https && i >= 0 && !strings.Contains(authority[i:], "]")
}

// host returns the canonical origin of an IRI as text; "" when it has none.
func host(id IRI) string {
	o, err := origin.Of(id)
	if err != nil {
		return ""
	}
	return o.String()
}

func (c *checker) sameHost(rule int, object uint32, names ...string) {
	want := host(c.iri(0, "id"))
	for _, name := range names {
		if m := c.get(object, name); m != 0 && want != "" && host(c.d.readIRI(m)) != want {
			c.fails(rule, m)
		}
	}
}

func (c *checker) long(object uint32, name string, limit int) {
	if m := c.get(object, name); m != 0 && utf8.RuneCountInString(c.d.str(m)) > limit {
		c.fails(ruleSizes, m)
	}
}
