package inbox_test

import (
	"bytes"
	"context"
	"encoding/json"
	"log/slog"
	"net/http"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/gokith/kith"
	as "github.com/gokith/kith/activitystreams"
	"github.com/gokith/kith/fedtest"
	"github.com/gokith/kith/httpsig"
	"github.com/gokith/kith/inbox"
	"github.com/gokith/kith/storage"
	"github.com/gokith/kith/storage/memory"
)

// scene is a server with one post, an honest peer, and a stranger's host that must stay untouched.
type scene struct {
	t     *testing.T
	net   *fedtest.Network
	srv   *fedtest.Server
	store storage.Store
	alice *fedtest.Actor
	bob   *fedtest.Actor // on alice's server
	eve   *fedtest.Actor // elsewhere
	post  as.IRI
	logs  *logBook

	mu      sync.Mutex
	handled []string // types that reached the catch-all handler
}

// logBook keeps what was logged.
type logBook struct {
	mu    sync.Mutex
	lines []map[string]any
}

func (l *logBook) Write(p []byte) (int, error) {
	var line map[string]any
	if err := json.Unmarshal(p, &line); err != nil {
		return 0, err
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	l.lines = append(l.lines, line)
	return len(p), nil
}

// codes returns the codes that were logged since the last call.
func (l *logBook) codes() []string {
	l.mu.Lock()
	defer l.mu.Unlock()
	var all []string
	for _, line := range l.lines {
		if code, ok := line["code"].(string); ok {
			all = append(all, code)
		}
		if line["level"] == "ERROR" {
			all = append(all, "ERROR: "+line["msg"].(string))
		}
	}
	l.lines = nil
	return all
}

func newScene(t *testing.T, setup ...func(*kith.Server)) *scene {
	t.Helper()
	s := &scene{t: t, net: fedtest.NewNetwork(t), store: memory.New(), logs: new(logBook)}
	mux := new(inbox.Mux)
	inbox.OnAny(mux, func(_ context.Context, n as.Node, _ *inbox.Verified) error {
		s.mu.Lock()
		defer s.mu.Unlock()
		s.handled = append(s.handled, n.NodeType())
		return nil
	})
	s.srv = fedtest.NewServer(t, s.net, kith.Config{
		Store: s.store, Actors: []kith.Actor{{Key: "blog"}, {Key: "carol"}}, Inbox: mux,
		Logger: slog.New(slog.NewJSONHandler(s.logs, &slog.HandlerOptions{Level: slog.LevelDebug})),
	}, setup...)
	peer := s.net.Peer("social.example")
	s.alice, s.bob = peer.Actor("alice"), peer.Actor("bob")
	s.eve = s.net.Peer("evil.example").Actor("eve")
	published, err := s.srv.Publish(t.Context(), "blog", kith.Public(), &as.Note{Content: as.HTML("<p>Hello.</p>")})
	require.NoError(t, err)
	s.post = published.Object
	s.srv.Settle(t)
	s.logs.codes()
	return s
}

// taken returns the types that handlers saw since the last call.
func (s *scene) taken() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	all := s.handled
	s.handled = nil
	return all
}

// rows counts what a refused message must not change.
func (s *scene) rows() map[string]int {
	stats, err := s.store.Stats(s.t.Context())
	require.NoError(s.t, err)
	rows := make(map[string]int)
	for table, n := range stats.Tables {
		if !strings.Contains(table, "cache") && !strings.Contains(table, "host") && !strings.Contains(table, "receipt") && !strings.Contains(table, "seen") {
			rows[table] = n
		}
	}
	return rows
}

// refused posts and expects the status, the code in the log, and no effect at all.
func (s *scene) refused(from *fedtest.Actor, n as.Node, f fedtest.Forgery, status int, code string) {
	s.t.Helper()
	before := s.rows()
	receipts := s.receipts()
	require.Equal(s.t, status, from.Post(s.t, s.srv.SharedInbox(), n, f))
	s.srv.Settle(s.t)
	codes := s.logs.codes()
	require.Contains(s.t, codes, code)
	for _, c := range codes {
		require.NotContains(s.t, c, "ERROR", "nothing that a stranger causes is an error")
	}
	require.Empty(s.t, s.taken(), "no handler may see it")
	require.Equal(s.t, before, s.rows(), "nothing may be written")
	if status >= 400 {
		require.Equal(s.t, receipts, s.receipts())
	}
}

// receipts counts the claims.
func (s *scene) receipts() int {
	stats, err := s.store.Stats(s.t.Context())
	require.NoError(s.t, err)
	return stats.Tables["kith_receipts"]
}

