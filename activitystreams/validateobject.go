package activitystreams

import (
	"slices"
	"strings"
)

// isUsername reports whether Misskey takes a name for one: ASCII letters, digits and _, and inside
// also dots and hyphens.
func isUsername(name string) bool {
	const letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_"
	return name != "" && len(name) <= 128 && strings.Trim(name, letters+".-") == "" && strings.Trim(name, ".-") == name
}

func (c *checker) actor() {
	c.must(c.isA(0, "Application", "Group", "Organization", "Person", "Service"), ruleActorType, 0, "type")
	c.must(!c.isA(0, "Application"), ruleActorApp, 0, "type")
	c.must(c.iri(0, "inbox") != "", ruleInbox, 0, "inbox")
	c.must(c.iri(0, "outbox") != "", ruleOutbox, 0, "outbox")
	c.sameHost(ruleSameHost, 0, "inbox", "outbox", "followers", "following")
	name := c.str(0, "preferredUsername")
	c.must(name != "", ruleUsername, 0, "preferredUsername")
	c.must(name == "" || isUsername(name), ruleUsernameChars, 0, "preferredUsername")
	if m := c.get(0, "name"); m != 0 && c.d.toks[m].kind != '"' {
		c.fails(ruleNameString, m)
	}
	if m := c.get(0, "summary"); m != 0 && c.d.toks[m].kind != '"' {
		c.fails(ruleSummaryString, m)
	}
	c.must(c.get(0, "manuallyApprovesFollowers") != 0 && c.d.member(0, "summary") != 0, rulePixelfedKeys, 0, "summary")
	c.must(!c.isA(0, "Group") || c.get(0, "attributedTo") != 0, ruleGroupOwner, 0, "attributedTo")
	if m := c.d.first(c.get(0, "url")); m != 0 && c.d.toks[m].kind == '{' {
		c.sameHost(ruleURLHost, m, "href")
	} else if m != 0 && host(c.d.readIRI(m)) != host(c.iri(0, "id")) {
		c.fails(ruleURLHost, m)
	}
	c.key()
	c.pictures()
	c.long(0, "name", 2048)
	c.long(0, "summary", 20_000)
	c.long(0, "preferredUsername", 2048)
	c.many(0, "attachment", 50)
	c.d.list(c.get(0, "attachment"), func(i uint32) bool {
		if c.d.toks[i].kind == '{' {
			c.long(i, "name", 2047)
			c.long(i, "value", 2047)
		}
		return true
	})
	c.many(0, "alsoKnownAs", 256)
}

func (c *checker) many(object uint32, name string, limit int) {
	n, m := 0, c.get(object, name)
	c.d.list(m, func(uint32) bool { n++; return true })
	if n > limit {
		c.fails(ruleSizes, m)
	}
}

func (c *checker) key() {
	key := c.d.first(c.get(0, "publicKey"))
	c.must(key == 0 || c.d.toks[c.get(0, "publicKey")].kind != '[', ruleOneKey, 0, "publicKey")
	if key == 0 || c.d.toks[key].kind != '{' || c.str(key, "id") == "" || c.str(key, "publicKeyPem") == "" || c.iri(key, "owner") == "" {
		c.must(false, ruleKey, 0, "publicKey")
		return
	}
	c.sameHost(ruleKeyHost, key, "id")
	c.must(c.iri(key, "owner") == c.iri(0, "id"), ruleKeyOwner, key, "owner")
}

func (c *checker) pictures() {
	for _, name := range [...]string{"icon", "image"} {
		c.d.list(c.get(0, name), func(i uint32) bool {
			if c.d.toks[i].kind == '{' {
				c.must(c.isA(i, "Image"), ruleImageType, i, "type")
				c.must(c.get(i, "url") != 0, ruleImageURL, i, "url")
			}
			return true
		})
	}
}

var shownTypes = []string{"Note", "Question", "Article", "Page", "Image", "Audio", "Video", "Event"}

