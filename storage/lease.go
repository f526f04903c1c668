package storage

import (
	"context"
	"time"
)

// HostLease is a wish for the deliveries of one host, and what came of it.
type HostLease struct {
	// Host and Limit are what [Lanes].LeaseDeliveries takes, Taken is what it returns.
	Host  string
	Limit int
	Taken []Delivery
	// Rest says that the host may have pending deliveries beyond Taken, due or not. Without it there was
	// none.
	Rest bool
	// Err is why nothing was taken for this host alone: ErrConflict while another process leases from it.
	Err error
}

// HostLeaser is a power that a store may have: to lease for several hosts in one go, which costs a
// transaction as one host does.
type HostLeaser interface {
	// LeaseHosts is LeaseDeliveries for each of the hosts, which differ. One that is busy holds up
	// nobody: it gets an Err. With an error nothing was leased for any.
	LeaseHosts(ctx context.Context, hosts []HostLease, now time.Time, lease time.Duration) error
}

// HostLeaserOf returns the power of s to lease for several hosts at once, if it has it.
func HostLeaserOf(s Store) (HostLeaser, bool) { return power[HostLeaser](s) }