func TestS1_UnsignedAndForged(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newScene(t)
		like := s.alice.Like(s.post)
		fedtest.Deliver(t, s.srv, s.bob, s.bob.Like(s.post)) // the peer's documents are known now
		s.taken()
		s.logs.codes()
		s.refused(s.alice, like, fedtest.Forgery{Unsigned: true}, 401, httpsig.CodeUnsigned)
		s.refused(s.alice, like, fedtest.Forgery{Wrong: true}, 401, httpsig.CodeMismatch)
		s.refused(s.alice, like, fedtest.Forgery{Change: func(r *http.Request) { r.Header.Set("Signature", "garbage") }}, 400, httpsig.CodeMalformed)
		fedtest.Deliver(t, s.srv, s.alice, like)
		require.Equal(t, []string{"Like"}, s.taken(), "the honest one still works")
	})
}

func TestS3_ChangedBody(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newScene(t)
		for _, scheme := range []httpsig.Scheme{httpsig.Cavage, httpsig.RFC9421} {
			s.refused(s.alice, s.alice.Like(s.post), fedtest.Forgery{Scheme: scheme, Tamper: func(b []byte) []byte {
				return bytes.Replace(b, []byte(`"Like"`), []byte(`"Lime"`), 1)
			}}, 401, httpsig.CodeDigestMismatch)
			s.refused(s.alice, s.alice.Like(s.post), fedtest.Forgery{Scheme: scheme, Tamper: func(b []byte) []byte { return append(b, '\n') }}, 401, httpsig.CodeDigestMismatch)
		}
	})
}

func TestS2_UnsignedDigestAndOtherHost(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newScene(t)
		s.refused(s.alice, s.alice.Like(s.post), fedtest.Forgery{Change: func(r *http.Request) {
			r.Header.Set("Signature", strings.Replace(r.Header.Get("Signature"), " digest", "", 1))
		}}, 401, httpsig.CodeCoverage)
		// Signed for another host, and sent here.
		r := s.alice.Like(s.post)
		s.refused(s.alice, r, fedtest.Forgery{Change: func(r *http.Request) {
			other := r.Clone(r.Context())
			other.URL.Host, other.Host = "other.example", "other.example"
			body, _ := as.Encode(s.alice.Like(s.post))
			_ = s.alice.Signer().Sign(other, body, time.Now(), httpsig.SignOptions{})
			r.Header.Set("Signature", other.Header.Get("Signature"))
			r.Header.Set("Digest", other.Header.Get("Digest"))
		}}, 401, httpsig.CodeDigestMismatch)
	})
}

func TestS12_OldAndFutureDates(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newScene(t)
		s.refused(s.alice, s.alice.Like(s.post), fedtest.Forgery{At: time.Now().Add(-61 * time.Minute)}, 401, httpsig.CodeExpired)
		s.refused(s.alice, s.alice.Like(s.post), fedtest.Forgery{At: time.Now().Add(6 * time.Minute)}, 401, httpsig.CodeFuture)
		require.Equal(t, 202, s.alice.Post(t, s.srv.SharedInbox(), s.alice.Like(s.post), fedtest.Forgery{At: time.Now().Add(-59 * time.Minute)}))
		s.srv.Settle(t)
	})
}

// A key of somebody else proves nothing, not even of a neighbour. The message is then confirmed at its
// origin, where it does not exist.
func TestS21_KeyOfSomeoneElse(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newScene(t)
		for _, by := range []*fedtest.Actor{s.eve, s.bob} {
			s.refused(s.alice, s.alice.Like(s.post), fedtest.Forgery{By: by}, 202, "forward.unconfirmed")
		}
	})
}

func TestS31_ActorMissingOrManifold(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newScene(t)
		alice, eve := string(s.alice.ID), string(s.eve.ID)
		for _, actor := range []string{
			`null`, `""`, `[]`, `["` + alice + `","` + eve + `"]`, `{}`, `7`, `["` + alice + `",{"id":"` + eve + `"}]`,
		} {
			s.refused(s.alice, s.alice.Like(s.post), fedtest.Forgery{Body: func(b []byte) []byte {
				return bytes.Replace(b, []byte(`"actor":"`+alice+`"`), []byte(`"actor":`+actor), 1)
			}}, 400, "activity.actor")
		}
	})
}

