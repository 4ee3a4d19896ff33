package cycle

import (
	"cmp"
	"fmt"
	"slices"

	workv1alpha2 "github.com/karmada-io/karmada/pkg/apis/work/v1alpha2"

	"atoll.dev/atoll/pkg/scheduler/division"
	"atoll.dev/atoll/pkg/scheduler/framework"
)

// byRoom divides by the room that clusters have. Replicas that are placed stay where
// they are: more of them are divided by the room left, fewer by what is placed, and
// only a Fresh request starts from nothing. What was placed in clusters that are
// candidates no longer counts as not placed. More replicas go to the first tier of
// clusters that has room, fewer are taken from the last tier that holds any.
func byRoom(r *framework.Request, selected []Candidate, s strategy, a *Assignment) ([]workv1alpha2.TargetCluster, error) {
	replicas := int64(r.Spec.Replicas)
	a.Mode = modeOf(r, a.Placed)
	d := &divider{r: r, strategy: s, assignment: a}
	var left int64
	switch a.Mode {
	case Unchanged:
		return addHeld(nil, selected), nil
	case FromNothing:
		left = d.tiers(selected, replicas, "capacity", (*Candidate).Capacity)
	case ScaledUp:
		left = d.tiers(selected, replicas-a.Placed, "room", func(c *Candidate) int64 { return int64(c.Room) })
		d.targets = addHeld(d.targets, selected)
	case ScaledDown:
		d.keep(selected, replicas)
	}
	if left > 0 {
		return nil, d.shortage(selected)
	}
	return d.targets, nil
}

func modeOf(r *framework.Request, placed int64) Mode {
	switch replicas := int64(r.Spec.Replicas); {
	case r.Fresh:
		return FromNothing
	case placed > replicas:
		return ScaledDown
	case placed < replicas:
		return ScaledUp
	default:
		return Unchanged
	}
}

// shortage has Karmada's words.
func (d *divider) shortage(selected []Candidate) error {
	if len(d.r.Overflow) > 0 {
		return &ShortageError{Message: "failed to assign replicas: Clusters available replicas are not enough to schedule."}
	}
	var room int64
	for i := range selected {
		room += int64(selected[i].Room)
		if d.assignment.Mode == FromNothing {
			room += int64(selected[i].Held)
		}
	}
	step := "do fresh scale"
	if d.assignment.Mode == ScaledUp {
		step = "scale up"
	}
	return &ShortageError{Message: fmt.Sprintf("failed to assign replicas: failed to %s: Clusters available replicas %d are not enough to schedule.", step, room)}
}

// divider shares out replicas tier by tier.
type divider struct {
	r          *framework.Request
	strategy   strategy
	assignment *Assignment
	targets    []workv1alpha2.TargetCluster
}

// tiers gives each tier of clusters what those before it have no weight for, and
// returns what no tier has.
func (d *divider) tiers(selected []Candidate, replicas int64, name string, weight func(*Candidate) int64) (left int64) {
	left = replicas
	for tier := 0; tier <= len(d.r.Overflow) && left > 0; tier++ {
		members := ofTier(selected, tier)
		shares := weigh(members, weight)
		if d.assignment.Mode == ScaledUp {
			slices.SortStableFunc(shares, func(a, b division.Share) int { return holdersFirst(d.r, a, b) })
		}
		left -= d.divide(tier, left, shares, name)
	}
	return left
}

// keep leaves so many replicas where they are, in the better tiers if possible.
func (d *divider) keep(selected []Candidate, replicas int64) {
	left := replicas
	for tier := 0; tier <= len(d.r.Overflow) && left > 0; tier++ {
		shares := weigh(holders(d.r, ofTier(selected, tier)), func(c *Candidate) int64 { return int64(c.Held) })
		left -= d.divide(tier, left, shares, "replicas held")
	}
}

// divide shares out replicas by weights that are also limits, and returns how many
// it could. Aggregated takes the first shares that together have enough.
func (d *divider) divide(tier int, replicas int64, shares []division.Share, name string) int64 {
	var available int64
	enough := len(shares)
	for i := range shares {
		if available += shares[i].Weight; available >= replicas && i < enough {
			enough = i + 1
		}
	}
	given := int32(min(replicas, available))
	if given <= 0 {
		return 0
	}
	var spare []division.Share
	if d.strategy == aggregated {
		shares, spare = shares[:enough], shares[enough:]
	}
	division.Divide(given, shares, d.r.Spec.Resource.UID)
	d.assignment.Divisions = append(d.assignment.Divisions,
		Division{Tier: tier, Replicas: given, Weights: name, Limits: true, Shares: shares, Spare: spare})
	d.targets = append(d.targets, targetsOf(shares)...)
	return int64(given)
}

// weigh returns a share for each candidate, the heaviest first.
func weigh(candidates []Candidate, weight func(*Candidate) int64) []division.Share {
	shares := make([]division.Share, len(candidates))
	for i := range candidates {
		shares[i] = division.Share{Cluster: candidates[i].Name, Weight: weight(&candidates[i])}
	}
	slices.SortStableFunc(shares, func(a, b division.Share) int { return cmp.Compare(b.Weight, a.Weight) })
	return shares
}

// holders returns the candidates that the workload is placed in, in the order of spec.clusters.
func holders(r *framework.Request, candidates []Candidate) []Candidate {
	at := make(map[string]int, len(candidates))
	for i := range candidates {
		at[candidates[i].Name] = i
	}
	var holding []Candidate
	for _, target := range r.Spec.Clusters {
		if i, ok := at[target.Name]; ok {
			holding = append(holding, candidates[i])
		}
	}
	return holding
}

// holdersFirst orders clusters that have replicas before those that have none.
func holdersFirst(r *framework.Request, a, b division.Share) int {
	switch x, y := r.Held(a.Cluster) > 0, r.Held(b.Cluster) > 0; {
	case x == y:
		return 0
	case x:
		return -1
	default:
		return 1
	}
}

// addHeld adds what the candidates hold to what they are given.
func addHeld(given []workv1alpha2.TargetCluster, candidates []Candidate) []workv1alpha2.TargetCluster {
	at := make(map[string]int, len(given))
	for i := range given {
		at[given[i].Name] = i
	}
	for i := range candidates {
		c := &candidates[i]
		if c.Held == 0 {
			continue
		}
		if j, ok := at[c.Name]; ok {
			given[j].Replicas += c.Held
		} else {
			given = append(given, workv1alpha2.TargetCluster{Name: c.Name, Replicas: c.Held})
		}
	}
	return given
}
