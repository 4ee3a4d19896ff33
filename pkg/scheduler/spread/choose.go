package spread

import (
	"slices"

	"atoll.dev/atoll/pkg/scheduler/snapshot"
)

// Candidate is a cluster to choose from.
type Candidate struct {
	Cluster *snapshot.Cluster
	// Score says how well the cluster suits; not negative.
	Score int64
	// Capacity is how many replicas, or whole sets of components, it can hold in all.
	Capacity int64
	// Holds is set where the workload is placed already.
	Holds bool
}

// Use is what the chosen clusters get.
type Use int

const (
	// Divided: all of them together get the replicas.
	Divided Use = iota
	// Duplicated: each of them gets all replicas, whether it has room or not.
	Duplicated
	// Whole: each of them gets a whole set of components, for which it must have room.
	Whole
)

// Demand is what clusters are chosen for.
type Demand struct {
	// Constraints that must all hold, at most one for each property.
	Constraints []Constraint
	Use         Use
	// Replicas of the workload; not negative. It is not used for Whole.
	Replicas int64
	// Fresh says that the clusters in use are not to be preferred over others.
	Fresh bool
}

// Choose returns the positions of the candidates to take, which are given best first,
// or a Shortage. The Outcome is never nil.
//
// The bounds of a property hold for the groups of all chosen clusters. Where replicas
// are divided over groups, only clusters with room count for the least number of
// groups. Of each property as few groups are taken as will do, of clusters as many as
// the constraints allow. If the most clusters are fewer than the least groups of a
// property of which a cluster is in one group only, each of these groups gets one
// cluster all the same: Karmada's users write "1..1 clusters" for one in each region.
// The best cluster of each group that was chosen comes first, then the others by rank.
func Choose(d Demand, candidates []Candidate) ([]int, *Outcome, *Shortage) {
	s := newSpace(d, candidates)
	if len(s.dims) == 0 {
		chosen, short := s.byRank()
		return chosen, s.outcome(ByRank, chosen), short
	}
	if short := s.obviousShortage(); short != nil {
		return nil, s.outcome("", nil), short
	}
	for _, attempt := range []struct {
		method Method
		try    func() []int
	}{{Kept, s.keep}, {ByGroups, s.combine}, {BySearch, s.search}} {
		if chosen := attempt.try(); chosen != nil {
			return chosen, s.outcome(attempt.method, chosen), nil
		}
	}
	return nil, s.outcome("", nil), s.hiddenShortage()
}

// outcome tells of the groups and of what was chosen of each.
func (s *space) outcome(method Method, chosen []int) *Outcome {
	o := &Outcome{Constraints: s.Constraints, Groups: make([][]Group, len(s.Constraints)),
		Clusters: len(chosen), Least: s.least, Most: s.most, Method: method}
	for d := range s.dims {
		dim := &s.dims[d]
		groups := slices.Clone(dim.groups)
		for _, i := range chosen {
			for _, g := range s.cells[s.cellOf[i]].groups[d] {
				groups[g].Chosen++
			}
		}
		slices.SortStableFunc(groups, betterGroup)
		o.Groups[dim.at] = groups
	}
	return o
}

// byRank takes the best clusters.
func (s *space) byRank() ([]int, *Shortage) {
	usable := make([]int, 0, len(s.candidates))
	for i := range s.candidates {
		if s.Use != Whole || s.candidates[i].Capacity > 0 {
			usable = append(usable, i)
		}
	}
	count := min(len(usable), s.most)
	switch {
	case len(s.candidates) < s.least:
		return nil, s.fewClusters()
	case len(usable) < s.least:
		return nil, s.noRoom(max(s.least, 1), int64(len(usable)))
	case s.Use == Divided && !swapInRoom(s.candidates, usable, count, s.Replicas):
		return nil, s.noRoom(count, s.capacityOf(usable[:count]))
	}
	return usable[:count], nil
}

// swapInRoom makes the first count of usable hold the replicas: from the worst of
// them up, each is swapped for the cluster with the most capacity among those left
// out, as long as that is more and still needed. It returns false if that does not help.
func swapInRoom(candidates []Candidate, usable []int, count int, replicas int64) bool {
	chosen, rest := usable[:count], usable[count:]
	var capacity int64
	for _, i := range chosen {
		capacity += candidates[i].Capacity
	}
	for k := count - 1; k >= 0 && capacity < replicas; k-- {
		most := -1
		for j, i := range rest {
			if candidates[i].Capacity > candidates[chosen[k]].Capacity && (most < 0 || candidates[i].Capacity > candidates[rest[most]].Capacity) {
				most = j
			}
		}
		if most >= 0 {
			capacity += candidates[rest[most]].Capacity - candidates[chosen[k]].Capacity
			chosen[k], rest[most] = rest[most], chosen[k]
		}
	}
	return capacity >= replicas
}
