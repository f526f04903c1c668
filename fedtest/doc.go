// Package fedtest is a fediverse inside go test: an in-memory network, peers with the manners of real
// servers and without, and a Kith server that lives among them. Nothing leaves the process, so that
// tests may run in the virtual time of testing/synctest: days of retries pass in milliseconds.
//
//	n := fedtest.NewNetwork(t)
//	srv := fedtest.NewServer(t, n, kith.Config{Actors: []kith.Actor{{Key: "blog"}}})
//	alice := n.Peer("social.example").Actor("alice")
//	fedtest.Deliver(t, srv, alice, alice.Follow(srv.ActorID("blog")))
//	// alice.Received() now has the Accept
//
// A [Peer] is honest unless a test scripts it otherwise: [Actor.Post] takes a [Forgery] that breaks one
// thing about a request, [Peer.Handle] answers any path as the test likes, and [Network.Fault] drops,
// delays or duplicates what goes to a host.
//
// Design: peers speak through package httpsig and activitystreams like anybody, but share nothing with
// the server under test. RSA keys are made once per process, since making one takes a tenth of a
// second.
package fedtest
