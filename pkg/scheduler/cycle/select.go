package cycle

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"

	policyv1alpha1 "github.com/karmada-io/karmada/pkg/apis/policy/v1alpha1"

	"atoll.dev/atoll/pkg/scheduler/estimator"
	"atoll.dev/atoll/pkg/scheduler/framework"
	"atoll.dev/atoll/pkg/scheduler/snapshot"
)

// selectClusters is step 4. It leaves the candidates sorted, best first.
func (c *Cycle) selectClusters(ctx context.Context, r *framework.Request, candidates []Candidate) ([]Candidate, error) {
	placement := r.Spec.Placement
	constraints := placement.SpreadConstraints
	if ignoresSpread(placement.ReplicaScheduling) {
		constraints = nil
	}
	if len(constraints) > 0 || followsRoom(r) {
		c.estimate(ctx, r, candidates)
	}
	slices.SortFunc(candidates, better)
	if len(constraints) == 0 {
		return candidates, nil
	}
	byCluster, err := clusterConstraint(constraints)
	if err != nil {
		return nil, err
	}
	return spreadByCluster(r, byCluster, candidates)
}

func (c *Cycle) estimate(ctx context.Context, r *framework.Request, candidates []Candidate) {
	clusters := make([]*snapshot.Cluster, len(candidates))
	for i := range candidates {
		clusters[i] = candidates[i].Cluster
	}
	for i, room := range estimator.Lowest(ctx, c.estimators, r.Spec, clusters) {
		candidates[i].Room = r.Room(candidates[i].Name, room)
	}
}

func better(a, b Candidate) int {
	return cmp.Or(
		cmp.Compare(a.Tier, b.Tier),
		cmp.Compare(b.Score, a.Score),
		cmp.Compare(b.Capacity(), a.Capacity()),
		strings.Compare(a.Name, b.Name),
	)
}

// ignoresSpread: static weights name their clusters, spread constraints then have no say.
func ignoresSpread(s *policyv1alpha1.ReplicaSchedulingStrategy) bool {
	if s == nil || s.ReplicaSchedulingType != policyv1alpha1.ReplicaSchedulingTypeDivided ||
		s.ReplicaDivisionPreference != policyv1alpha1.ReplicaDivisionPreferenceWeighted {
		return false
	}
	return s.WeightPreference == nil ||
		len(s.WeightPreference.StaticWeightList) > 0 && s.WeightPreference.DynamicWeight == ""
}

// clusterConstraint returns the one constraint that counts clusters.
func clusterConstraint(constraints []policyv1alpha1.SpreadConstraint) (policyv1alpha1.SpreadConstraint, error) {
	var byCluster policyv1alpha1.SpreadConstraint
	for _, constraint := range constraints {
		switch {
		case constraint.SpreadByLabel != "":
			return byCluster, &UnsupportedError{fmt.Sprintf(
				"failed to select clusters: spreadConstraints: spreading by label %q is not supported, spread by cluster", constraint.SpreadByLabel)}
		case constraint.SpreadByField != "" && constraint.SpreadByField != policyv1alpha1.SpreadByFieldCluster:
			return byCluster, &UnsupportedError{fmt.Sprintf(
				"failed to select clusters: spreadConstraints: spreading by %s is not supported, spread by cluster", constraint.SpreadByField)}
		}
		byCluster = constraint
	}
	return byCluster, nil
}

// spreadByCluster takes as many clusters as the constraint allows. A maximum of 0 is none.
func spreadByCluster(r *framework.Request, constraint policyv1alpha1.SpreadConstraint, candidates []Candidate) ([]Candidate, error) {
	if len(candidates) < constraint.MinGroups {
		return nil, &SelectionError{fmt.Sprintf(
			"failed to select clusters: the number of feasible clusters is less than spreadConstraint.MinGroups (%d of %d)", len(candidates), constraint.MinGroups)}
	}
	count := len(candidates)
	if constraint.MaxGroups > 0 {
		count = min(count, constraint.MaxGroups)
	}
	if r.Spec.Placement.ReplicaSchedulingType() == policyv1alpha1.ReplicaSchedulingTypeDuplicated {
		return candidates[:count], nil
	}
	if !swapInRoom(candidates, count, int64(r.Spec.Replicas)) {
		return nil, &SelectionError{fmt.Sprintf("failed to select clusters: no enough resource when selecting %d clusters", count)}
	}
	return candidates[:count], nil
}

// swapInRoom makes the first count candidates hold the replicas: from the worst of
// them up, each is swapped for the cluster with the most capacity among those left
// out, as long as that is more and still needed. It returns false if that does not help.
func swapInRoom(candidates []Candidate, count int, replicas int64) bool {
	chosen, rest := candidates[:count], candidates[count:]
	var capacity int64
	for i := range chosen {
		capacity += chosen[i].Capacity()
	}
	for i := count - 1; i >= 0 && capacity < replicas; i-- {
		most := -1
		for j := range rest {
			if rest[j].Capacity() > chosen[i].Capacity() && (most < 0 || rest[j].Capacity() > rest[most].Capacity()) {
				most = j
			}
		}
		if most >= 0 {
			capacity += rest[most].Capacity() - chosen[i].Capacity()
			chosen[i], rest[most] = rest[most], chosen[i]
		}
	}
	return capacity >= replicas
}
