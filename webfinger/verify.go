package webfinger

import "context"

// Resolve returns the id of the actor that a handle names, and the descriptor that says so. When the
// host answers for another handle (aliases, split domains) that one is asked, once, and must stand by
// itself; a subject that is no handle at all is passed over. The actor has yet to be fetched, and its
// handle to be confirmed with [Client.VerifyHandle].
func (c *Client) Resolve(ctx context.Context, handle string) (actorID string, jrd *JRD, err error) {
	user, host, err := ParseHandle(handle)
	if err != nil {
		return "", nil, err
	}
	jrd, _, err = c.canonical(ctx, acct(user, host))
	if err != nil && jrd == nil {
		return "", nil, err
	}
	actorID, ok := jrd.Self()
	if !ok {
		return "", nil, fail(CodeNoSelf, handle, "no link to an actor", nil)
	}
	return actorID, jrd, nil
}

// VerifyHandle confirms a handle in both directions (S-48): it starts from an actor's id and what the
// actor's document claims (preferredUsername and the host of the id, or the two halves of its
// webfinger property), asks that host, follows a different subject once, and requires that the handle
// which stands by itself leads back to exactly this id. It returns that handle, "user@host". Without
// it a handle must not be shown.
func (c *Client) VerifyHandle(ctx context.Context, actorID, username, host string) (handle string, err error) {
	jrd, handle, err := c.canonical(ctx, acct(username, host))
	if err != nil {
		return "", err
	}
	self, ok := jrd.Self()
	if !ok {
		return "", fail(CodeNoSelf, handle, "no link to an actor", nil)
	}
	if self != actorID { // check: S-48
		return "", fail(CodeSelf, handle, "the handle belongs to another actor", nil)
	}
	return handle, nil
}

// canonical asks for a handle and returns the descriptor whose subject is the handle it was asked for.
// With the error of a first answer whose subject is no handle it returns that answer too.
func (c *Client) canonical(ctx context.Context, asked string) (jrd *JRD, handle string, err error) {
	for hop := range 2 {
		if jrd, err = c.Lookup(ctx, asked); err != nil {
			return nil, "", err
		}
		user, host, err := ParseHandle(jrd.Subject)
		if err != nil { // check: S-48
			if hop > 0 {
				jrd = nil
			}
			return jrd, "", fail(CodeSubject, asked, "the subject is no handle", err)
		}
		if SameHandle(jrd.Subject, asked) {
			return jrd, user + "@" + host, nil
		}
		if hop == 0 {
			asked = acct(user, host)
		}
	}
	return nil, "", fail(CodeSubject, asked, "the subject is yet another handle", nil) // check: I-36
}
