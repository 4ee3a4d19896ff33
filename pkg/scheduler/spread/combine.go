package spread

import (
	"cmp"
	"slices"
	"strings"
)

// maxStates is how many states combine may look at, some milliseconds' work. A hundred
// regions of which forty are taken stay within it. Beyond, the best groups are taken.
const maxStates = 50_000

// combine solves one property of which each cluster is in one group, exactly as
// Karmada does for regions: it takes the combination of groups with the highest sum
// of scores, then the one with most clusters. Combinations are built from groups with
// few clusters to those with many, and are complete as soon as they have the least
// number of groups and of clusters. Karmada lists all of them; here the best way to
// complete a beginning depends only on its number of groups and clusters, so each
// such state is looked at once. Of the best combination the first groups alone are
// taken, best first, if they are a complete combination too.
//
// Karmada does not look at room here; fill does.
func (s *space) combine() []int {
	if len(s.dims) != 1 || s.dims[0].widest > 1 {
		return nil
	}
	dim := &s.dims[0]
	c := combination{least: dim.Least, most: dim.Most, target: s.least, best: map[state]sum{}}
	if c.most == 0 {
		c.most = len(dim.groups)
	}
	for g := range dim.groups {
		if dim.groups[g].Clusters > 0 {
			c.groups = append(c.groups, numbered{dim.groups[g], g})
		}
	}
	slices.SortFunc(c.groups, func(a, b numbered) int {
		return cmp.Or(cmp.Compare(a.Clusters, b.Clusters), cmp.Compare(b.Score, a.Score), strings.Compare(a.Name, b.Name))
	})
	path := c.path()
	if c.tooMany {
		path = c.greedy()
	}
	if path == nil {
		return nil
	}
	cellOf := make([]int, len(dim.groups))
	for n := range s.cells {
		cellOf[s.cells[n].groups[0][0]] = n
	}
	var open []int
	for _, g := range c.shortest(path) {
		open = append(open, cellOf[g])
	}
	return s.fill(open, nil)
}

type numbered struct {
	Group
	number int
}

type combination struct {
	groups              []numbered
	least, most, target int
	best                map[state]sum
	// tooMany is set once there were more states than maxStates.
	tooMany bool
}

// state is a combination that is being built: the position of the next group to take
// or leave, and how many groups and clusters there are so far. More clusters than the
// target are counted as the target.
type state struct{ next, taken, clusters int }

// sum is the best way to complete a state: what the groups add up to, and whether to
// take the next group.
type sum struct {
	score    int64
	clusters int
	take     bool
	ok       bool
}

func (c *combination) complete(at state) bool {
	return at.taken >= c.least && at.clusters >= c.target && at.taken > 0
}

func (c *combination) take(at state) state {
	return state{at.next + 1, at.taken + 1, min(at.clusters+c.groups[at.next].Clusters, c.target)}
}

// path returns the groups of the best combination, nil if there is none.
func (c *combination) path() []numbered {
	var path []numbered
	for at := (state{}); !c.complete(at); {
		taken, ok := c.step(&at)
		if !ok {
			return nil
		}
		if taken >= 0 {
			path = append(path, c.groups[taken])
		}
	}
	return path
}

// greedy takes the least number of groups by score, then the largest others, and at
// last those instead of the ones that score worst, until there are enough clusters.
func (c *combination) greedy() []numbered {
	groups := slices.Clone(c.groups)
	slices.SortFunc(groups, func(a, b numbered) int { return betterGroup(a.Group, b.Group) })
	if len(groups) < c.least {
		return nil
	}
	path, rest := groups[:c.least:c.least], groups[c.least:]
	slices.SortStableFunc(rest, func(a, b numbered) int { return cmp.Compare(b.Clusters, a.Clusters) })
	clusters := 0
	for i := range path {
		clusters += path[i].Clusters
	}
	for ; clusters < c.target && len(path) < c.most && len(rest) > 0; rest = rest[1:] {
		path = append(path, rest[0])
		clusters += rest[0].Clusters
	}
	for worst := c.least - 1; clusters < c.target && worst >= 0 && len(rest) > 0; worst-- {
		if gain := rest[0].Clusters - path[worst].Clusters; gain > 0 {
			clusters += gain
			path[worst], rest = rest[0], rest[1:]
		}
	}
	if clusters < c.target {
		return nil
	}
	return path
}

// step follows the best way by one group; taken is -1 if it is left out.
func (c *combination) step(at *state) (taken int, ok bool) {
	way := c.solve(*at)
	if !way.ok || c.tooMany {
		return -1, false
	}
	if way.take {
		taken = at.next
		*at = c.take(*at)
		return taken, true
	}
	at.next++
	return -1, true
}

func (c *combination) solve(at state) sum {
	if c.complete(at) {
		return sum{ok: true}
	}
	if c.tooMany = c.tooMany || len(c.best) >= maxStates; c.tooMany || at.next == len(c.groups) || at.taken == c.most {
		return sum{}
	}
	if known, ok := c.best[at]; ok {
		return known
	}
	group := &c.groups[at.next]
	best := c.solve(c.take(at))
	best.score += group.Score
	best.clusters += group.Clusters
	best.take = true
	if leave := c.solve(state{at.next + 1, at.taken, at.clusters}); leave.ok &&
		(!best.ok || cmp.Or(cmp.Compare(leave.score, best.score), cmp.Compare(leave.clusters, best.clusters)) > 0) {
		best = leave
		best.take = false
	}
	c.best[at] = best
	return best
}

// shortest returns the numbers of the groups of a complete combination, or of the
// fewest first of them, best first, that are a complete combination as well.
func (c *combination) shortest(path []numbered) []int {
	slices.SortFunc(path, func(a, b numbered) int { return betterGroup(a.Group, b.Group) })
	for n := 1; n < len(path); n++ {
		if c.isCombination(path[:n]) {
			path = path[:n]
		}
	}
	numbers := make([]int, len(path))
	for i := range path {
		numbers[i] = path[i].number
	}
	return numbers
}

// isCombination tells whether groups are complete, and not before the last of them
// in the order in which combinations are built.
func (c *combination) isCombination(groups []numbered) bool {
	if len(groups) < c.least || len(groups) > c.most {
		return false
	}
	clusters, last := 0, 0
	for _, g := range groups {
		clusters += g.Clusters
		last = max(last, g.Clusters)
	}
	return clusters >= c.target && (len(groups) == c.least || clusters-last < c.target)
}
