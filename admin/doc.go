// Package admin is for the people who run a server: what became of each delivery, how other servers do,
// what waits, how big it all is, and the few things to do about it. It is one [Handler] with plain pages
// and the same as JSON.
//
// # Mount it behind a login
//
// THE HANDLER LETS EVERYBODY IN. Kith knows no users: whoever reaches the handler can read who follows
// and who blocks whom, send deliveries again, and block servers. The app puts its own login in front:
//
//	desk, err := admin.New(admin.Config{Store: store, Ready: srv.Ready})
//	…
//	mux.Handle("/admin/", requireLogin(http.StripPrefix("/admin", desk)))
//
// What a login by cookie needs besides is done here: forms that come from other sites are refused
// (http.CrossOriginProtection), pages may not be framed and run no scripts, nothing is cached. Everything
// that strangers wrote is printed as text. Every action is a POST and is logged.
//
// # Pages
//
// The root (overview), deliveries, dead (deliveries and received activities that failed for good), hosts
// and host?origin=…, inbox (received activities that wait), blocks (the server's, and
// those of its actors), relays, tables. They work without scripts, with a keyboard, on a phone, light and
// dark.
//
// # JSON
//
// Each page is JSON for a client that prefers application/json, and under api/ for everybody:
//
//	GET api/overview                                                     → Overview
//	GET api/deliveries ?host ?state ?sender ?since ?post ?id ?order      → Page of Delivery
//	GET api/post       ?id                                               → Post
//	GET api/hosts      ?show                                             → Page of Host
//	GET api/host       ?origin                                           → Host
//	GET api/inbox      ?state                                            → Page of Receipt
//	GET api/blocks     ?show ?by                                         → Page of Block
//	GET api/relays                                                       → Page of Relay
//	GET api/tables                                                       → Tables
//
//	POST api/retry     ?host ?state ?sender ?since ?post ?id             → Done
//	POST api/cancel    ?host ?sender ?since ?post ?id                    → Done
//	POST api/pause, api/resume  ?host, or all=1                          → Done
//	POST api/probe     ?host                                             → Done
//	POST api/block, api/unblock ?id (again for each)                     → Done
//	POST api/revive    ?id (again for each), or all=1                    → Done
//
// Parameters of a POST are form fields. Lists take limit (at most [MaxLimit]) and after, which is the next
// of the page before; a page without next is the last. state is pending, done, refused, expired or
// canceled, or gave-up for refused and expired; since is an instant such as 2026-01-02T15:04:05Z, a day,
// or how long ago, such as 2h. retry takes what waits, or what state says: there gave-up means these and
// what waits. show of blocks is server or actors; by is the key of one actor. A refusal is an [Error] with the status of the answer. Fields may be added; none is removed or
// changes its meaning.
//
// Design: html/template and embedded files, nothing but the standard library. The root package does not
// import it, so that apps without these pages do not link a template engine.
package admin