func TestS63_BodyOverTheLimit(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newScene(t)
		s.refused(s.alice, s.alice.Like(s.post), fedtest.Forgery{Body: func(b []byte) []byte {
			return append(b, bytes.Repeat([]byte(" "), inbox.DefaultMaxBody)...)
		}}, 413, "http.body_too_large")
		s.refused(s.alice, s.alice.Like(s.post), fedtest.Forgery{Change: func(r *http.Request) { r.Header.Set("Content-Encoding", "gzip") }}, 415, "http.content_encoding")
		s.refused(s.alice, s.alice.Like(s.post), fedtest.Forgery{Change: func(r *http.Request) { r.Header.Set("Content-Type", "application/json") }}, 415, "http.content_type")
		s.refused(s.alice, s.alice.Like(s.post), fedtest.Forgery{Tamper: func([]byte) []byte { return nil }}, 400, "http.no_body")
	})
}

func TestS66_S69_HostileJSON(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newScene(t)
		with := func(member string) fedtest.Forgery {
			return fedtest.Forgery{Body: func(b []byte) []byte { return append([]byte("{"+member+","), b[1:]...) }}
		}
		s.refused(s.alice, s.alice.Like(s.post), with(`"x":`+strings.Repeat("[", 65)+strings.Repeat("]", 65)), 400, "json.depth")
		s.refused(s.alice, s.alice.Like(s.post), with(`"actor":"`+string(s.eve.ID)+`"`), 400, "json.duplicate")
		s.refused(s.alice, s.alice.Like(s.post), with(`"x":{"a":1,"a":2}`), 400, "json.duplicate")
	})
}

func TestS32_ObjectOnAForeignOrigin(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newScene(t)
		victim := s.eve.Note(s.post, "<p>What eve really wrote.</p>")
		forged := *victim
		forged.Content = as.HTML("<p>Words put into her mouth.</p>")
		s.refused(s.alice, s.alice.Create(&forged), fedtest.Forgery{}, 202, "object.foreign")
		forged.AttributedTo = as.IRIs(s.alice.ID)
		s.refused(s.alice, s.alice.Create(&forged), fedtest.Forgery{}, 202, "object.foreign")
		// On the actor's own origin, but another's.
		neighbour := s.bob.Note(s.post, "<p>Bob's.</p>")
		s.refused(s.alice, s.alice.Create(neighbour), fedtest.Forgery{}, 202, "owner.mismatch")
	})
}

func TestS36_OtherPeoplesThings(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newScene(t)
		reply := s.alice.Note(s.post, "<p>Mine.</p>")
		fedtest.Deliver(t, s.srv, s.alice, s.alice.Create(reply))
		like := s.alice.Like(s.post)
		fedtest.Deliver(t, s.srv, s.alice, like)
		s.taken()
		s.logs.codes()
		del := &as.Delete{ID: s.bob.NewID("deletes"), Actor: as.IRIs(s.bob.ID), Object: as.IRIs(reply.ID)}
		s.refused(s.bob, del, fedtest.Forgery{}, 202, "owner.mismatch") // the neighbour
		del = &as.Delete{ID: s.eve.NewID("deletes"), Actor: as.IRIs(s.eve.ID), Object: as.IRIs(reply.ID)}
		s.refused(s.eve, del, fedtest.Forgery{}, 202, "owner.mismatch")
		del = &as.Delete{ID: s.eve.NewID("deletes"), Actor: as.IRIs(s.eve.ID), Object: as.IRIs(s.post)}
		s.refused(s.eve, del, fedtest.Forgery{}, 202, "owner.mismatch") // one of ours
		s.refused(s.bob, s.bob.Undo(like), fedtest.Forgery{}, 202, "owner.mismatch")
		mine := *reply
		mine.Content, mine.Updated = as.HTML("<p>Bob was here.</p>"), as.At(time.Now().Add(time.Minute))
		s.refused(s.bob, s.bob.Update(&mine), fedtest.Forgery{}, 202, "owner.mismatch")
		counts, err := s.srv.Social().Count(t.Context(), s.post)
		require.NoError(t, err)
		require.Equal(t, 1, counts.Likes)
		require.Equal(t, 1, counts.Replies)
	})
}

