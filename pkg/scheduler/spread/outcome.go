package spread

import "fmt"

// Outcome is what spreading found, for those who ask why.
type Outcome struct {
	// Ignored says why the constraints had no say, in plain words; empty if they had.
	// Nothing else is set then.
	Ignored string
	// Constraints are those of the placement, in its order.
	Constraints []Constraint
	// Groups are the groups of the candidates, one list for each of Constraints, the
	// best group first; nil for the constraint that counts clusters.
	Groups [][]Group
	// Clusters is how many clusters were chosen, Least and Most how many could have
	// been: the bounds of the constraint that counts clusters and what the others imply.
	Clusters, Least, Most int
	// Method is how the choice was found.
	Method Method
}

// Method is how a choice was found.
type Method string

const (
	// ByRank took the best clusters, making room by roomier ones: nothing but clusters is counted.
	ByRank Method = "the best clusters"
	// Kept built on the clusters that hold the workload already.
	Kept Method = "the clusters in use, and the best beside them"
	// ByGroups took the combination of groups with the highest sum of scores.
	ByGroups Method = "the combination of groups with the highest score"
	// BySearch looked for clusters that satisfy several constraints at once.
	BySearch Method = "the first choice that satisfies all constraints"
)

// Group is clusters that have a property in common.
type Group struct {
	// Name is the value of the property: a region, a zone, a provider or a label's value.
	Name string
	// Score says how well the group suits; more is better. It is 1000 for each replica
	// of the group's part that it has room for, or for each cluster that has room for
	// all of them if they are duplicated, plus the mean score of its best clusters. Where
	// clusters' own scores are 1000 and more it is the next power of ten.
	Score int64
	// Clusters is how many candidates are in the group.
	Clusters int
	// Capacity is how many replicas they can hold in all, those they hold included.
	Capacity int64
	// Chosen is how many clusters of the group were chosen.
	Chosen int
}

// WhyNot says why a candidate in the given groups, one list for each of Constraints,
// was not chosen. It is for candidates that were not.
func (o *Outcome) WhyNot(groups [][]string) string {
	for i, names := range groups {
		for _, name := range names {
			if g := o.group(i, name); g != nil && g.Chosen == 0 {
				return fmt.Sprintf("%s %s was not chosen: %s", o.Constraints[i].By(), name, o.whyNotGroup(i, g))
			}
		}
	}
	if o.Most == o.Clusters {
		return fmt.Sprintf("%d clusters are chosen already, the most that there may be", o.Clusters)
	}
	return "other clusters of its groups rank higher"
}

func (o *Outcome) group(constraint int, name string) *Group {
	if constraint >= len(o.Groups) {
		return nil
	}
	for i := range o.Groups[constraint] {
		if g := &o.Groups[constraint][i]; g.Name == name {
			return g
		}
	}
	return nil
}

func (o *Outcome) whyNotGroup(constraint int, g *Group) string {
	chosen, lowest := 0, int64(-1)
	for _, other := range o.Groups[constraint] {
		if other.Chosen > 0 {
			chosen++
			if lowest < 0 || other.Score < lowest {
				lowest = other.Score
			}
		}
	}
	switch {
	case g.Score < lowest:
		return fmt.Sprintf("its score is %d, those of the %d chosen are at least %d", g.Score, chosen, lowest)
	case o.Method == Kept:
		return "the workload stays in the groups where it is"
	default:
		return fmt.Sprintf("%d others satisfy all constraints", chosen)
	}
}
