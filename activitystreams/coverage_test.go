package activitystreams_test

import (
	"os"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	as "github.com/gokith/kith/activitystreams"
)

// vocabularies are what the package promises to know, with names that each must have: those that the
// specification, the FEP or the software defines. "FEP-…" must stand as a source in the table, too.
var vocabularies = map[string]string{
	"ActivityPub":     "inbox outbox followers following liked streams preferredUsername endpoints sharedInbox proxyUrl oauthAuthorizationEndpoint oauthTokenEndpoint provideClientKey signClientKey source likes shares uploadMedia",
	"security v1":     "publicKey publicKeyPem owner CryptographicKey signature signatureValue creator created nonce expires revoked privateKeyPem",
	"Multikey":        "Multikey publicKeyMultibase secretKeyMultibase controller revoked expires",
	"Data Integrity":  "DataIntegrityProof proof cryptosuite proofPurpose proofValue verificationMethod created expires domain challenge nonce previousProof assertionMethod authentication keyAgreement capabilityInvocation capabilityDelegation",
	"toot":            "featured featuredTags discoverable indexable suspended memorial Emoji blurhash focalPoint votersCount attributionDomains devices IdentityProof Hashtag sensitive manuallyApprovesFollowers movedTo alsoKnownAs conversation atomUri inReplyToAtomUri",
	"schema.org":      "PropertyValue value",
	"litepub":         "ChatMessage EmojiReact directMessage formerRepresentations listMessage capabilities invisible",
	"misskey":         "_misskey_content _misskey_quote _misskey_reaction _misskey_votes _misskey_summary _misskey_followedMessage _misskey_requireSigninToViewContents _misskey_makeNotesFollowersOnlyBefore _misskey_makeNotesHiddenBefore isCat quoteUrl",
	"fedibird":        "quoteUri searchableBy expiry references emojiReactions subscribableBy otherSetting limitedScope",
	"vcard":           "vcard:bday vcard:Address",
	"Lemmy, Mbin":     "stickied moderators postingRestrictedToMods removeData language commentsEnabled Lock distinguished",
	"PeerTube":        "Infohash state views uuid category licence support originallyPublishedAt Playlist PlaylistElement position CacheFile waitTranscoding subtitleLanguage fps isLiveBroadcast liveSaveReplay permanentLive latencyMode",
	"Funkwhale":       "Album Artist Track Library album artists track bitrate musicbrainzId library",
	"Mobilizon":       "joinMode maximumAttendeeCapacity participantCount repliesModerationOption commentsEnabled anonymousParticipationEnabled joinMode PostalAddress address status timezone isOnline externalParticipationUrl",
	"Pixelfed":        "capabilities commentsEnabled announce like reply Story",
	"BookWyrm, NeoDB": "Review Comment Quotation Rating GeneratedNote Edition Work Author Shelf BookList rating inReplyToBook readingStatus progress quote withRegardTo relatedWith",
	"GoToSocial":      "interactionPolicy canLike canReply canAnnounce automaticApproval manualApproval always approvalRequired approvedBy LikeRequest ReplyRequest AnnounceRequest LikeAuthorization ReplyAuthorization AnnounceAuthorization LikeApproval ReplyApproval AnnounceApproval hidesToPublicFromUnauthedWeb",
	"ForgeFed":        "Repository Project Ticket TicketTracker PatchTracker Commit Branch Push Apply Resolve Grant Revoke Team hash description committedBy isResolved resolvedBy ticketsTrackedBy forks cloneUri pushUri",
	"FEP-044f":        "quote quoteAuthorization canQuote QuoteRequest QuoteAuthorization interactingObject interactionTarget",
	"FEP-e232":        "tag Link mediaType rel href",
	"FEP-7888":        "context",
	"FEP-f228":        "context",
	"FEP-1b12":        "Group audience moderators postingRestrictedToMods attributedTo featured",
	"FEP-2c59":        "webfinger",
	"FEP-2677":        "Application",
	"FEP-d556":        "Application",
	"FEP-fb2a":        "attachment PropertyValue",
	"FEP-4ccd":        "pendingFollowers pendingFollowing",
	"FEP-5711":        "inboxOf outboxOf followersOf followingOf likedOf likesOf sharesOf repliesOf",
	"FEP-7628":        "movedTo copiedTo alsoKnownAs",
	"FEP-171b":        "contextHistory",
	"FEP-844e":        "implements",
	"FEP-9091":        "service serviceEndpoint Export",
	"FEP-7aa9":        "FeaturedCollection FeaturedItem FeatureRequest FeatureAuthorization featuredCollections canFeature topic featuredObject featureAuthorization",
	"FEP-b2b8":        "Article summary preview contents dcterms:subject",
	"FEP-1311":        "digestMultibase size width height duration",
	"FEP-c0e0":        "EmojiReact content",
	"FEP-ef61":        "gateways",
}

// TestVocabulariesAreCovered: every vocabulary and FEP that the package promises is in the table, and its
// rows name it. FEP-3b86 has no terms but relations of WebFinger, which package webfinger knows.
func TestVocabulariesAreCovered(t *testing.T) {
	t.Parallel()
	known := make(map[string]bool)
	for term := range as.Terms() {
		known[term.Name] = true
	}
	table, err := os.ReadFile("vocabulary.txt")
	require.NoError(t, err)
	for title, names := range vocabularies {
		for name := range strings.FieldsSeq(names) {
			if !known[name] {
				t.Errorf("%s: no %s", title, name)
			}
		}
		if strings.HasPrefix(title, "FEP-") && !strings.Contains(string(table), title) {
			t.Errorf("no row names %s as its source", title)
		}
	}
}
