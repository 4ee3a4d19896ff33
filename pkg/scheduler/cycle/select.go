package cycle

import (
	"cmp"
	"context"
	"slices"
	"strings"

	policyv1alpha1 "github.com/karmada-io/karmada/pkg/apis/policy/v1alpha1"

	"atoll.dev/atoll/pkg/scheduler/estimator"
	"atoll.dev/atoll/pkg/scheduler/framework"
	"atoll.dev/atoll/pkg/scheduler/snapshot"
	"atoll.dev/atoll/pkg/scheduler/spread"
)

// selectClusters is step 4. It leaves the candidates sorted, best first.
func (c *Cycle) selectClusters(ctx context.Context, r *framework.Request, result *Result) error {
	placement := r.Spec.Placement
	constrained := len(placement.SpreadConstraints) > 0
	if constrained && ignoresSpread(r) {
		constrained = false
		result.Spread = &spread.Outcome{Ignored: "static weights name the clusters that get replicas"}
	}
	if constrained || followsRoom(r) {
		c.estimate(ctx, r, result.Candidates)
	}
	slices.SortFunc(result.Candidates, better)
	if !constrained {
		result.Selected = result.Candidates
		return nil
	}
	chosen, outcome, short := spread.Choose(demandOf(r), choices(r, result.Candidates))
	result.Spread = outcome
	if short != nil {
		return c.selectionFailed(result, short)
	}
	result.Selected = make([]Candidate, len(chosen))
	for k, i := range chosen {
		result.Selected[k] = result.Candidates[i]
	}
	return nil
}

// estimate asks how many replicas, or whole sets of components, each candidate can hold.
func (c *Cycle) estimate(ctx context.Context, r *framework.Request, candidates []Candidate) {
	clusters := make([]*snapshot.Cluster, len(candidates))
	for i := range candidates {
		clusters[i] = candidates[i].Cluster
	}
	spec := r.Spec
	if inSets(spec) {
		one := *spec
		one.Replicas = 1 // as many sets as are wanted where no estimator knows a limit
		spec = &one
	}
	for i, room := range estimator.Lowest(ctx, c.estimators, spec, clusters) {
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

// ignoresSpread: static weights name their clusters, spread constraints then have no
// say. Sets of components are not divided, so weights mean nothing for them.
func ignoresSpread(r *framework.Request) bool {
	s := r.Spec.Placement.ReplicaScheduling
	if inSets(r.Spec) || s == nil || s.ReplicaSchedulingType != policyv1alpha1.ReplicaSchedulingTypeDivided ||
		s.ReplicaDivisionPreference != policyv1alpha1.ReplicaDivisionPreferenceWeighted {
		return false
	}
	return s.WeightPreference == nil ||
		len(s.WeightPreference.StaticWeightList) > 0 && s.WeightPreference.DynamicWeight == ""
}

func demandOf(r *framework.Request) spread.Demand {
	d := spread.Demand{
		Constraints: spread.Parse(r.Spec.Placement.SpreadConstraints),
		Use:         spread.Divided,
		Replicas:    int64(max(r.Spec.Replicas, 0)),
		Fresh:       r.Fresh,
	}
	switch {
	case r.Spec.Placement.ReplicaSchedulingType() == policyv1alpha1.ReplicaSchedulingTypeDuplicated:
		d.Use = spread.Duplicated
	case inSets(r.Spec):
		d.Use = spread.Whole
	}
	return d
}

func choices(r *framework.Request, candidates []Candidate) []spread.Candidate {
	choices := make([]spread.Candidate, len(candidates))
	for i := range candidates {
		c := &candidates[i]
		choices[i] = spread.Candidate{Cluster: c.Cluster, Score: c.Score, Capacity: c.Capacity(), Holds: r.Holds(c.Name)}
	}
	return choices
}
