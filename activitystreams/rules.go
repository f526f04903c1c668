package activitystreams

import (
	"fmt"
	"strings"
)

// A Software is a server that [Validate] knows the demands of.
type Software string

// The servers that Validate knows.
const (
	Mastodon   Software = "Mastodon"
	Lemmy      Software = "Lemmy"
	Misskey    Software = "Misskey"
	PeerTube   Software = "PeerTube"
	Pixelfed   Software = "Pixelfed"
	Pleroma    Software = "Pleroma"
	GoToSocial Software = "GoToSocial"
	BookWyrm   Software = "BookWyrm"
	Threads    Software = "Threads"
)

// A Level says what a server does with a document that breaks a rule.
type Level string

// Refused documents have no effect; degraded ones lose something.
const (
	Refused  Level = "refused"
	Degraded Level = "degraded"
)

// A Rule is a demand of deployed software.
type Rule struct {
	Number   string // V-1, V-2, …: stable
	Software []Software
	Level    Level
	Reason   string // what the document should be instead
}

// A Finding is a rule that a document breaks.
type Finding struct {
	Rule
	Pointer string // JSON pointer to the value at fault, or to the object that lacks one
}

// String returns the finding as one line.
func (f Finding) String() string {
	names := make([]string, len(f.Software))
	for i, s := range f.Software {
		names[i] = string(s)
	}
	return fmt.Sprintf("%s %s by %s at %q: %s", f.Number, f.Level, strings.Join(names, ", "), f.Pointer, f.Reason)
}

// Rules returns all rules that [Validate] checks.
func Rules() []Rule {
	all := make([]Rule, 0, len(rules))
	for number, r := range rules {
		if r.Reason != "" {
			r.Number = fmt.Sprint("V-", number)
			all = append(all, r)
		}
	}
	return all
}

// The numbers of the rules. A number never changes its meaning.
//
// Not here is what one document does not show: whether its id is where it was fetched from and
// WebFinger leads back to it, whether the ids of updates repeat, who follows whom and so whether a post
// is direct, whether a target is the actor's own collection; nor which HTML a server keeps, since this
// package reads no HTML.
const (
	ruleEncodable     = 1
	ruleContext       = 2
	ruleID            = 3
	ruleBlind         = 4
	rulePublic        = 5
	ruleLists         = 6
	ruleTagList       = 7
	ruleAttachList    = 8
	ruleDates         = 9
	ruleHTMLFirst     = 10
	ruleNoPort        = 11
	ruleActorType     = 20
	ruleActorApp      = 21
	ruleInbox         = 22
	ruleUsername      = 23
	ruleUsernameChars = 24
	ruleOutbox        = 25
	ruleKey           = 26
	ruleKeyHost       = 27
	ruleKeyOwner      = 28
	ruleSameHost      = 29
	ruleNameString    = 30
	ruleImageType     = 31
	ruleImageURL      = 32
	ruleSizes         = 33
	rulePixelfedKeys  = 34
	ruleURLHost       = 35
	ruleGroupOwner    = 36
	ruleSummaryString = 37
	ruleOneKey        = 38
	ruleObjectType    = 40
	ruleLemmyType     = 41
	rulePeerTubeType  = 42
	ruleAuthor        = 43
	ruleAuthorString  = 44
	ruleInReplyTo     = 45
	ruleMention       = 46
	ruleHashtag       = 47
	ruleMedia         = 48
	ruleTitle         = 49
	rulePollOptions   = 50
	rulePollNames     = 51
	ruleComment       = 52
	ruleSource        = 53
	ruleQuote         = 54
	ruleOneActor      = 60
	ruleActorString   = 61
	ruleActivityHost  = 62
	ruleObjectHost    = 63
	ruleFollowString  = 64
	ruleAnswer        = 65
	ruleUndo          = 66
	ruleFlag          = 67
	ruleDelete        = 68
	ruleUpdated       = 69
	ruleMove          = 70
	ruleTarget        = 71
	ruleAddressing    = 72
	ruleAuthorActor   = 73
	ruleNoObject      = 74
	ruleReaction      = 75
	ruleAnswerer      = 76
	ruleInstrument    = 77
	ruleStamp         = 78
	ruleResult        = 79
)

var everyone = []Software{Mastodon, Lemmy, Misskey, PeerTube, Pixelfed}

