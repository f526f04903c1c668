package activitystreams

// SharedInbox returns the inbox that an actor shares with others of its server, wherever it stands:
// in endpoints, or where old Mastodon put it. It is "" when there is none, and for what is no actor.
func SharedInbox(n Node) IRI {
	a, ok := ActorOf(n)
	switch {
	case !ok:
		return ""
	case a.Endpoints != nil && a.Endpoints.SharedInbox != "":
		return a.Endpoints.SharedInbox
	}
	return a.SharedInbox
}

// Automatic returns who may do it at once, under the name of today or that of GoToSocial 0.19.
func (r *InteractionRule) Automatic() Refs {
	if r == nil {
		return nil
	}
	if len(r.AutomaticApproval) > 0 {
		return r.AutomaticApproval
	}
	return r.Always
}

// Manual returns who must ask, under the name of today or that of GoToSocial 0.19.
func (r *InteractionRule) Manual() Refs {
	if r == nil {
		return nil
	}
	if len(r.ManualApproval) > 0 {
		return r.ManualApproval
	}
	return r.ApprovalRequired
}
