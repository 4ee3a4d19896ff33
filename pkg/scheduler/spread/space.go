package spread

import (
	"cmp"
	"math"
	"strings"
)

// space is a Demand laid out over candidates.
type space struct {
	Demand
	candidates []Candidate
	// least and most bound the number of clusters; most is math.MaxInt for no bound.
	least, most int
	// dims are the constraints that count something else than clusters.
	dims []dimension
	// cells are the candidates that are in the same groups, those of the best candidate first.
	cells []cell
	// cellOf is the cell of each candidate.
	cellOf []int
	// unit is what a replica counts in the score of a group.
	unit int64
	// cutOff is set if search may have missed a choice.
	cutOff bool
	// needsRoom tells that clusters without room do not count for a group.
	needsRoom bool
}

// dimension is a property that clusters are grouped by.
type dimension struct {
	Constraint
	// at is the position among the constraints.
	at int
	// groups by number, in the order of their best candidates.
	groups []Group
	// widest is the largest number of groups that one cluster is in, at least 1.
	widest int
}

// cell is candidates that are in the same groups.
type cell struct {
	// groups are the numbers of the groups in each dimension.
	groups [][]int
	// members are candidates, best first.
	members []int
	// score is the sum over the dimensions of the mean score of its groups.
	score int64
	// holds is set if a member is in use, counts if one counts for the groups.
	holds, counts bool
	// capacity of all members.
	capacity int64
}

func newSpace(d Demand, candidates []Candidate) *space {
	s := &space{Demand: d, candidates: candidates, most: math.MaxInt}
	greatest := 0
	for i, c := range d.Constraints {
		if c.CountsClusters() {
			s.least = c.Least
			if c.Most > 0 {
				s.most = c.Most
			}
			continue
		}
		s.dims = append(s.dims, dimension{Constraint: c, at: i, widest: 1})
		greatest = max(greatest, c.Least)
	}
	if len(s.dims) == 0 {
		return s
	}
	s.needsRoom = d.Use == Whole || d.Use == Divided && d.Replicas >= int64(greatest)
	s.unit = unitOf(candidates)
	s.lay()
	for i := range s.dims {
		if s.dims[i].widest <= 1 {
			s.most = max(s.most, s.dims[i].Least)
		}
	}
	return s
}

// leastUnit is Karmada's unit.
const leastUnit = 1000

// unitOf returns what a replica that a group has room for counts, so that the clusters'
// own scores only decide between groups with the same room.
func unitOf(candidates []Candidate) int64 {
	unit := int64(leastUnit)
	for i := range candidates {
		for candidates[i].Score >= unit {
			unit *= 10
		}
	}
	return unit
}

// groupScore is Karmada's. A group has a part of the replicas to hold, as many as
// there are if they are spread evenly over the least number of groups.
func (s *space) groupScore(members []int, least int) int64 {
	if len(members) == 0 {
		return 0
	}
	var capacity, score, counted int64
	if s.Use != Divided {
		enough := s.Replicas
		if s.Use == Whole {
			enough = 1
		}
		for _, i := range members {
			if s.candidates[i].Capacity >= enough {
				counted++
				score += s.candidates[i].Score
			}
		}
		if counted == 0 {
			return 0
		}
		return counted*s.unit + score/counted
	}
	part := (s.Replicas + int64(least) - 1) / int64(least)
	clusters := int64(max(s.least, least))
	for _, i := range members {
		capacity += s.candidates[i].Capacity
		score += s.candidates[i].Score
		counted++
		if counted >= clusters && capacity >= part {
			break
		}
	}
	if capacity < part {
		return capacity*s.unit + score/int64(len(members))
	}
	return part*s.unit + score/counted
}

func betterGroup(a, b Group) int {
	return cmp.Or(cmp.Compare(b.Score, a.Score), strings.Compare(a.Name, b.Name))
}

// counts tells whether a candidate counts for the groups that it is in.
func (s *space) counts(i int) bool { return !s.needsRoom || s.candidates[i].Capacity > 0 }

func (s *space) capacityOf(chosen []int) int64 {
	var sum int64
	for _, i := range chosen {
		sum += s.candidates[i].Capacity
	}
	return sum
}

// holds tells whether a choice satisfies all constraints.
func (s *space) holds(chosen []int) bool {
	if len(chosen) < s.least || len(chosen) > s.most || s.Use == Divided && s.capacityOf(chosen) < s.Replicas {
		return false
	}
	for d := range s.dims {
		all, counting := map[int]bool{}, map[int]bool{}
		for _, i := range chosen {
			for _, g := range s.cells[s.cellOf[i]].groups[d] {
				all[g] = true
				counting[g] = counting[g] || s.counts(i)
			}
		}
		covered := 0
		for _, ok := range counting {
			if ok {
				covered++
			}
		}
		if most := s.dims[d].Most; covered < s.dims[d].Least || most > 0 && len(all) > most {
			return false
		}
	}
	return true
}
