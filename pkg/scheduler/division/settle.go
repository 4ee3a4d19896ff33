package division

import (
	"slices"
	"strings"
)

// Settle gives replicas that a tie decided, after Divide, to shares that hold one
// rather than to shares that would have to start one. A tie is between the shares
// whose last replica came at the last turn of all and those whose next turn is the
// same: whoever of them gets a replica, the division is as even. So a workload that
// is divided again moves no replica for a tie, and still none between shares when it
// is scaled.
func Settle(shares []Share, held func(cluster string) int32) {
	last := -1.0
	for i := range shares {
		if turn, ok := shares[i].lastTurn(); ok && (last < 0 || turn < last) {
			last = turn
		}
	}
	var givers, takers []*Share
	for i := range shares {
		s := &shares[i]
		turn, ok := s.lastTurn()
		switch {
		case ok && turn == last && held(s.Cluster) < s.Replicas:
			givers = append(givers, s)
		case s.Weight > 0 && s.turn() == last && held(s.Cluster) > s.Replicas:
			takers = append(takers, s)
		}
	}
	for _, list := range [][]*Share{givers, takers} {
		slices.SortFunc(list, func(a, b *Share) int { return strings.Compare(a.Cluster, b.Cluster) })
	}
	for i := range min(len(givers), len(takers)) {
		givers[i].Replicas--
		takers[i].Replicas++
	}
}

// lastTurn is the turn at which the share got its last replica.
func (s *Share) lastTurn() (float64, bool) {
	if s.Replicas == 0 {
		return 0, false
	}
	return float64(s.Weight) / (2*float64(s.Replicas) - 1), true
}
