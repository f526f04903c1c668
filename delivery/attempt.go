package delivery

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net/http"
	"sync"
	"time"

	as "github.com/gokith/kith/activitystreams"
	"github.com/gokith/kith/httpsig"
	"github.com/gokith/kith/keys"
	"github.com/gokith/kith/observe"
	"github.com/gokith/kith/origin"
	"github.com/gokith/kith/storage"
)

// An outcome is what became of one delivery in this slice.
type outcome struct {
	row      storage.Delivery // as it will be recorded
	activity as.IRI
	verdict  verdict
	at       time.Time
	scheme   httpsig.Scheme // to remember for the host; "" if nothing was learned
	noEd     bool           // the host took RSA after refusing Ed25519
}

// recent are the posts that were read lately. A post goes to many hosts at once, and its body, which is
// the large part, does not change.
type recent struct {
	mu sync.Mutex
	m  map[int64]read
}

type read struct {
	post storage.Post
	at   time.Time
}

// keptPosts and keptFor bound what recent holds.
const (
	keptPosts = 16
	keptFor   = 2 * time.Second
)

func (r *recent) get(id int64) (storage.Post, bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	hit, ok := r.m[id]
	return hit.post, ok && time.Since(hit.at) < keptFor
}

func (r *recent) put(p storage.Post) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.m == nil || len(r.m) >= keptPosts {
		r.m = make(map[int64]read)
	}
	r.m[p.ID] = read{p, time.Now()}
}

// post reads a post, at most a moment ago.
func (d *Delivery) post(ctx context.Context, id int64) (p storage.Post, err error) {
	if p, ok := d.posts.get(id); ok {
		return p, nil
	}
	err = protect(func() (err error) {
		p, err = d.Store.Post(ctx, id)
		return err
	})
	if err == nil {
		d.posts.put(p)
	}
	return p, err
}

// storePause is how long a delivery waits whose payload the store could not give.
const storePause = 30 * time.Second

// attempt tries one delivery and works out how its row goes on.
func (s *slice) attempt(ctx context.Context, row storage.Delivery) (o outcome) {
	o.row = row
	ctx, end := observe.Begin(ctx, s.Observer, observe.Deliver)
	waited := time.Since(row.Created)
	defer func() {
		o.at = time.Now()
		s.conclude(&o)
		end(observed(o, waited))
		s.Logger.DebugContext(ctx, "delivery: attempt", "host", row.Host, "inbox", row.Inbox, "verb", row.Verb,
			"post", row.Post, "state", o.row.State, "attempts", o.row.Attempts, "status", o.row.Status, "code", o.row.Code)
	}()
	o.row.Status, o.row.Excerpt = 0, ""
	trial, cancel := context.WithDeadline(ctx, earlier(time.Now().Add(s.Limits.Attempt), s.leased))
	defer cancel()
	post, err := s.post(trial, row.Post)
	switch {
	case errors.Is(err, storage.ErrNotFound):
		o.verdict = verdict{kind: canceled, code: CodeNoPost}
		return o
	case s.over(ctx):
		o.verdict = verdict{kind: release, code: CodeInterrupted}
		return o
	case err != nil:
		o.verdict, o.row.Next = verdict{kind: release, code: CodeStore}, time.Now().Add(storePause)
		return o
	}
	o.activity = post.Activity
	if err := protect(func() error { s.knock(trial, &o, post); return nil }); err != nil {
		s.Logger.ErrorContext(ctx, "delivery: attempt", "host", row.Host, "error", err)
		o = outcome{row: row, activity: post.Activity, verdict: verdict{kind: backOff, code: CodePanic}}
	}
	if s.over(ctx) && o.verdict.kind == backOff { // we ended it, not the host
		o.verdict = verdict{kind: release, code: CodeInterrupted}
	}
	return o
}

// over reports whether the run was cut off, or its rows may have passed to another by now.
func (s *slice) over(ctx context.Context) bool {
	return ctx.Err() != nil || !time.Now().Before(s.leased)
}

// observed is an outcome as observers are told it.
func observed(o outcome, waited time.Duration) observe.Outcome {
	about := observe.Outcome{
		Result: observe.OK, Code: o.row.Code, Verb: o.row.Verb, Peer: o.row.Host, Attempt: o.row.Attempts, Waited: waited,
		Activity: string(o.activity),
	}
	switch o.row.State {
	case storage.DeliveryPending:
		about.Result = observe.Deferred
	case storage.DeliveryRefused, storage.DeliveryCanceled:
		about.Result = observe.Refused
	case storage.DeliveryExpired:
		about.Result = observe.Failed
	case storage.DeliveryDone:
	}
	return about
}

