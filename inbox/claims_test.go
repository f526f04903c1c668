package inbox_test

import (
	"net/http"
	"testing"
	"testing/synctest"

	"github.com/stretchr/testify/require"

	as "github.com/gokith/kith/activitystreams"
	"github.com/gokith/kith/fedtest"
	"github.com/gokith/kith/httpsig"
	"github.com/gokith/kith/storage"
)

// A full object by somebody else inside a boost or like is only a reference (S-33).
func TestS33_EmbeddedForeignObjects(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newScene(t)
		real := s.eve.Note("", "<p>What eve wrote.</p>")
		forged := *real
		forged.Content = as.HTML("<p>What she never wrote.</p>")
		require.NoError(t, s.srv.Social().Follow(t.Context(), "blog", s.alice.ID))
		s.srv.Settle(t)
		follow := fedtest.Received[*as.Follow](s.alice)[0]
		fedtest.Deliver(t, s.srv, s.alice, &as.Accept{ID: s.alice.NewID("accepts"), Actor: as.IRIs(s.alice.ID), Object: as.IRIs(follow.ID)})
		boost := s.alice.Announce(real.ID)
		boost.Object = as.Embed(&forged)
		fedtest.Deliver(t, s.srv, s.alice, boost)
		gets := s.net.Log("evil.example")
		require.NotEmpty(t, gets, "the object is asked for at its origin")
		for o, err := range s.store.Objects(t.Context(), storage.ObjectQuery{}) {
			require.NoError(t, err)
			require.NotContains(t, string(o.Document), "never wrote")
		}
	})
}

// An activity inside another is authenticated on its own, or not at all (S-39).
func TestS39_WrappedActivities(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newScene(t)
		inner := s.eve.Create(s.eve.Note(s.post, "<p>Forged by alice.</p>"))
		wrap := s.alice.Announce(inner.ID)
		wrap.Object = as.Embed(inner)
		before := s.rows()
		fedtest.Deliver(t, s.srv, s.alice, wrap)
		require.Equal(t, before, s.rows())
		require.Equal(t, []string{"Announce"}, s.taken(), "handlers see the wrapper; its object is an id")
	})
}

// Actors and keys are not made by activities (S-51, FEP-fe34).
func TestS51_ActorsAndKeysAreNotCreated(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newScene(t)
		for _, n := range []as.Node{
			&as.Person{ID: s.alice.NewID("users"), Inbox: as.RefTo(s.alice.Inbox())},
			&as.Multikey{ID: s.alice.NewID("keys"), Controller: s.alice.ID},
		} {
			s.alice.Peer.Put(n)
			create := &as.Create{ID: s.alice.NewID("creates"), Actor: as.IRIs(s.alice.ID), Object: as.Embed(n), To: as.IRIs(as.Public)}
			require.Equal(t, 202, s.alice.Post(t, s.srv.SharedInbox(), create, fedtest.Forgery{}))
			s.srv.Settle(t)
			require.Contains(t, s.logs.codes(), "object.type")
			_, err := s.store.Object(t.Context(), n.NodeID())
			require.ErrorIs(t, err, storage.ErrNotFound)
		}
	})
}

func TestI16_CoverageIsDemanded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newScene(t)
		for _, left := range []string{"(request-target)", "host", "date", "digest"} {
			components := []string{}
			for _, c := range []string{"(request-target)", "host", "date", "digest"} {
				if c != left {
					components = append(components, c)
				}
			}
			list := ""
			for _, c := range components {
				list += " " + c
			}
			s.refused(s.alice, s.alice.Like(s.post), fedtest.Forgery{Change: func(r *http.Request) {
				sig := `keyId="` + string(s.alice.KeyID()) + `",algorithm="rsa-sha256",headers="` + list[1:] + `",signature="AAAA"`
				r.Header.Set("Signature", sig)
			}}, 401, httpsig.CodeCoverage)
		}
	})
}

func TestI87_ContentTypes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newScene(t)
		for typ, want := range map[string]int{
			"application/activity+json":                                                      202,
			"application/activity+json; charset=utf-8":                                       202,
			`application/ld+json; profile="https://www.w3.org/ns/activitystreams"`:           202,
			`application/ld+json;profile=https://www.w3.org/ns/activitystreams`:              202,
			`application/ld+json; profile="https://www.w3.org/ns/activitystreams https://x"`: 202,
			"application/ld+json": 415,
			"application/json":    415,
			"text/html":           415,
			"-":                   415,
		} {
			require.Equal(t, want, s.alice.Post(t, s.srv.SharedInbox(), s.alice.Like(s.post), fedtest.Forgery{ContentType: typ}), "%s %v", typ, s.logs.codes())
		}
		s.srv.Settle(t)
	})
}

// A key that was replaced without notice is found after one failed signature (I-13 through the road).
func TestI14_OwnerOfTheKeyIsTheActor(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newScene(t)
		fedtest.Deliver(t, s.srv, s.alice, s.alice.Like(s.post))
		s.alice.Rekey(t)
		fedtest.Deliver(t, s.srv, s.alice, s.alice.Announce(s.post))
		require.Equal(t, []string{"Like", "Announce"}, s.taken())
		s.refused(s.bob, s.bob.Like(s.post), fedtest.Forgery{By: s.eve}, 202, "forward.unconfirmed")
	})
}

// TestI19_ForwardedWithoutProofIsDropped: neither a proof nor the origin speaks for it.
func TestI19_ForwardedWithoutProofIsDropped(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newScene(t)
		s.refused(s.alice, s.alice.Create(s.alice.Note(s.post, "<p>x</p>")), fedtest.Forgery{By: s.eve}, 202, "forward.unconfirmed")
	})
}
