// Package deliverytest proves, over any store and queue, what packages outbox and delivery promise:
// order, fairness, retries, giving up, breakers, fencing, cancelling and signatures. The rules live
// above the store, so that one suite stands for all engines:
//
//	func TestDelivery(t *testing.T) {
//		deliverytest.Run(t, deliverytest.Options{Open: func(t *testing.T) (storage.Store, queue.Queue) {
//			s := memory.New()
//			return s, s.Queue()
//		}})
//	}
//
// Engines that take the time from Go run in virtual time, where a week of retries takes milliseconds.
// Those with a clock of their own, such as PostgreSQL, set RealTime: all durations shrink, and tests
// that need days are left out.
//
// # Design
//
// Peers are scripts behind an http.RoundTripper, without sockets, that keep every request. Tests use
// testify, as all of this module's do.
package deliverytest
