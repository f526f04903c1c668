// Package delivery carries the ledger's deliveries to their inboxes: in order, host by host, signed at
// the moment of sending, with patience for those that are down and none for those that say no.
//
// # One run
//
// A job says "host H has work". [Delivery.Deliver] leases a bounded slice of H's due rows, in order,
// sends them and records the outcomes under their fencing tokens, so that of two workers that hold
// one row only the later one is believed (S-93). Then it queues H again for what is left. All about
// hosts is decided over the store's tables, none of it in the queue, so that it is the same on every
// engine; [github.com/gokith/kith/delivery/deliverytest] proves it.
//
// # Fairness
//
// A process has one run per host at a time. Within it, requests go side by side only after successes
// (at most Limits.PerHost), and never for one chain: Create comes before Update before Delete of the
// same thing. The order holds however many processes there are; the number of requests at once is each
// process's own, so that n of them may have n times as many at one host (L-20). A run that stalls leaves its worker and ends by itself: a thousand black holes hold no
// worker for longer than Limits.Patience each, and most of them a quarter of that, so that no host takes a tenth of them.
//
// # What answers mean
//
//	2xx                          done
//	3xx                          refused: deliveries follow no redirect (S-60)
//	400, 401, 403                once more at once in the other signature form (S-30, I-20), then:
//	401, 408, 425, 429, 5xx      back off; Retry-After holds up the host, up to 6 h
//	no answer                    back off
//	404, 410                     refused, and OnGone: the recipient is no more
//	other 4xx, 501               refused
//
// Back-off starts at a minute, doubles up to six hours with full jitter, and ends after five days and
// twelve attempts (L-25). Five failures in a row open the host's breaker: its deliveries wait without
// spending attempts while one probe per interval goes out. A sensible answer closes it, as does a
// valid request from the host, see [Delivery.NoteInbound]. It is all remembered in the store.
//
// # Design
//
// The dependencies are this module's own and the standard library. Signing happens in httpsig, the
// guard on addresses in the transport that package fetch hands over. Outcomes of all lanes share
// transactions, since a durable one costs as much as a signature.
package delivery