func TestS38_AcceptOfAFollowNeverSent(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newScene(t)
		accept := func(by *fedtest.Actor, follow as.Ref) *as.Accept {
			return &as.Accept{ID: by.NewID("accepts"), Actor: as.IRIs(by.ID), Object: as.Refs{follow}}
		}
		never := as.EmbedOne(&as.Follow{ID: s.srv.Names().NewActivity(nil), Actor: as.IRIs(s.srv.ActorID("blog")), Object: as.IRIs(s.alice.ID)})
		s.refused(s.alice, accept(s.alice, never), fedtest.Forgery{}, 202, "follow.unknown")
		s.refused(s.alice, &as.Accept{ID: s.alice.NewID("accepts"), Actor: as.IRIs(s.alice.ID)}, fedtest.Forgery{}, 202, "follow.unknown")
		// Sent to alice, answered by somebody else.
		require.NoError(t, s.srv.Social().Follow(t.Context(), "blog", s.alice.ID))
		s.srv.Settle(t)
		sent := fedtest.Received[*as.Follow](s.alice)[0]
		s.refused(s.eve, accept(s.eve, as.RefTo(sent.ID)), fedtest.Forgery{}, 202, "follow.unknown")
		s.refused(s.bob, accept(s.bob, as.EmbedOne(sent)), fedtest.Forgery{}, 202, "follow.unknown")
		fedtest.Deliver(t, s.srv, s.alice, accept(s.alice, as.RefTo(sent.ID)))
		e, err := s.store.Edge(t.Context(), storage.Follow, s.srv.ActorID("blog"), s.alice.ID)
		require.NoError(t, err)
		require.Equal(t, storage.EdgeActive, e.State)
	})
}

// Our own actors never speak through the inbox, whoever signs, and ids are where their actors are.
func TestS49_LocalActorsAndForeignIDs(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newScene(t)
		own := &as.Like{ID: s.srv.Names().NewActivity(nil), Actor: as.IRIs(s.srv.ActorID("carol")), Object: as.IRIs(s.post)}
		s.refused(s.alice, own, fedtest.Forgery{}, 403, "activity.local_actor")
		foreign := s.alice.Like(s.post)
		foreign.ID = "https://evil.example/likes/1"
		s.refused(s.alice, foreign, fedtest.Forgery{}, 403, "activity.foreign_id")
	})
}

func TestS50_BlockedEverywhere(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newScene(t)
		require.NoError(t, s.srv.Policy().Block(t.Context(), "https://evil.example"))
		s.refused(s.eve, s.eve.Like(s.post), fedtest.Forgery{}, 403, "policy.blocked_host")
		s.refused(s.alice, s.alice.Like(s.post), fedtest.Forgery{By: s.eve}, 403, "policy.blocked_host")
		require.Empty(t, s.net.Log("evil.example"), "not even the key is asked for")
	})
}

func TestS14_S91_RepeatedMessages(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newScene(t)
		like := s.alice.Like(s.post)
		for range 20 {
			require.Equal(t, 202, s.alice.Post(t, s.srv.SharedInbox(), like, fedtest.Forgery{}))
		}
		require.Equal(t, 202, s.alice.Post(t, s.srv.Names().Inbox("blog"), like, fedtest.Forgery{}))
		s.srv.Settle(t)
		require.LessOrEqual(t, len(s.taken()), 2, "one for all, and one for the inbox of somebody it does not name")
		counts, err := s.srv.Social().Count(t.Context(), s.post)
		require.NoError(t, err)
		require.Equal(t, 1, counts.Likes)

		create := s.alice.Create(s.alice.Note(s.post, "<p>Public, so it is handled once.</p>"))
		for _, to := range []as.IRI{s.srv.SharedInbox(), s.srv.Names().Inbox("blog"), s.srv.Names().Inbox("carol")} {
			require.Equal(t, 202, s.alice.Post(t, to, create, fedtest.Forgery{}))
		}
		s.srv.Settle(t)
		require.Equal(t, []string{"Create"}, s.taken())
	})
}

// Nobody can keep a genuine message out by sending its id first.
func TestForgedIDsDoNotBarTheGenuine(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newScene(t)
		like := s.alice.Like(s.post)
		require.Equal(t, 202, s.alice.Post(t, s.srv.SharedInbox(), like, fedtest.Forgery{By: s.eve}))
		s.srv.Settle(t)
		require.Empty(t, s.taken())
		fedtest.Deliver(t, s.srv, s.alice, like)
		require.Equal(t, []string{"Like"}, s.taken())
	})
}

// A forwarded activity is believed when its origin has it.
func TestS40_ForwardedAndConfirmed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newScene(t)
		create := s.alice.Create(s.alice.Note(s.post, "<p>Forwarded.</p>"))
		s.alice.Peer.Put(create)
		require.Equal(t, 202, s.alice.Post(t, s.srv.SharedInbox(), create, fedtest.Forgery{By: s.eve}))
		s.srv.Settle(t)
		require.Equal(t, []string{"Create"}, s.taken())
		fedtest.Deliver(t, s.srv, s.alice, create)
		require.Empty(t, s.taken(), "the copy that comes directly is the same message")

		// A forwarded Delete needs the origin to say so.
		note := create.Object.First().ID()
		del := &as.Delete{ID: s.alice.NewID("deletes"), Actor: as.IRIs(s.alice.ID), Object: as.IRIs(note)}
		s.refused(s.alice, del, fedtest.Forgery{By: s.eve}, 202, "forward.unconfirmed")
		s.alice.Peer.Gone(note)
		del.ID = s.alice.NewID("deletes")
		require.Equal(t, 202, s.alice.Post(t, s.srv.SharedInbox(), del, fedtest.Forgery{By: s.eve}))
		s.srv.Settle(t)
		require.Equal(t, []string{"Delete"}, s.taken())
	})
}