// object applies the rules for posts.
func (c *checker) object(o uint32) {
	c.must(c.isA(o, shownTypes...), ruleObjectType, o, "type")
	c.must(c.isA(o, "Page", "Article", "Note", "Video", "Event"), ruleLemmyType, o, "type")
	answer := c.get(o, "inReplyTo")
	c.must(c.isA(o, "Video", "Playlist", "CacheFile") || c.isA(o, "Note") && answer != 0, rulePeerTubeType, o, "type")
	author := c.get(o, "attributedTo")
	c.must(author != 0, ruleAuthor, o, "attributedTo")
	if author != 0 && c.d.toks[author].kind != '"' && !c.isA(o, "Video") {
		c.fails(ruleAuthorString, author)
	}
	if answer != 0 && c.d.toks[answer].kind != '"' {
		c.fails(ruleInReplyTo, answer)
	}
	if c.isA(o, "Note") && answer != 0 {
		c.must(c.str(o, "content") != "" && c.get(o, "published") != 0 && c.get(o, "to") != 0 && c.isList(o, "to"), ruleComment, o, "content")
	}
	if c.isA(o, "Article", "Page", "Video", "Event", "Audio") {
		c.must(c.get(o, "name") != 0 && c.get(o, "url") != 0, ruleTitle, o, "name")
	}
	if c.isA(o, "Question") {
		c.poll(o)
	}
	if m := c.get(o, "source"); m != 0 {
		c.must(c.d.toks[m].kind == '{' && c.str(m, "content") != "" && c.str(m, "mediaType") != "", ruleSource, o, "source")
	}
	c.quote(o)
	c.tags(o)
	c.media(o)
}

// quote wants the post that is quoted under the names of both those who read one and those who read
// the other. Text under the name quote is a passage of a book.
func (c *checker) quote(o uint32) {
	url := func(name string) bool { return c.iri(o, name).HTTP() != "" }
	mastodon, misskey := url("quote"), url("quoteUrl") || url("_misskey_quote")
	if mastodon != misskey || !mastodon && (url("quoteUri") || url("quoteURL")) {
		c.fails(ruleQuote, o)
	}
}

// stamp applies the rules for approvals of interactions (FEP-044f, and GoToSocial after it).
func (c *checker) stamp() {
	by := c.iri(0, "attributedTo")
	c.must(by != "" && c.iri(0, "interactingObject") != "" && c.iri(0, "interactionTarget") != "" && host(by) == host(c.iri(0, "id")), ruleStamp, 0, "id")
}

func (c *checker) tags(o uint32) {
	c.d.list(c.get(o, "tag"), func(i uint32) bool {
		switch name := c.str(i, "name"); {
		case c.d.toks[i].kind != '{':
		case c.isA(i, "Mention"):
			c.must(c.iri(i, "href") != "" && strings.HasPrefix(name, "@"), ruleMention, i, "href")
		case c.isA(i, "Hashtag"):
			c.must(strings.HasPrefix(name, "#"), ruleHashtag, i, "name")
		}
		return true
	})
}

func (c *checker) media(o uint32) {
	c.d.list(c.get(o, "attachment"), func(i uint32) bool {
		if c.d.toks[i].kind != '{' || c.isA(i, "PropertyValue", "Link") {
			return true
		}
		ok := c.isA(i, "Document", "Image", "Video") && c.get(i, "url") != 0 && c.str(i, "mediaType") != ""
		for _, side := range [...]string{"width", "height"} {
			if m := c.get(i, side); m != 0 {
				n, whole := c.d.readNumber(m).Float64()
				ok = ok && whole && n <= 5000
			}
		}
		if !ok {
			c.fails(ruleMedia, i)
		}
		return true
	})
}

func (c *checker) poll(o uint32) {
	one, many := c.get(o, "oneOf"), c.get(o, "anyOf")
	c.must((one == 0) != (many == 0) && c.isList(o, "oneOf") && c.isList(o, "anyOf"), rulePollOptions, o, "oneOf")
	for _, options := range []uint32{one, many} {
		c.d.list(options, func(i uint32) bool {
			if c.d.toks[i].kind != '{' || c.str(i, "name") == "" {
				c.fails(rulePollNames, i)
			}
			return true
		})
	}
}