// knock sends the request, and once more in the other signature form if the first is refused.
func (s *slice) knock(ctx context.Context, o *outcome, post storage.Post) {
	prefer, scheme := keys.RSA, s.FirstScheme
	if s.host.Scheme != "" && s.host.SchemeUntil.After(time.Now()) {
		scheme = httpsig.Scheme(s.host.Scheme)
	}
	if s.host.Ed25519 {
		prefer, scheme = keys.Ed25519, httpsig.RFC9421
	}
	header, err := s.header(ctx, o.row, post)
	if err != nil {
		o.verdict = verdict{kind: backOff, code: CodeSigner}
		return
	}
	knock := httpsig.FirstKnock(httpsig.SignOptions{Scheme: scheme, ExtraHeaders: header.extra})
	unauthorized := false
	for {
		signer, err := s.Signer(ctx, o.row.Sender, prefer)
		if err != nil {
			o.verdict = verdict{kind: backOff, code: CodeSigner}
			if errors.Is(err, storage.ErrNotFound) {
				o.verdict = verdict{kind: canceled, code: CodeNoKey}
			}
			return
		}
		a := s.send(ctx, o.row.Inbox, post.Payload, header, signer, knock.Options)
		if a.verdict.code == "" && a.status == 0 {
			o.verdict = judgeError(a.err)
			return
		}
		o.row.Status, o.row.Excerpt, o.verdict = a.status, a.excerpt, a.verdict
		unauthorized = unauthorized || a.status == http.StatusUnauthorized
		next, ok := knock.Next(signer, a.status, a.header, s.Knock)
		if !ok {
			break
		}
		knock = next
		if knock.Degraded() {
			prefer = keys.RSA
		}
	}
	if o.verdict.kind == done && knock.Degraded() {
		o.scheme, o.noEd = knock.Options.Scheme, s.host.Ed25519
	}
	if unauthorized && o.verdict.kind == refused {
		// One of the forms was understood, but not believed: keys may be fetched anew later.
		o.verdict.kind, o.verdict.gone = backOff, false
	}
}

type answer struct {
	status  int
	header  http.Header
	excerpt string
	verdict verdict
	err     error
}

// requestHeader are the fields that do not change between knocks.
type requestHeader struct {
	fields http.Header
	extra  []string // names to sign beyond the minimum
}

func (s *slice) header(ctx context.Context, row storage.Delivery, post storage.Post) (requestHeader, error) {
	h := requestHeader{fields: http.Header{"Content-Type": {as.ContentType}, "User-Agent": {s.UserAgent}}}
	if s.Headers == nil {
		return h, nil
	}
	more, err := s.Headers(ctx, row, post)
	for name, values := range more {
		h.fields[http.CanonicalHeaderKey(name)] = values
		h.extra = append(h.extra, name)
	}
	return h, err
}

// send makes one request. It is signed as of now, and follows no redirect.
func (s *slice) send(ctx context.Context, inbox as.IRI, body []byte, h requestHeader, signer *httpsig.Signer, opt httpsig.SignOptions) answer {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	u, err := origin.URL(inbox)
	if err != nil {
		return answer{verdict: verdict{kind: refused, code: CodeBadInbox}, err: err}
	}
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, u.String(), bytes.NewReader(body))
	if err != nil {
		return answer{verdict: verdict{kind: refused, code: CodeBadInbox}, err: err}
	}
	r.Header = h.fields.Clone()
	if err := signer.Sign(r, body, time.Now(), opt); err != nil {
		return answer{verdict: verdict{kind: backOff, code: CodeSigner}, err: err}
	}
	// A process that was stopped in the middle goes on before its timers have told it how late it is.
	end, _ := ctx.Deadline()
	if !time.Now().Before(end) { // check: S-93
		return answer{err: context.DeadlineExceeded}
	}
	timely(r, end)
	res, err := s.Transport.RoundTrip(r)
	if err != nil {
		return answer{err: err}
	}
	defer res.Body.Close()
	slow := time.AfterFunc(s.Limits.AnswerTime, cancel) // the status is what matters
	defer slow.Stop()
	text, _ := io.ReadAll(io.LimitReader(res.Body, s.Limits.Answer))
	a := answer{status: res.StatusCode, header: res.Header, verdict: s.Limits.judge(res.StatusCode, res.Header, time.Now())}
	if a.verdict.kind != done {
		a.excerpt = excerpt(text, s.Limits.Excerpt)
	}
	return a
}

// conclude turns a verdict into the row's next state.
func (s *slice) conclude(o *outcome) {
	row, v := &o.row, o.verdict
	row.Code = v.code
	if v.kind != release {
		row.Attempts++
	}
	switch v.kind {
	case done:
		row.State = storage.DeliveryDone
	case refused:
		row.State = storage.DeliveryRefused
	case canceled:
		row.State = storage.DeliveryCanceled
	case release:
		row.State = storage.DeliveryPending
	case backOff:
		row.State, row.Next = storage.DeliveryPending, later(o.at.Add(s.Limits.backoff(row.Attempts)), v.notBefore)
		tried := max(row.Attempts, s.host.Failures) >= s.Limits.Attempts
		if tried && o.at.Sub(row.Created) >= s.Limits.GiveUp {
			row.State = storage.DeliveryExpired
		}
	}
}