func TestI27_GoodbyesOfStrangers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newScene(t)
		stranger := s.net.Peer("gone.example").Actor("zoe")
		bye := stranger.Delete(stranger.ID)
		s.refused(stranger, bye, fedtest.Forgery{}, 202, "delete.unknown_actor")
		require.Empty(t, s.net.Log("gone.example"), "nothing is fetched")

		// One who is known, and whose server says 410, is forgotten.
		fedtest.Deliver(t, s.srv, s.eve, s.eve.Follow(s.srv.ActorID("blog")))
		s.taken()
		bye = s.eve.Delete(s.eve.ID)
		time.Sleep(48 * time.Hour) // what was known of his key is stale
		s.net.Fault("social.example", fedtest.Fault{})
		require.Equal(t, 202, s.eve.Post(t, s.srv.SharedInbox(), bye, fedtest.Forgery{}))
		s.srv.Settle(t)
		require.Equal(t, []string{"Delete"}, s.taken())
		n, err := s.store.CountEdges(t.Context(), storage.EdgeQuery{Kind: storage.Follow})
		require.NoError(t, err)
		require.Zero(t, n)
	})
}

// While the signer's server is down nobody can judge: 503, not 401 (I-28).
func TestI28_KeyServerDown(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newScene(t)
		s.net.Fault("evil.example", fedtest.Fault{Down: true})
		s.refused(s.eve, s.eve.Like(s.post), fedtest.Forgery{}, 503, httpsig.CodeKeyUnavailable)
		s.net.Fault("evil.example", fedtest.Fault{})
		time.Sleep(10 * time.Minute)
		fedtest.Deliver(t, s.srv, s.eve, s.eve.Like(s.post))
	})
}

func TestS86_HandlersThatPanic(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		runs := 0
		s := newScene(t, func(srv *kith.Server) {
			kith.On(srv, func(context.Context, kith.Liked) error { runs++; panic("no") })
		})
		require.Equal(t, 202, s.alice.Post(t, s.srv.SharedInbox(), s.alice.Like(s.post), fedtest.Forgery{}))
		time.Sleep(7 * 24 * time.Hour)
		synctest.Wait()
		require.Equal(t, inbox.DefaultMaxAttempts, runs)
		stats, err := s.store.Stats(t.Context())
		require.NoError(t, err)
		require.Equal(t, 1, stats.DeadReceipts)
		require.Zero(t, stats.PendingReceipts)
		counts, err := s.srv.Social().Count(t.Context(), s.post)
		require.NoError(t, err)
		require.Zero(t, counts.Likes, "the effect is rolled back with its handler")
	})
}

// A message whose attempts end without an outcome, as when the process dies, is put off for longer and
// longer. It is dead in the end only if it never succeeds: it may have been a bystander.
func TestS86_AttemptsWithoutOutcome(t *testing.T) {
	for name, tc := range map[string]struct{ bad, dead int }{
		"a bystander of seven crashes": {7, 0},
		"one that always crashes":      {1000, 1},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				runs := 0
				s := newScene(t, func(srv *kith.Server) {
					kith.On(srv, func(ctx context.Context, _ kith.Liked) error {
						if runs++; runs <= tc.bad {
							<-ctx.Done() // nothing of this attempt is recorded
							return ctx.Err()
						}
						return nil
					})
				})
				require.Equal(t, 202, s.alice.Post(t, s.srv.SharedInbox(), s.alice.Like(s.post), fedtest.Forgery{}))
				time.Sleep(4 * 24 * time.Hour)
				synctest.Wait()
				require.Greater(t, runs, inbox.DefaultMaxAttempts)
				require.Less(t, runs, 4*inbox.DefaultMaxAttempts)
				stats, err := s.store.Stats(t.Context())
				require.NoError(t, err)
				require.Equal(t, tc.dead, stats.DeadReceipts)
				require.Zero(t, stats.PendingReceipts)
				counts, err := s.srv.Social().Count(t.Context(), s.post)
				require.NoError(t, err)
				require.Equal(t, 1-tc.dead, counts.Likes)
			})
		})
	}
}
