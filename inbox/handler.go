package inbox

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"strings"
	"sync"
	"time"

	as "github.com/gokith/kith/activitystreams"
	"github.com/gokith/kith/fetch"
	"github.com/gokith/kith/httpsig"
	"github.com/gokith/kith/names"
	"github.com/gokith/kith/observe"
	"github.com/gokith/kith/origin"
	"github.com/gokith/kith/storage"
)

// ServeHTTP receives a POST to an inbox. It answers 202 when the message is stored or was before,
// and else 4xx or 503 with a generic text; the log line has the stable code.
func (in *Inbox) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	ctx, end := observe.Begin(r.Context(), in.Observer, observe.Receive)
	about := observe.Outcome{Result: observe.OK}
	ref := in.receive(ctx, w, r, &about)
	if ref != nil {
		about.Result, about.Code, about.Err = observe.Refused, ref.Code, ref.Err
		if ref.RetryAfter > 0 {
			about.Result = observe.Deferred
		}
	}
	end(about)
	if ref != nil {
		in.answer(ctx, w, r, ref)
		return
	}
	w.Header().Set("X-Content-Type-Options", "nosniff")
	w.WriteHeader(http.StatusAccepted)
}

// receive is the whole road to the answer. nil means 202. It notes what the message is about.
func (in *Inbox) receive(ctx context.Context, w http.ResponseWriter, r *http.Request, about *observe.Outcome) *Refusal {
	if r.Method != http.MethodPost {
		w.Header().Set("Allow", http.MethodPost)
		return refuse(http.StatusMethodNotAllowed, "http.method", nil)
	}
	local, ref := in.target(ctx, r)
	if ref != nil {
		return ref
	}
	body, ref := in.read(w, r)
	if ref != nil {
		return ref
	}
	head, ref := in.head(body)
	if ref != nil {
		return ref
	}
	actor := head.Actors[0]
	if in.Observer != nil {
		about.Verb, about.Activity, about.Peer = head.Types[0], string(head.ID), peer(actor)
	}
	if ref := in.free(ctx, actor); ref != nil {
		return ref
	}
	if goodbye(head) {
		known, err := in.known(ctx, actor)
		if err != nil {
			return unavailable("store.unavailable", err)
		}
		if !known {
			in.Logger.DebugContext(ctx, "inbox dropped", "code", "delete.unknown_actor", "actor", clip(string(actor)))
			return nil // nothing of his is here, and his key is gone with him (I-27)
		}
	}
	result, err := in.Verifier.Verify(ctx, r, body, time.Now())
	if err != nil {
		if goodbye(head) && gone(err, actor) {
			if ref := in.share.admit(ctx, actor); ref != nil {
				return ref
			}
			return in.claim(ctx, storage.Receipt{
				Activity: head.ID, Actor: actor, Scope: scopeGone, Signer: actor, Proven: storage.Unconfirmed, Body: body,
			})
		}
		return refusalOf(err)
	}
	return in.accept(ctx, head, body, local, result)
}

// peer is the origin of an actor, as observers are told it.
func peer(actor as.IRI) string {
	o, err := origin.Of(actor)
	if err != nil {
		return ""
	}
	return o.String()
}

// Scopes of receipts that are not proven yet. Neither can be the key of an actor that takes part, so
// that nobody can take the place of the genuine message by sending its id first.
const (
	scopeGone      = "gone:"
	scopeForwarded = "forwarded:"
)

// goodbye reports whether the message says that its own actor is gone.
func goodbye(h as.Header) bool {
	return h.Object == h.Actors[0] && len(h.Types) > 0 && h.Types[0] == "Delete"
}

// gone reports whether a signature could not be verified because the actor's own key is gone. That of
// somebody else says nothing about the actor.
func gone(err error, actor as.IRI) bool {
	var key *fetch.KeyError
	if errors.As(err, &key) && !origin.Same(as.IRI(key.KeyID), actor) { // check: S-01
		return false
	}
	return errors.Is(err, httpsig.ErrKeyGone) || errors.Is(err, fetch.ErrGone)
}

