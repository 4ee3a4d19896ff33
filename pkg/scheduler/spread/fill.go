package spread

import (
	"cmp"
	"slices"
)

// fill completes a choice within the groups of the open cells and of the forced
// candidates: it takes the forced ones, one cluster of each open cell, and the best
// others that are in no further group, as many as there may be. It returns nil if
// that cannot be made to satisfy all constraints. Room is made in three steps, each
// only if the one before does not do: none; the roomiest clusters for the worst of
// those that no group needs; the roomiest all over.
func (s *space) fill(open, forced []int) []int {
	allowed := s.within(open, forced)
	roomiest := func(a, b int) int {
		return cmp.Or(cmp.Compare(s.candidates[b].Capacity, s.candidates[a].Capacity), cmp.Compare(a, b))
	}
	base := func(pick func(n int) int) []int {
		base := slices.Clone(forced)
		for _, n := range open {
			if i := pick(n); !slices.Contains(forced, i) {
				base = append(base, i)
			}
		}
		return base
	}

	chosen := s.complete(base(func(n int) int { return s.cells[n].members[0] }), allowed)
	if s.holds(chosen) {
		return chosen
	}
	needed := base(s.firstThatCounts)
	chosen = s.complete(needed, allowed)
	if s.Use == Divided {
		s.roomier(chosen, len(needed), allowed)
	}
	if s.holds(chosen) {
		return chosen
	}
	slices.SortFunc(allowed, roomiest)
	chosen = s.complete(base(func(n int) int { return slices.MinFunc(s.cells[n].members, roomiest) }), allowed)
	if s.holds(chosen) {
		return chosen
	}
	return nil
}

// within returns the candidates that are in no other groups than the open cells and
// the forced candidates, in their order.
func (s *space) within(open, forced []int) []int {
	marked := make([][]bool, len(s.dims))
	for d := range s.dims {
		marked[d] = make([]bool, len(s.dims[d].groups))
	}
	mark := func(n int) {
		for d, groups := range s.cells[n].groups {
			for _, g := range groups {
				marked[d][g] = true
			}
		}
	}
	for _, n := range open {
		mark(n)
	}
	for _, i := range forced {
		mark(s.cellOf[i])
	}
	fits := make([]bool, len(s.cells))
	count := 0
	for n := range s.cells {
		fits[n] = true
		for d, groups := range s.cells[n].groups {
			for _, g := range groups {
				fits[n] = fits[n] && marked[d][g]
			}
		}
		if fits[n] {
			count += len(s.cells[n].members)
		}
	}
	allowed := make([]int, 0, count)
	for i, n := range s.cellOf {
		if n >= 0 && fits[n] && (s.Use != Whole || s.candidates[i].Capacity > 0) {
			allowed = append(allowed, i)
		}
	}
	return allowed
}

func (s *space) firstThatCounts(n int) int {
	for _, i := range s.cells[n].members {
		if s.counts(i) {
			return i
		}
	}
	return s.cells[n].members[0]
}

// complete adds the first of the allowed candidates to the base, as many as there may be.
func (s *space) complete(base, allowed []int) []int {
	count := max(min(s.most, len(allowed)), len(base))
	chosen := make([]int, len(base), count)
	copy(chosen, base)
	taken := make(map[int]bool, len(base))
	for _, i := range base {
		taken[i] = true
	}
	for _, i := range allowed {
		if len(chosen) == count {
			break
		}
		if !taken[i] {
			chosen = append(chosen, i)
		}
	}
	return chosen
}

// roomier swaps chosen candidates behind the base, the worst first, for the roomiest
// of the others until there is room for the replicas.
func (s *space) roomier(chosen []int, base int, allowed []int) {
	capacity := s.capacityOf(chosen)
	if capacity >= s.Replicas {
		return
	}
	taken := make(map[int]bool, len(chosen))
	for _, i := range chosen {
		taken[i] = true
	}
	rest := make([]int, 0, len(allowed))
	for _, i := range allowed {
		if !taken[i] {
			rest = append(rest, i)
		}
	}
	slices.SortStableFunc(rest, func(a, b int) int { return cmp.Compare(s.candidates[b].Capacity, s.candidates[a].Capacity) })
	for k, r := len(chosen)-1, 0; k >= base && r < len(rest) && capacity < s.Replicas; k-- {
		if gain := s.candidates[rest[r]].Capacity - s.candidates[chosen[k]].Capacity; gain > 0 {
			chosen[k] = rest[r]
			capacity += gain
			r++
		}
	}
}
