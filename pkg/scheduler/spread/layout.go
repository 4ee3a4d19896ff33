package spread

import (
	"encoding/binary"
	"slices"
)

// layout puts candidates in groups and cells, one after the other.
type layout struct {
	*space
	// numbers of the groups by name, members by number, for each dimension.
	numbers []map[string]int
	members [][][]int
	// groups of the candidate at hand in each dimension; key is the same for the same groups.
	groups [][]int
	key    []byte
	// cells by key.
	known map[string]int
}

// lay puts all candidates in groups and cells, and scores these. Candidates without a
// group in some dimension, and those without room for a whole set, cannot be chosen:
// their cell is -1.
func (s *space) lay() {
	n := len(s.dims)
	l := &layout{space: s, numbers: make([]map[string]int, n), members: make([][][]int, n), groups: make([][]int, n), known: make(map[string]int, min(len(s.candidates), 256))}
	for d := range l.numbers {
		l.numbers[d] = map[string]int{}
	}
	s.cellOf = make([]int, len(s.candidates))
	for i := range s.candidates {
		s.cellOf[i] = -1
		if l.group(i) && (s.Use != Whole || s.candidates[i].Capacity > 0) {
			l.place(i)
		}
	}
	for d := range s.dims {
		for g := range s.dims[d].groups {
			s.dims[d].groups[g].Score = s.groupScore(l.members[d][g], s.dims[d].Least)
		}
	}
	for n := range s.cells {
		for d, groups := range s.cells[n].groups {
			var score int64
			for _, g := range groups {
				score += s.dims[d].groups[g].Score
			}
			s.cells[n].score += score / int64(len(groups))
		}
	}
}

// group finds the groups of a candidate and tells whether it has one in each dimension.
func (l *layout) group(i int) bool {
	l.key = l.key[:0]
	grouped := true
	for d := range l.dims {
		groups := l.groups[d][:0]
		for _, name := range l.dims[d].GroupsOf(l.candidates[i].Cluster) {
			if g := l.number(d, name); !slices.Contains(groups, g) {
				groups = append(groups, g)
			}
		}
		slices.Sort(groups)
		for _, g := range groups {
			l.key = binary.AppendUvarint(l.key, uint64(g)+1)
		}
		l.key = append(l.key, 0)
		l.groups[d] = groups
		grouped = grouped && len(groups) > 0
	}
	return grouped
}

// number returns the number of a group, a new one if it has none.
func (l *layout) number(d int, name string) int {
	g, ok := l.numbers[d][name]
	if !ok {
		g = len(l.numbers[d])
		l.numbers[d][name] = g
		l.dims[d].groups = append(l.dims[d].groups, Group{Name: name})
		l.members[d] = append(l.members[d], nil)
	}
	return g
}

// place puts the candidate at hand in its groups and in its cell.
func (l *layout) place(i int) {
	c := &l.candidates[i]
	for d, groups := range l.groups {
		dim := &l.dims[d]
		dim.widest = max(dim.widest, len(groups))
		for _, g := range groups {
			l.members[d][g] = append(l.members[d][g], i)
			dim.groups[g].Clusters++
			dim.groups[g].Capacity += c.Capacity
		}
	}
	n, ok := l.known[string(l.key)]
	if !ok {
		n = len(l.cells)
		l.known[string(l.key)] = n
		l.cells = append(l.cells, cell{groups: cloneAll(l.groups)})
	}
	l.cellOf[i] = n
	cell := &l.cells[n]
	cell.members = append(cell.members, i)
	cell.capacity += c.Capacity
	cell.holds = cell.holds || c.Holds
	cell.counts = cell.counts || l.counts(i)
}

func cloneAll(lists [][]int) [][]int {
	n := 0
	for _, list := range lists {
		n += len(list)
	}
	clones, all := make([][]int, len(lists)), make([]int, 0, n)
	for i, list := range lists {
		from := len(all)
		all = append(all, list...)
		clones[i] = all[from:len(all):len(all)]
	}
	return clones
}
