package cycle

import (
	"cmp"
	"fmt"
	"slices"

	workv1alpha2 "github.com/karmada-io/karmada/pkg/apis/work/v1alpha2"

	"atoll.dev/atoll/pkg/scheduler/division"
	"atoll.dev/atoll/pkg/scheduler/framework"
)

// byRoom divides by the room that clusters have. Replicas that are assigned stay
// where they are: more of them are divided by the room left, fewer by what is
// assigned, and only a Fresh request starts from nothing. What was assigned to
// clusters that are candidates no longer counts as not assigned.
func byRoom(r *framework.Request, candidates []Candidate, replicas int32, s strategy) ([]workv1alpha2.TargetCluster, error) {
	var assigned int64
	for i := range candidates {
		assigned += int64(candidates[i].Held)
	}
	var (
		targets []workv1alpha2.TargetCluster
		err     error
		step    string
	)
	switch {
	case r.Fresh:
		step = "do fresh scale"
		targets, err = divide(r, replicas, s, weigh(candidates, (*Candidate).Capacity))
	case assigned > int64(replicas):
		step = "scale down"
		targets, err = divide(r, replicas, s, weigh(holders(r, candidates), func(c *Candidate) int64 { return int64(c.Held) }))
	case assigned < int64(replicas):
		step = "scale up"
		shares := weigh(candidates, func(c *Candidate) int64 { return int64(c.Room) })
		slices.SortStableFunc(shares, func(a, b division.Share) int { return holdersFirst(r, a, b) })
		targets, err = divide(r, replicas-int32(assigned), s, shares)
		targets = addHeld(targets, candidates)
	default:
		return addHeld(nil, candidates), nil
	}
	if err != nil {
		return nil, &ShortageError{fmt.Sprintf("failed to assign replicas: failed to %s: %v", step, err)}
	}
	return targets, nil
}

// divide shares out replicas by weights that are also limits. Aggregated takes the
// first shares that together have enough.
func divide(r *framework.Request, replicas int32, s strategy, shares []division.Share) ([]workv1alpha2.TargetCluster, error) {
	var available int64
	enough := len(shares)
	for i := range shares {
		if available += shares[i].Weight; available >= int64(replicas) && i < enough {
			enough = i + 1
		}
	}
	if available < int64(replicas) {
		//lint:ignore ST1005 the wording is Karmada's
		return nil, fmt.Errorf("Clusters available replicas %d are not enough to schedule.", available)
	}
	if s == aggregated {
		shares = shares[:enough]
	}
	division.Divide(replicas, shares, r.Spec.Resource.UID)
	return targetsOf(shares), nil
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
