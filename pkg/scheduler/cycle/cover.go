package cycle

import (
	workv1alpha2 "github.com/karmada-io/karmada/pkg/apis/work/v1alpha2"

	"atoll.dev/atoll/pkg/scheduler/spread"
)

// coverGroups sees to it that as many groups of each spread constraint as it asks for
// have a replica, as far as there are replicas: dividing by room may leave a group
// without any. It moves one replica at a time from a cluster that can spare it, and
// prefers those that would not have to start or stop one. Constraints that count
// clusters bound the selected clusters only, as Karmada has it.
func coverGroups(targets []workv1alpha2.TargetCluster, result *Result, a *Assignment) []workv1alpha2.TargetCluster {
	c := newCover(targets, result)
	for d := range c.dims {
		for c.covered(d) < c.dims[d].Least {
			to := c.recipient(d)
			from := c.donor(to)
			if to < 0 || from < 0 {
				break
			}
			a.Spread = append(a.Spread, Shift{From: c.selected[from].Name, To: c.selected[to].Name, Group: c.groupFor(d, to)})
			c.add(from, -1)
			c.add(to, 1)
		}
	}
	if len(a.Spread) == 0 {
		return targets
	}
	targets = targets[:0]
	for i := range c.selected {
		if c.replicas[i] > 0 {
			targets = append(targets, workv1alpha2.TargetCluster{Name: c.selected[i].Name, Replicas: c.replicas[i]})
		}
	}
	return targets
}

// cover counts the replicas in each group.
type cover struct {
	selected []Candidate
	// replicas of each selected cluster.
	replicas []int32
	dims     []spread.Constraint
	// groups of each selected cluster, and clusters with replicas in each group, by dimension.
	groups  [][][]string
	holding []map[string]int
}

func newCover(targets []workv1alpha2.TargetCluster, result *Result) *cover {
	c := &cover{selected: result.Selected}
	for _, constraint := range result.Spread.Constraints {
		if !constraint.CountsClusters() {
			c.dims = append(c.dims, constraint)
			c.holding = append(c.holding, map[string]int{})
			c.groups = append(c.groups, make([][]string, len(c.selected)))
		}
	}
	if len(c.dims) == 0 {
		return c
	}
	given := make(map[string]int32, len(targets))
	for _, target := range targets {
		given[target.Name] = target.Replicas
	}
	c.replicas = make([]int32, len(c.selected))
	for i := range c.selected {
		for d := range c.dims {
			c.groups[d][i] = c.dims[d].GroupsOf(c.selected[i].Cluster)
		}
		c.add(i, given[c.selected[i].Name])
	}
	return c
}

func (c *cover) add(i int, replicas int32) {
	before := c.replicas[i]
	c.replicas[i] += replicas
	change := 0
	switch {
	case before == 0 && c.replicas[i] > 0:
		change = 1
	case before > 0 && c.replicas[i] == 0:
		change = -1
	default:
		return
	}
	for d := range c.dims {
		for _, g := range c.groups[d][i] {
			if c.holding[d][g] += change; c.holding[d][g] == 0 {
				delete(c.holding[d], g)
			}
		}
	}
}

func (c *cover) covered(d int) int { return len(c.holding[d]) }

// groupFor names the group of a dimension that a cluster would bring a first replica to.
func (c *cover) groupFor(d, i int) string {
	for _, g := range c.groups[d][i] {
		if c.holding[d][g] == 0 {
			return c.dims[d].By() + " " + g
		}
	}
	return ""
}

// recipient is the cluster that brings a first replica to another group: one that held
// some before, else the best with room. It is -1 if there is none.
func (c *cover) recipient(d int) int {
	best := -1
	for i := range c.selected {
		if c.selected[i].Capacity() < 1 || c.groupFor(d, i) == "" {
			continue
		}
		if c.selected[i].Held > 0 {
			return i
		}
		if best < 0 {
			best = i
		}
	}
	return best
}

// donor is the cluster that can spare a replica without leaving too few groups: one
// that was to get more than it had, else the one with the most. It is -1 if there is none.
func (c *cover) donor(to int) int {
	best := -1
	better := func(i int) bool {
		if best < 0 {
			return true
		}
		x, y := c.replicas[i] > c.selected[i].Held, c.replicas[best] > c.selected[best].Held
		return x && !y || x == y && c.replicas[i] > c.replicas[best]
	}
	for i := range c.selected {
		if i != to && c.replicas[i] > 0 && (c.replicas[i] > 1 || c.spares(i)) && better(i) {
			best = i
		}
	}
	return best
}

// spares tells whether every dimension has as many groups without a cluster's
// replicas as it has to have, or as it has with them.
func (c *cover) spares(i int) bool {
	for d := range c.dims {
		lost := 0
		for _, g := range c.groups[d][i] {
			if c.holding[d][g] == 1 {
				lost++
			}
		}
		if lost > 0 && c.covered(d)-lost < c.dims[d].Least {
			return false
		}
	}
	return true
}
