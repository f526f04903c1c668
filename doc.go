// Package kith puts an app on the fediverse: people on Mastodon and all the other servers can find it,
// follow it, read it and answer it.
//
//	store, err := sqlite.Open("blog.db")
//	…
//	srv, err := kith.New(ctx, kith.Config{
//		Origin: "https://blog.example",
//		Store:  store,
//		Actors: []kith.Actor{{Key: "blog", Profile: &as.Person{Name: as.Plain("Ana's blog")}}},
//	})
//	…
//	kith.On(srv, func(ctx context.Context, e kith.Replied) error { … })
//	go srv.Run(ctx)
//	http.ListenAndServe(":8080", srv.Handler(pages))
//
//	srv.Publish(ctx, "blog", kith.Public(), &as.Article{…})
//
// # Three names
//
// The app names an actor by a key of its own, which never changes; every call takes it. The handle,
// by which people find the actor, may change. The profile URL is the app's. Ids are built from the key
// and from Config.Origin, which therefore cannot change once somebody follows. The database is the
// identity: it has the keys and the followers, so back it up.
//
// # The road of a message in
//
// [Server.Handler] verifies the signature over the bytes that came, stores a receipt and a job in one
// transaction, and answers 202: from here the message is ours. A worker of [Server.Run] decodes it,
// judges who may say this about that, fetches what it needs, and then does the rest in one
// transaction: what ActivityPub says should happen, the app's events ([On]), and the end of the
// receipt. What handlers write through the transaction in their context happens exactly once.
//
// # The road of a message out
//
// [Server.Publish] mints ids, fills in author, times and addressing, and stores object, activity and
// delivery order in one transaction: the app's own, if it hands one in ([Server.PublishTx]). Workers
// stream the recipients, collapse them to one request per server, sign at the moment of sending, and
// retry for days. Every delivery is a row that says how it went.
//
// # What is trusted
//
// Nothing that comes from the network, until its author is proven; and then only about what is his.
// HTML is typed as untrusted: package content sanitises it. Every outbound request goes through one
// client that refuses private addresses at the moment of connecting. Every limit has a default, a
// name and an option. Options that weaken this begin with Insecure.
//
// # Packages
//
// The packages below can be used alone: activitystreams (the vocabulary), httpsig and proof
// (signatures), webfinger and nodeinfo (discovery), fetch (the guarded client), storage and queue (the
// interfaces of back-ends, with suites that prove one), inbox, outbox, delivery and serve (the roads),
// social (what should happen), fedtest (a fediverse inside go test), admin (pages for the people who
// run it), observe (who wants to watch). Back-ends, content and OpenTelemetry are modules of their own:
// sqlite, postgres, content, otelkith.
//
// Design: this package wires the others together and has no rule of its own. Kith knows no sessions
// and no users: whoever can call Publish may publish as that actor.
package kith
