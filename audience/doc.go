// Package audience is the one home of visibility: who is addressed by a thing, what that makes of it,
// and who may see it. Publishing, serving, receiving and side effects all ask here, so that no road
// to a document has a rule of its own (S-99).
//
// # Addressing
//
// An [Audience] says whom something is for, without spelling out the collections:
//
//	audience.Public()                         // everybody; shown in public timelines
//	audience.Unlisted().Mention(bob)          // everybody who looks for it; bob is told
//	audience.Followers()                      // the followers, and those mentioned
//	audience.Direct(bob).Blind(carol)         // bob; carol too, without bob knowing
//
// [Audience.Resolve] turns it into to, cc, bto and bcc in the form that Mastodon and most others
// write: public is to Public, cc followers; unlisted is the other way round.
//
// # Reading
//
// The public collection has three spellings, all of which count, in every addressing property. [Of]
// and [OfNode] tell the [Visibility]; [Addressed] lists everybody addressed.
//
// # Seeing
//
// [CanSee] decides for one viewer and one stored document. The owner sees it always; a blocked viewer
// never; everybody what is public or unlisted; an addressee what names him; an accepted follower what
// is for followers. Not visible must look the same as not there.
//
// # Design
//
// The document's own to and cc decide, never an activity that wraps or boosts it: a stranger's
// Create or Announce cannot widen the audience of something that is already known (S-44). The
// followers collection is compared with the owner's actual one, since its URL cannot be guessed.
package audience
