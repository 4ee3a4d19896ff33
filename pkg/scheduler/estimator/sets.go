package estimator

import "atoll.dev/atoll/pkg/membership/capacity"

// MaxSets is the most sets of components that nodes are said to hold: beyond, the
// answer makes no difference to anybody and costs time.
const MaxSets = 1000

// room returns how many times the nodes hold what is asked for.
func (s *stock) room(a *ask) int64 {
	if r := a.single(); r != nil {
		return s.fitOf(r).total
	}
	if sets, ok := s.sets[a.key]; ok {
		return sets
	}
	sets := s.simulate(a)
	if len(s.sets) >= maxFits {
		clear(s.sets)
	}
	s.sets[a.key] = sets
	return sets
}

// simulate places one whole set after the other, each pod on the first node that has
// room, until one does not fit.
func (s *stock) simulate(a *ask) int64 {
	most := int64(MaxSets)
	for _, p := range a.pods {
		most = min(most, s.fitOf(p.Requirement).total/p.Count)
	}
	if len(a.pods) <= 1 {
		return most
	}
	sim := simulation{stock: s, free: map[int32]capacity.Amounts{}}
	for _, p := range a.pods {
		f := s.fitOf(p.Requirement)
		sim.fits, sim.next = append(sim.fits, f), append(sim.next, f.next)
	}
	for sets := range most {
		for i, p := range a.pods {
			if !sim.place(i, p.Count) {
				return sets
			}
		}
	}
	return most
}

// simulation is a stock from which something is taken for trial.
type simulation struct {
	*stock
	// free overrides what nodes have left.
	free map[int32]capacity.Amounts
	fits []*fit
	// next is, for each of fits, the first node that may have room: what is taken never comes back.
	next []int32
}

func (s *simulation) place(i int, count int64) bool {
	f := s.fits[i]
	for node := s.next[i]; node < int32(len(s.view.Nodes)) && count > 0; node++ {
		if !s.allows(f, node) {
			continue
		}
		left, ok := s.free[node]
		if !ok {
			left = *s.stock.free(node)
		}
		n := min(f.fit(&left), count)
		if n == 0 {
			continue
		}
		s.free[node] = less(&left, f.Requirement, n)
		count -= n
		s.next[i] = node
	}
	return count == 0
}
