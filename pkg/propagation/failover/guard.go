package failover

import (
	"math"
	"slices"
	"time"
)

// The guard against mass loss. When many clusters are lost at about the same time it is our own
// contact that is suspected, not theirs, and nothing is evicted.
const (
	// DefaultMassLossWindow is how far apart losses may be to count as one.
	DefaultMassLossWindow = 5 * time.Minute
	// DefaultMassLossShare is the share of all clusters that must be lost within the window, and
	// massLossLeast the least number of clusters: the loss of one is never a mass.
	DefaultMassLossShare = 0.55
	massLossLeast        = 2
	// DefaultCalm is how long evictions wait after so many clusters are back that the loss is no mass
	// any more: the rest get time to follow, and their taints to be taken off.
	DefaultCalm = time.Minute
	// DefaultConfirmation is how long a cluster must have been lost before workloads leave it: as
	// long as probing takes to notice that its neighbours are lost too.
	DefaultConfirmation = 10 * time.Second
)

// massLoss tells whether so many clusters are lost now whose losses lie within one window.
func massLoss(places []*place, window time.Duration, share float64) bool {
	var losses []time.Time
	for _, p := range places {
		if p.lost {
			losses = append(losses, p.since)
		}
	}
	slices.SortFunc(losses, time.Time.Compare)
	enough := max(massLossLeast, int(math.Ceil(share*float64(len(places)))))
	for first, last := 0, 0; last < len(losses); last++ {
		for losses[last].Sub(losses[first]) > window {
			first++
		}
		if last-first+1 >= enough {
			return true
		}
	}
	return false
}
