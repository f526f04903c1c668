package outbox

import as "github.com/gokith/kith/activitystreams"

// chainOf names what the order of deliveries is about: the object of most activities, so that Create,
// Update and Delete, or Follow and Undo of it, stay in order for each host. Undo shares the chain of
// what it undoes; answers to a Follow share that of the follower.
func chainOf(a *as.Activity, verb string) as.IRI {
	object := a.Object.First()
	switch verb {
	case "Undo":
		if inner, ok := as.ActivityOf(object.Node()); ok {
			return chainOf(inner, object.Node().NodeType())
		}
	case "Accept", "Reject", "TentativeAccept", "TentativeReject":
		if inner, ok := as.ActivityOf(object.Node()); ok {
			if who := inner.Actor.First().ID(); who != "" {
				return who
			}
		}
	}
	if id := object.ID(); id != "" {
		return id
	}
	return a.ID
}

// listed are the activities that the public outbox shows: those that bring content.
func listed(verb string) bool {
	switch verb {
	case "Create", "Announce", "Arrive", "Listen", "Read", "Travel", "View":
		return true
	}
	return false
}

// undoable are the activities that an Undo takes back, so that they are no longer served.
func undoable(verb string) bool {
	switch verb {
	case "Announce", "Like", "Dislike", "EmojiReact", "Follow", "Block", "Join", "Add", "Offer", "Invite":
		return true
	}
	return false
}

// answer are the activities that are not kept as documents: nobody refers to them again, and peers do
// well with a clean 404.
func answer(verb string) bool {
	switch verb {
	case "Accept", "Reject", "TentativeAccept", "TentativeReject", "Undo":
		return true
	}
	return false
}

// byReference are the activities whose object is written as an IRI: some servers refuse an embedded
// one (I-65).
func byReference(verb string) bool {
	switch verb {
	case "Follow", "Like", "Dislike", "Announce", "Block":
		return true
	}
	return false
}

// sharedVerb are the activities that peers take at their shared inbox even when they are for one
// actor. Follows and answers go to the actor's own inbox.
func sharedVerb(verb string) bool {
	switch verb {
	case "Create", "Update", "Delete", "Announce":
		return true
	}
	return false
}

// afterBlock are the activities that a blocked actor still gets: what severs the relation, and what
// removes things from his server.
func afterBlock(verb string) bool {
	switch verb {
	case "Block", "Undo", "Reject", "Delete":
		return true
	}
	return false
}