var rules = [...]Rule{
	ruleEncodable: {Software: everyone, Level: Refused, Reason: "cannot be written as a document"},
	ruleContext:   {Software: []Software{Mastodon, Misskey}, Level: Refused, Reason: "@context must have the string https://www.w3.org/ns/activitystreams"},
	ruleID:        {Software: everyone, Level: Refused, Reason: "needs an id that is an https IRI"},
	ruleBlind:     {Software: everyone, Level: Refused, Reason: "bto and bcc must not be sent: use StripBlind"},
	rulePublic:    {Software: []Software{Lemmy, Pixelfed}, Level: Refused, Reason: "the public collection must be spelt https://www.w3.org/ns/activitystreams#Public"},
	ruleLists:     {Software: []Software{Pixelfed, Pleroma}, Level: Refused, Reason: "to and cc must be lists, even of one"},
	ruleTagList:   {Software: []Software{BookWyrm}, Level: Refused, Reason: "tag must be a list, even of one"},
	ruleAttachList: {Software: []Software{Mastodon, Pixelfed, Pleroma}, Level: Degraded,
		Reason: "attachment must be a list, even of one"},
	ruleDates:     {Software: everyone, Level: Degraded, Reason: "dates must be RFC 3339 with a zone"},
	ruleHTMLFirst: {Software: []Software{Mastodon}, Level: Degraded, Reason: "the text/html Link must be the first url"},
	ruleNoPort:    {Software: []Software{Lemmy}, Level: Refused, Reason: "ids must not name a port"},

	ruleActorType:     {Software: []Software{Mastodon}, Level: Refused, Reason: "an actor must be an Application, Group, Organization, Person or Service"},
	ruleActorApp:      {Software: []Software{Lemmy}, Level: Refused, Reason: "an Application is no user"},
	ruleInbox:         {Software: everyone, Level: Refused, Reason: "an actor needs an inbox"},
	ruleUsername:      {Software: []Software{Mastodon, Lemmy, Misskey, PeerTube, GoToSocial}, Level: Refused, Reason: "an actor needs a preferredUsername"},
	ruleUsernameChars: {Software: []Software{Misskey, Mastodon}, Level: Refused, Reason: "preferredUsername must consist of at most 128 ASCII letters, digits, _, - and inner dots"},
	ruleOutbox:        {Software: []Software{Lemmy}, Level: Refused, Reason: "an actor needs an outbox"},
	ruleKey:           {Software: []Software{Lemmy, GoToSocial, PeerTube, Misskey}, Level: Refused, Reason: "an actor needs a publicKey with id, owner and publicKeyPem"},
	ruleKeyHost:       {Software: []Software{Misskey}, Level: Refused, Reason: "publicKey.id must be on the host of the actor"},
	ruleKeyOwner:      {Software: []Software{Lemmy, GoToSocial}, Level: Refused, Reason: "publicKey.owner must be the id of the actor"},
	ruleSameHost:      {Software: []Software{Misskey}, Level: Refused, Reason: "inbox, outbox, followers and following must be on the host of the actor"},
	ruleNameString:    {Software: []Software{Misskey, Mastodon}, Level: Refused, Reason: "name must be a string"},
	ruleImageType:     {Software: []Software{Mastodon}, Level: Degraded, Reason: "icon and image need type Image"},
	ruleImageURL:      {Software: []Software{Lemmy}, Level: Refused, Reason: "icon and image need a url"},
	ruleSizes: {Software: []Software{Mastodon}, Level: Degraded,
		Reason: "too large: name 2,048, summary 20,000, preferredUsername 2,048 characters; 50 fields, with 2,047 characters each; 256 aliases"},
	rulePixelfedKeys:  {Software: []Software{Pixelfed}, Level: Degraded, Reason: "manuallyApprovesFollowers and summary should be there"},
	ruleURLHost:       {Software: []Software{Mastodon}, Level: Degraded, Reason: "url must be on the host of the id"},
	ruleGroupOwner:    {Software: []Software{PeerTube}, Level: Refused, Reason: "a Group needs attributedTo"},
	ruleSummaryString: {Software: []Software{Mastodon}, Level: Degraded, Reason: "summary must be a string"},
	ruleOneKey:        {Software: []Software{Misskey, Lemmy}, Level: Refused, Reason: "publicKey must be one object, not a list"},

	ruleObjectType:   {Software: []Software{Mastodon, Misskey}, Level: Refused, Reason: "not a type that is shown: Note, Question, Article, Page, Image, Audio, Video, Event"},
	ruleLemmyType:    {Software: []Software{Lemmy}, Level: Refused, Reason: "not a type of post or comment: Page, Article, Note, Video, Event"},
	rulePeerTubeType: {Software: []Software{PeerTube}, Level: Refused, Reason: "neither a Video, a Playlist, a CacheFile nor a Note in answer to one"},
	ruleAuthor:       {Software: everyone, Level: Refused, Reason: "needs attributedTo"},
	ruleAuthorString: {Software: []Software{Pixelfed, Lemmy}, Level: Refused, Reason: "attributedTo should be one IRI"},
	ruleInReplyTo:    {Software: []Software{Mastodon, Misskey}, Level: Refused, Reason: "inReplyTo must be one IRI"},
	ruleMention:      {Software: []Software{Mastodon, Misskey}, Level: Degraded, Reason: "a Mention needs the actor's id as href, and @user@host as name"},
	ruleHashtag:      {Software: []Software{Mastodon}, Level: Degraded, Reason: "the name of a Hashtag should begin with #"},
	ruleMedia: {Software: []Software{Pixelfed}, Level: Refused,
		Reason: "media must be a Document, Image or Video with url and mediaType, at most 5,000 pixels wide and high"},
	ruleTitle:       {Software: []Software{Mastodon, Lemmy}, Level: Degraded, Reason: "needs name and url to be shown with a title and a link"},
	rulePollOptions: {Software: []Software{Mastodon, Misskey}, Level: Refused, Reason: "a poll needs a list in either oneOf or anyOf"},
	rulePollNames:   {Software: []Software{Mastodon, Misskey}, Level: Refused, Reason: "an option of a poll needs a name"},
	ruleComment:     {Software: []Software{PeerTube}, Level: Refused, Reason: "a comment needs content, published, url or id, and to as a list"},
	ruleSource:      {Software: []Software{Lemmy}, Level: Degraded, Reason: "source must be an object with content and mediaType"},
	ruleQuote:       {Software: []Software{Mastodon, Misskey}, Level: Degraded, Reason: "the quoted post must be named as quote for the one and as quoteUrl or _misskey_quote for the other"},

	ruleOneActor:     {Software: everyone, Level: Refused, Reason: "an activity needs exactly one actor"},
	ruleActorString:  {Software: []Software{Pixelfed, Threads}, Level: Refused, Reason: "actor must be a string, not a list or an embedded object"},
	ruleActivityHost: {Software: []Software{Misskey, Mastodon}, Level: Refused, Reason: "the id must be on the host of the actor"},
	ruleObjectHost:   {Software: []Software{Mastodon, Misskey, Lemmy}, Level: Refused, Reason: "the created object must be on the host of the actor"},
	ruleFollowString: {Software: []Software{Lemmy}, Level: Refused, Reason: "the object of a Follow must be a string"},
	ruleAnswer:       {Software: []Software{Lemmy, Misskey}, Level: Degraded, Reason: "embed the Follow with its id, actor and object"},
	ruleUndo:         {Software: []Software{Mastodon, Threads}, Level: Refused, Reason: "embed what is undone with its type, actor and object"},
	ruleFlag:         {Software: []Software{Pleroma}, Level: Refused, Reason: "the object of a Flag must be a list"},
	ruleDelete:       {Software: []Software{Misskey}, Level: Degraded, Reason: "embed a Tombstone, so that it is clear what is deleted"},
	ruleUpdated:      {Software: []Software{Mastodon}, Level: Refused, Reason: "a changed post needs updated"},
	ruleMove:         {Software: []Software{Mastodon, Misskey}, Level: Refused, Reason: "a Move needs the actor as object and a target"},
	ruleTarget:       {Software: []Software{Mastodon, Lemmy}, Level: Refused, Reason: "needs the collection as target"},
	ruleAddressing:   {Software: []Software{Pleroma}, Level: Degraded, Reason: "to and cc of the activity and of its object should be the same"},
	ruleAuthorActor:  {Software: everyone, Level: Refused, Reason: "attributedTo of the object must be the actor"},
	ruleNoObject:     {Software: everyone, Level: Refused, Reason: "needs an object"},
	ruleReaction:     {Software: []Software{Pleroma, Misskey}, Level: Refused, Reason: "a reaction needs content: an emoji, or :name: with an Emoji of that name in tag"},
	ruleAnswerer:     {Software: []Software{Mastodon, Misskey}, Level: Refused, Reason: "only who was followed may answer a Follow"},
	ruleInstrument:   {Software: []Software{Mastodon, GoToSocial}, Level: Refused, Reason: "a request needs the new post as instrument"},
	ruleStamp: {Software: []Software{Mastodon, GoToSocial}, Level: Refused,
		Reason: "an approval needs attributedTo, interactingObject and interactionTarget, and an id on the host of who approves"},
	ruleResult: {Software: []Software{Mastodon, GoToSocial}, Level: Refused, Reason: "needs the approval as result"},
}