// target finds whose inbox was posted to: nil for the shared one.
func (in *Inbox) target(ctx context.Context, r *http.Request) (*storage.Actor, *Refusal) {
	route, ok := in.Names.Parse(r.URL)
	switch {
	case ok && route.Kind == names.SharedInbox:
		return nil, nil
	case !ok || route.Kind != names.Inbox:
		return nil, refuse(http.StatusNotFound, "inbox.unknown", nil)
	}
	a, err := in.Store.Actor(ctx, route.Key)
	switch {
	case errors.Is(err, storage.ErrNotFound):
		return nil, refuse(http.StatusNotFound, "inbox.unknown", nil)
	case err != nil:
		return nil, unavailable("store.unavailable", err)
	case a.State == storage.ActorGone:
		return nil, refuse(http.StatusGone, "inbox.gone", nil)
	case a.State != storage.ActorActive:
		return nil, refuse(http.StatusNotFound, "inbox.unknown", nil)
	}
	return &a, nil
}

// read takes in the body once, under both limits.
func (in *Inbox) read(w http.ResponseWriter, r *http.Request) ([]byte, *Refusal) {
	if !as.IsActivityType(r.Header.Get("Content-Type")) {
		return nil, refuse(http.StatusUnsupportedMediaType, "http.content_type", nil)
	}
	if e := r.Header.Get("Content-Encoding"); e != "" && !strings.EqualFold(e, "identity") { // check: S-64
		return nil, refuse(http.StatusUnsupportedMediaType, "http.content_encoding", nil)
	}
	if r.ContentLength > in.MaxBody { // check: S-63
		return nil, refuse(http.StatusRequestEntityTooLarge, "http.body_too_large", nil)
	}
	// A server that cannot set deadlines has its own: the error says only that.
	_ = http.NewResponseController(w).SetReadDeadline(time.Now().Add(in.ReadTimeout)) // check: S-65
	var buf bytes.Buffer
	if r.ContentLength > 0 {
		buf.Grow(int(r.ContentLength) + bytes.MinRead)
	}
	_, err := buf.ReadFrom(http.MaxBytesReader(w, r.Body, in.MaxBody))
	_ = http.NewResponseController(w).SetReadDeadline(time.Time{})
	body := buf.Bytes()
	if tooLarge := (*http.MaxBytesError)(nil); errors.As(err, &tooLarge) {
		return nil, refuse(http.StatusRequestEntityTooLarge, "http.body_too_large", nil)
	}
	if err != nil {
		status := http.StatusBadRequest
		if !errors.Is(err, io.ErrUnexpectedEOF) {
			status = http.StatusRequestTimeout
		}
		return nil, refuse(status, "http.body_unreadable", err)
	}
	if len(body) == 0 { // check: S-05
		return nil, refuse(http.StatusBadRequest, "http.no_body", nil)
	}
	return body, nil
}

// head reads what the decision needs, strictly, and checks it by itself.
func (in *Inbox) head(body []byte) (as.Header, *Refusal) {
	h, err := in.Decoder.Header(body)
	if err != nil {
		code := "json.invalid"
		var syntax *as.SyntaxError
		var remap *as.ContextError
		switch {
		case errors.As(err, &syntax):
			code = syntax.Code
		case errors.As(err, &remap):
			code = "json.context"
		}
		return h, refuse(http.StatusBadRequest, code, err)
	}
	if len(h.Types) == 0 {
		return h, refuse(http.StatusBadRequest, "activity.no_type", nil)
	}
	if len(h.Actors) != 1 || h.Actors[0] == "" { // check: S-31
		return h, refuse(http.StatusBadRequest, "activity.actor", nil)
	}
	actor, err := origin.Of(h.Actors[0])
	if err != nil {
		return h, refuse(http.StatusBadRequest, "activity.actor", err)
	}
	if h.ID == "" {
		// Transient activities may have no id (ActivityPub §3); old servers send Flag so.
		sum := sha256.Sum256(body)
		h.ID = as.IRI("urn:sha256:" + hex.EncodeToString(sum[:]))
		return h, nil
	}
	id, err := origin.Of(h.ID)
	if err != nil {
		return h, refuse(http.StatusBadRequest, "activity.id", err)
	}
	if id != actor {
		return h, refuse(http.StatusForbidden, "activity.foreign_id", nil)
	}
	return h, nil
}

// free are the checks that cost no request: our own actors never speak through the inbox, and
// blocked ones not at all.
func (in *Inbox) free(ctx context.Context, actor as.IRI) *Refusal {
	if in.Names.Local(actor) { // check: S-49
		return refuse(http.StatusForbidden, "activity.local_actor", nil)
	}
	if in.Policy == nil {
		return nil
	}
	if err := in.Policy.Check(ctx, actor); err != nil { // check: S-50
		return refusalOf(err)
	}
	return nil
}