// activity applies the rules for activities.
func (c *checker) activity() {
	actor := c.get(0, "actor")
	n := 0
	c.d.list(actor, func(uint32) bool { n++; return true })
	c.must(n == 1 && c.d.readIRI(actor) != "", ruleOneActor, 0, "actor")
	if actor != 0 && c.d.toks[actor].kind != '"' {
		c.fails(ruleActorString, actor)
	}
	who := c.d.readIRI(actor)
	c.must(host(c.iri(0, "id")) == host(who) || c.str(0, "id") == "", ruleActivityHost, 0, "id")
	object := c.d.first(c.get(0, "object"))
	if object == 0 {
		c.must(c.isA(0, "Arrive", "Travel", "IntransitiveActivity"), ruleNoObject, 0, "object")
		return
	}
	embedded := c.d.toks[object].kind == '{'
	switch {
	case c.isA(0, "Create", "Update"):
		if embedded && c.isA(object, shownTypes...) {
			c.post(object, who)
		} else if !embedded {
			c.must(host(c.d.readIRI(object)) == host(who), ruleObjectHost, 0, "object")
		}
	case c.isA(0, "EmojiReact", "EmojiReaction"):
		c.reaction()
	case c.isA(0, "QuoteRequest", "LikeRequest", "ReplyRequest", "AnnounceRequest"):
		c.must(c.iri(0, "instrument") != "", ruleInstrument, 0, "instrument")
	case c.isA(0, "Follow"):
		c.must(c.d.toks[c.get(0, "object")].kind == '"', ruleFollowString, 0, "object")
	case c.isA(0, "Accept", "Reject"):
		if embedded && c.isA(object, "QuoteRequest", "LikeRequest", "ReplyRequest", "AnnounceRequest") {
			c.must(!c.isA(0, "Accept") || c.iri(0, "result") != "", ruleResult, 0, "result")
			break
		}
		if followed := c.iri(object, "object"); embedded && c.isA(object, "Follow") && followed != "" && !IsPublic(followed) {
			c.must(followed == who, ruleAnswerer, 0, "actor")
		}
		c.must(embedded && c.get(object, "actor") != 0 && c.get(object, "object") != 0, ruleAnswer, 0, "object")
	case c.isA(0, "Undo"):
		c.must(embedded && len(c.types(object)) > 0 && c.get(object, "actor") != 0 && c.get(object, "object") != 0, ruleUndo, 0, "object")
	case c.isA(0, "Flag"):
		c.must(c.isList(0, "object"), ruleFlag, 0, "object")
	case c.isA(0, "Delete"):
		c.must(embedded || c.d.readIRI(object) == who, ruleDelete, 0, "object")
	case c.isA(0, "Move"):
		c.must(c.d.readIRI(object) == who && c.iri(0, "target") != "", ruleMove, 0, "object")
	case c.isA(0, "Add", "Remove"):
		c.must(c.iri(0, "target") != "", ruleTarget, 0, "target")
	}
}

// reaction wants an emoji, and of one that is named the picture.
func (c *checker) reaction() {
	emoji := c.str(0, "content")
	ok := emoji != ""
	if name := strings.Trim(emoji, ":"); name != emoji {
		ok = false
		c.d.list(c.get(0, "tag"), func(i uint32) bool {
			ok = ok || c.d.toks[i].kind == '{' && c.isA(i, "Emoji") && strings.Trim(c.str(i, "name"), ":") == name
			return !ok
		})
	}
	c.must(ok, ruleReaction, 0, "content")
}

// post applies the rules for a post inside a Create or an Update.
func (c *checker) post(object uint32, who IRI) {
	c.object(object)
	c.must(host(c.iri(object, "id")) == host(who), ruleObjectHost, object, "id")
	c.must(slices.Contains(c.iris(object, "attributedTo"), who), ruleAuthorActor, object, "attributedTo")
	for _, name := range [...]string{"to", "cc"} {
		a, b := c.iris(0, name), c.iris(object, name)
		slices.Sort(a)
		slices.Sort(b)
		c.must(slices.Equal(a, b), ruleAddressing, object, name)
	}
	if c.isA(0, "Update") && !c.isA(object, "Question") {
		c.must(c.get(object, "updated") != 0, ruleUpdated, object, "updated")
	}
}

func (c *checker) iris(object uint32, name string) []IRI {
	var all []IRI
	c.d.list(c.get(object, name), func(i uint32) bool { all = append(all, c.d.readIRI(i)); return true })
	return all
}
