package spread

import (
	"cmp"
	"slices"
)

// maxWork is how many cells a search may look at beyond what it takes to get to a
// choice at once, some milliseconds' work. A search that is cut off may have missed a
// choice, and the shortage says so.
const maxWork = 200_000

// work is how many cells a search may look at.
func (s *space) work() int {
	groups := 0
	for d := range s.dims {
		groups += s.dims[d].Least
	}
	return maxWork + 2*len(s.cells)*min(groups, 500)
}

// keep looks for a choice with all clusters that are in use.
func (s *space) keep() []int {
	if s.Fresh {
		return nil
	}
	var forced []int
	for i := range s.candidates {
		if s.candidates[i].Holds {
			if s.cellOf[i] < 0 {
				return nil
			}
			forced = append(forced, i)
		}
	}
	if len(forced) == 0 || len(forced) > s.most {
		return nil
	}
	chosen, _ := s.newSearch(s.byPreference(), s.work()).run(forced)
	return chosen
}

// search looks for any choice: first along the preferred cells, then along those
// with the most capacity.
func (s *space) search() []int {
	chosen, all := s.newSearch(s.byPreference(), s.work()).run(nil)
	if chosen == nil && !all {
		chosen, all = s.newSearch(s.byCapacity(), s.work()).run(nil)
	}
	s.cutOff = !all
	return chosen
}

// byPreference orders cells: those in use, then those whose groups score best.
func (s *space) byPreference() []int {
	return s.order(func(a, b *cell) int {
		inUse := 0
		if !s.Fresh && a.holds != b.holds {
			inUse = -1
			if b.holds {
				inUse = 1
			}
		}
		return cmp.Or(inUse, cmp.Compare(b.score, a.score))
	})
}

func (s *space) byCapacity() []int {
	return s.order(func(a, b *cell) int { return cmp.Compare(b.capacity, a.capacity) })
}

// order returns the cells, those last in which no cluster counts.
func (s *space) order(compare func(a, b *cell) int) []int {
	order := make([]int, len(s.cells))
	for n := range order {
		order[n] = n
	}
	slices.SortStableFunc(order, func(m, n int) int {
		a, b := &s.cells[m], &s.cells[n]
		if a.counts != b.counts {
			if a.counts {
				return -1
			}
			return 1
		}
		return compare(a, b)
	})
	return order
}

// search opens cells one after the other, depth first, until every dimension has its
// least number of groups and what fill makes of it holds; more cells are opened if it
// does not. A cell that did not lead to a choice is closed for what follows, so that no
// set of cells is looked at twice.
type search struct {
	*space
	order []int
	// left is how many more cells may be looked at.
	left int
	// in is for each dimension how many of the open cells are in each group, counted
	// how many of these count for it; entered and covered are how many groups have any.
	in, counted      [][]int
	entered, covered []int
	open             []int
	forced           []int
	closed           []bool
	chosen           []int
}

func (s *space) newSearch(order []int, work int) *search {
	n := len(s.dims)
	q := &search{space: s, order: order, left: work, closed: make([]bool, len(s.cells)),
		in: make([][]int, n), counted: make([][]int, n), entered: make([]int, n), covered: make([]int, n)}
	for d := range s.dims {
		q.in[d] = make([]int, len(s.dims[d].groups))
		q.counted[d] = make([]int, len(s.dims[d].groups))
	}
	return q
}

// run returns a choice that contains the forced candidates, nil if it found none, and
// whether it looked at all there are.
func (q *search) run(forced []int) (chosen []int, all bool) {
	q.forced = forced
	for _, i := range forced {
		q.enter(q.cellOf[i], q.space.counts(i), 1)
	}
	for d := range q.dims {
		if most := q.dims[d].Most; most > 0 && q.entered[d] > most {
			return nil, true
		}
	}
	q.descend()
	return q.chosen, q.left > 0
}

// enter opens a cell, or leaves it if by is -1.
func (q *search) enter(n int, counts bool, by int) {
	for d, groups := range q.cells[n].groups {
		for _, g := range groups {
			q.entered[d] += change(&q.in[d][g], by)
			if counts {
				q.covered[d] += change(&q.counted[d][g], by)
			}
		}
	}
}

// change alters a number by 1 or -1 and returns the same if the number came from or
// fell to 0, else 0.
func change(n *int, by int) int {
	if *n += by; *n == 0 || *n == 1 && by == 1 {
		return by
	}
	return 0
}

// descend returns true when the search is over.
func (q *search) descend() bool {
	if q.left -= len(q.order) + 1; q.left <= 0 {
		return true
	}
	neediest, most := -1, 0
	more := q.most - len(q.open) - len(q.forced)
	for d := range q.dims {
		missing := q.dims[d].Least - q.covered[d]
		if missing > most {
			neediest, most = d, missing
		}
		if missing > 0 && (missing+q.dims[d].widest-1)/q.dims[d].widest > more {
			return false
		}
	}
	if neediest < 0 {
		q.left -= len(q.candidates) / 4
		if q.chosen = q.fill(q.open, q.forced); q.chosen != nil {
			return true
		}
	}
	if more <= 0 {
		return false
	}
	next := q.next(neediest)
	for _, n := range next {
		q.enter(n, q.cells[n].counts, 1)
		q.open = append(q.open, n)
		if q.descend() {
			return true
		}
		q.open = q.open[:len(q.open)-1]
		q.enter(n, q.cells[n].counts, -1)
		q.closed[n] = true
	}
	for _, n := range next {
		q.closed[n] = false
	}
	return false
}

// next returns the cells that bring a new group to a dimension, or to any if it is
// negative, and too many to none: first those that bring missing groups to the most dimensions.
func (q *search) next(dimension int) []int {
	buckets := make([][]int, len(q.dims)+1)
	for _, n := range q.order {
		if q.closed[n] {
			continue
		}
		helps, news, wanted, fits := 0, 0, dimension < 0, true
		for d, groups := range q.cells[n].groups {
			added, counting := 0, 0
			for _, g := range groups {
				if q.in[d][g] == 0 {
					added++
				}
				if q.counted[d][g] == 0 && q.cells[n].counts {
					counting++
				}
			}
			if most := q.dims[d].Most; most > 0 && q.entered[d]+added > most {
				fits = false
				break
			}
			if news += added + counting; counting > 0 {
				if q.covered[d] < q.dims[d].Least {
					helps++
				}
				wanted = wanted || d == dimension
			}
		}
		if fits && wanted && news > 0 {
			buckets[helps] = append(buckets[helps], n)
		}
	}
	var next []int
	for helps := len(buckets) - 1; helps >= 0; helps-- {
		next = append(next, buckets[helps]...)
	}
	return next
}
