package relay

import (
	"time"

	"github.com/gokith/kith/storage"
)

// An engine that runs a job twice makes twins of all that follow from it: each run of "this host has
// work" stores the next one. Engines of ours merge jobs that wait; most brokers do not, and the twins
// would breed. So the pump merges, as far as it can see: jobs of one batch, and jobs for later with those
// for later that it handed over before.

// ahead is when jobs run that the engine has and that are not due yet.
type ahead map[string]time.Time

const (
	// maxAhead bounds what is remembered; when it is reached, all is forgotten, and some jobs come twice.
	maxAhead = 100_000
	// slack is how much the engine's clock may be ahead of ours.
	slack = time.Second
)

func identity(j storage.RelayedJob) string {
	return j.Kind + "\x00" + j.Key + "\x00" + string(j.Payload)
}

// merge parts jobs into those to hand over and those that another one stands for: one of equal kind, key
// and payload that runs no later, and has not run yet.
func (p *pump) merge(jobs []storage.RelayedJob, now time.Time) (fresh, spare []storage.RelayedJob) {
	first := make(map[string]int, len(jobs)) // place in fresh
	for _, j := range jobs {
		id := identity(j)
		if at, ok := p.ahead[id]; ok && j.Key != "" && at.After(now.Add(slack)) && !j.RunAt.Before(at) {
			spare = append(spare, j)
			continue
		}
		if i, ok := first[id]; ok && j.Key != "" {
			if j.RunAt.Before(fresh[i].RunAt) {
				fresh[i].RunAt = j.RunAt
			}
			spare = append(spare, j)
			continue
		}
		first[id] = len(fresh)
		fresh = append(fresh, j)
	}
	return fresh, spare
}

// remember notes jobs that the engine took.
func (p *pump) remember(jobs []storage.RelayedJob) {
	now := time.Now()
	if len(p.ahead) > maxAhead {
		clear(p.ahead)
	}
	for _, j := range jobs {
		id := identity(j)
		switch at, ok := p.ahead[id]; {
		case j.RunAt.After(now):
			if !ok || at.Before(now) || j.RunAt.Before(at) {
				p.ahead[id] = j.RunAt
			}
		case ok && !at.After(now):
			delete(p.ahead, id)
		}
	}
}