// known reports whether anything here has to do with the actor.
func (in *Inbox) known(ctx context.Context, actor as.IRI) (bool, error) {
	for _, q := range []storage.EdgeQuery{
		{Kind: storage.Follow, Subject: actor, Limit: 1}, {Kind: storage.Follow, Object: actor, Limit: 1},
		{Kind: storage.Like, Subject: actor, Limit: 1}, {Kind: storage.Announce, Subject: actor, Limit: 1},
	} {
		for _, err := range in.Store.Edges(ctx, q) {
			return err == nil, err
		}
	}
	for _, err := range in.Store.Objects(ctx, storage.ObjectQuery{Owner: actor, Limit: 1}) {
		return err == nil, err
	}
	return false, nil
}

// accept judges a message whose request was verified, and claims it.
func (in *Inbox) accept(ctx context.Context, head as.Header, body []byte, local *storage.Actor, result *httpsig.Result) *Refusal {
	signer, actor := as.IRI(result.Owner), head.Actors[0]
	o, err := origin.Of(signer)
	if err != nil {
		return refuse(http.StatusUnauthorized, "sig.owner", err)
	}
	if in.Names.Local(signer) { // check: S-49
		return refuse(http.StatusForbidden, "activity.local_signer", nil)
	}
	row := storage.Receipt{
		Activity: head.ID, Actor: actor, Signer: signer, KeyID: as.IRI(result.KeyID),
		Proven: storage.ProvenSignature, Body: body, Scope: in.scope(local, body),
	}
	if signer != actor { // check: S-21
		if in.Policy != nil {
			if err := in.Policy.Check(ctx, signer); err != nil {
				return refusalOf(err)
			}
		}
		row.Proven, row.Scope = storage.Unconfirmed, scopeForwarded+string(signer)
	}
	if ref := in.share.admit(ctx, signer); ref != nil {
		return ref
	}
	if in.OnInbound != nil { // before the claim: the answer may leave as soon as that commits
		in.OnInbound(ctx, o, result)
	}
	return in.claim(ctx, row)
}

// scope decides whether a message is for one inbox only. Nearly all name whom they are for, or the
// public, and are handled once however many inboxes they come to. A spelling that this overlooks
// costs a second handling for the other recipient, never a lost one.
func (in *Inbox) scope(local *storage.Actor, body []byte) string {
	if local == nil {
		return ""
	}
	for _, id := range []as.IRI{local.ID, as.Public} {
		// With the closing quote: one id may be the beginning of another.
		if quoted := string(id) + `"`; bytes.Contains(body, []byte(quoted)) || bytes.Contains(body, []byte(strings.ReplaceAll(quoted, "/", `\/`))) {
			return ""
		}
	}
	return local.Key
}

// claim stores receipt and job, or recognises the message.
func (in *Inbox) claim(ctx context.Context, row storage.Receipt) *Refusal {
	release, ok := in.flight.enter(row)
	if !ok {
		return &Refusal{Status: http.StatusServiceUnavailable, Code: "inbox.in_flight", RetryAfter: time.Second}
	}
	defer release()
	row.State, row.Budget = storage.ReceiptPending, fetch.DefaultBudget().Requests
	row.Received = time.Now().UTC().Truncate(time.Microsecond) // as stores keep it
	row.Next = row.Received.Add(Lease)                         // the job comes first; the sweep looks after it
	first, err := in.store(ctx, &row)
	if err != nil {
		in.Logger.LogAttrs(ctx, slog.LevelWarn, "inbox could not store a message", slog.String("code", "store.unavailable"), slog.String("error", err.Error()))
		return unavailable("store.unavailable", err)
	}
	if _, joined := storage.FromContext(ctx); first && !joined { // committed: an id that is not may be given out again
		in.fresh.put(row)
	}
	return nil
}

// flights are the claims being stored by this process: a duplicate of one must not be answered 202
// before it is committed.
type flights struct {
	mu  sync.Mutex
	set map[flight]struct{}
}

type flight struct {
	activity, actor as.IRI
	scope           string
}

func (f *flights) enter(row storage.Receipt) (release func(), ok bool) {
	key := flight{row.Activity, row.Actor, row.Scope}
	f.mu.Lock()
	defer f.mu.Unlock()
	if _, busy := f.set[key]; busy {
		return nil, false
	}
	if f.set == nil {
		f.set = make(map[flight]struct{})
	}
	f.set[key] = struct{}{}
	return func() {
		f.mu.Lock()
		defer f.mu.Unlock()
		delete(f.set, key)
	}, true
}
