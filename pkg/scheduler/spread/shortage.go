package spread

import (
	"fmt"
	"slices"
	"strings"

	policyv1alpha1 "github.com/karmada-io/karmada/pkg/apis/policy/v1alpha1"

	"atoll.dev/atoll/pkg/scheduler/snapshot"
)

// Shortage says why no choice satisfies the constraints.
type Shortage struct {
	// Constraint that is short of groups; -1 if it is room that there is too little of,
	// or if it is not one constraint alone.
	Constraint int
	// Message in plain words: the constraint, how many groups it needs and how many
	// there are. It begins with Karmada's words where Karmada has any.
	Message string
	// Wakes are the changes of the candidates that can end the shortage.
	Wakes snapshot.Change
}

// obviousShortage returns what a look at each constraint alone shows, nil if nothing is short.
func (s *space) obviousShortage() *Shortage {
	if len(s.candidates) < s.least {
		return s.fewClusters()
	}
	for d := range s.dims {
		dim := &s.dims[d]
		var there, roomy []string
		for _, g := range dim.groups {
			there = append(there, g.Name)
			if g.Capacity > 0 {
				roomy = append(roomy, g.Name)
			}
		}
		if len(there) < dim.Least {
			return &Shortage{dim.at, fmt.Sprintf("the number of feasible %s is less than spreadConstraint.MinGroups: %s, there %s",
				dim.By(), dim.needs(), thereAre(there)), dim.Interest()}
		}
		if s.needsRoom && len(roomy) < dim.Least {
			return &Shortage{dim.at, fmt.Sprintf("no enough resource when selecting groups of clusters: %s, with room there %s",
				dim.needs(), thereAre(roomy)), dim.Interest() | snapshot.MoreRoom}
		}
	}
	capacities := make([]int64, 0, len(s.candidates))
	for i := range s.candidates {
		if s.Use != Whole || s.candidates[i].Capacity > 0 {
			capacities = append(capacities, s.candidates[i].Capacity)
		}
	}
	if len(capacities) < s.least {
		return s.noRoom(s.least, int64(len(capacities)))
	}
	if s.Use != Divided {
		return nil
	}
	slices.SortFunc(capacities, func(a, b int64) int { return int(min(max(b-a, -1), 1)) })
	capacities = capacities[:min(len(capacities), s.most)]
	var room int64
	for _, c := range capacities {
		room += c
	}
	if room < s.Replicas {
		return s.noRoom(len(capacities), room)
	}
	return nil
}

// hiddenShortage finds out what keeps constraints that can each be satisfied from
// holding together: room, if they could without; or the first of them without which they could.
func (s *space) hiddenShortage() *Shortage {
	short := s.conflict()
	if s.cutOff {
		short.Message += " (the search was cut off: there may be one among so many groups)"
	}
	return short
}

func (s *space) conflict() *Shortage {
	possible := func(d Demand) bool {
		without := newSpace(d, s.candidates)
		if len(without.dims) == 0 {
			_, short := without.byRank()
			return short == nil
		}
		chosen, _ := without.newSearch(without.byCapacity(), without.work()/5).run(nil)
		return chosen != nil
	}
	interest := snapshot.None
	for _, c := range s.Constraints {
		interest |= c.Interest()
	}
	if s.Use == Divided {
		d := s.Demand
		d.Replicas = 0
		if possible(d) {
			count := min(s.most, len(s.candidates))
			return &Shortage{-1, fmt.Sprintf("no enough resource when selecting %d clusters: no choice of clusters that satisfies %s has room for %d replicas",
				count, s.all(), s.Replicas), interest | snapshot.MoreRoom}
		}
	}
	wakes := interest
	if s.needsRoom {
		wakes |= snapshot.MoreRoom
	}
	for i, c := range s.Constraints {
		d := s.Demand
		d.Constraints = slices.Delete(slices.Clone(s.Constraints), i, i+1)
		if possible(d) {
			return &Shortage{i, fmt.Sprintf("no choice of clusters satisfies all spread constraints: without %s %s there is one for %s",
				c.Bounds(), c.plural(), d.all()), wakes}
		}
	}
	return &Shortage{-1, fmt.Sprintf("no choice of clusters satisfies all spread constraints: %s", s.all()), wakes}
}

func (s *space) fewClusters() *Shortage {
	at := slices.IndexFunc(s.Constraints, Constraint.CountsClusters)
	return &Shortage{at, fmt.Sprintf("the number of feasible clusters is less than spreadConstraint.MinGroups (%d of %d)", len(s.candidates), s.least), snapshot.None}
}

// noRoom tells how many replicas, or sets of components, clusters have room for.
func (s *space) noRoom(clusters int, room int64) *Shortage {
	wakes := snapshot.MoreRoom
	for _, c := range s.Constraints {
		wakes |= c.Interest()
	}
	message := fmt.Sprintf("no enough resource when selecting %d clusters: ", clusters)
	if s.Use == Whole {
		return &Shortage{-1, message + fmt.Sprintf("%d of them can hold all components of the workload", room), wakes}
	}
	return &Shortage{-1, message + fmt.Sprintf("together they can hold %d of %d replicas", room, s.Replicas), wakes}
}

// needs says "2 regions are needed".
func (c Constraint) needs() string {
	if c.Least == 1 {
		return "1 " + c.singular() + " is needed"
	}
	return fmt.Sprintf("%d %s are needed", c.Least, c.plural())
}

func (c Constraint) singular() string {
	if c.Label != "" {
		return "value of label " + c.Label
	}
	return string(c.Field)
}

func (c Constraint) plural() string {
	switch {
	case c.Label != "":
		return "values of label " + c.Label
	case c.Field == policyv1alpha1.SpreadByFieldCluster:
		return "clusters"
	default:
		return string(c.Field) + "s"
	}
}

// all writes the constraints as "2..2 regions, 3..6 clusters".
func (d *Demand) all() string {
	parts := make([]string, len(d.Constraints))
	for i, c := range d.Constraints {
		parts[i] = c.Bounds() + " " + c.plural()
	}
	return strings.Join(parts, ", ")
}

// maxNames is how many groups a message names.
const maxNames = 5

// thereAre says "are 3 (a, b, c)" or "is 1 (a)".
func thereAre(names []string) string {
	verb := "are"
	switch len(names) {
	case 0:
		return "is none"
	case 1:
		verb = "is"
	}
	slices.Sort(names)
	shown := names[:min(len(names), maxNames)]
	more := ""
	if len(names) > len(shown) {
		more = fmt.Sprintf(" and %d more", len(names)-len(shown))
	}
	return fmt.Sprintf("%s %d (%s%s)", verb, len(names), strings.Join(shown, ", "), more)
}
