package cycle

import (
	"fmt"
	"slices"
	"strings"

	policyv1alpha1 "github.com/karmada-io/karmada/pkg/apis/policy/v1alpha1"
	workv1alpha2 "github.com/karmada-io/karmada/pkg/apis/work/v1alpha2"

	"atoll.dev/atoll/pkg/scheduler/framework"
)

// strategy is how replicas are assigned.
type strategy int

const (
	// duplicated gives every cluster all replicas.
	duplicated strategy = iota
	// staticWeight divides by the weights of the placement.
	staticWeight
	// dynamicWeight divides by the room that clusters have.
	dynamicWeight
	// aggregated is dynamicWeight over as few clusters as have room for all.
	aggregated
	unknown
)

func strategyOf(placement *policyv1alpha1.Placement) strategy {
	if placement.ReplicaSchedulingType() == policyv1alpha1.ReplicaSchedulingTypeDuplicated {
		return duplicated
	}
	s := placement.ReplicaScheduling
	switch {
	case s.ReplicaSchedulingType != policyv1alpha1.ReplicaSchedulingTypeDivided:
		return unknown
	case s.ReplicaDivisionPreference == policyv1alpha1.ReplicaDivisionPreferenceAggregated:
		return aggregated
	case s.ReplicaDivisionPreference != policyv1alpha1.ReplicaDivisionPreferenceWeighted:
		return unknown
	case s.WeightPreference != nil && s.WeightPreference.DynamicWeight != "":
		return dynamicWeight
	default:
		return staticWeight
	}
}

// hasReplicas tells whether replicas are assigned at all: neither what is not a
// workload nor workloads of several components can be divided, these go to every
// selected cluster as they are.
func hasReplicas(spec *workv1alpha2.ResourceBindingSpec) bool {
	return (spec.Replicas > 0 || spec.ReplicaRequirements != nil) && len(spec.Components) <= 1
}

// followsRoom tells whether the assignment depends on the room that clusters have.
func followsRoom(r *framework.Request) bool {
	if !hasReplicas(r.Spec) {
		return false
	}
	s := strategyOf(r.Spec.Placement)
	return s == dynamicWeight || s == aggregated || len(r.Overflow) > 0
}

// assign is step 5. Clusters that get no replica are left out.
func assign(r *framework.Request, selected []Candidate) ([]workv1alpha2.TargetCluster, error) {
	if !hasReplicas(r.Spec) {
		return inAll(selected, 0), nil
	}
	targets, err := assignTiers(r, selected)
	if err != nil {
		return nil, err
	}
	targets = slices.DeleteFunc(targets, func(t workv1alpha2.TargetCluster) bool { return t.Replicas <= 0 })
	slices.SortFunc(targets, byName)
	return targets, nil
}

// assignTiers gives each tier of clusters what those before it have no room for.
func assignTiers(r *framework.Request, selected []Candidate) ([]workv1alpha2.TargetCluster, error) {
	if len(r.Overflow) == 0 {
		return assignReplicas(r, selected, r.Spec.Replicas)
	}
	var (
		targets []workv1alpha2.TargetCluster
		left    = r.Spec.Replicas
	)
	for tier := 0; tier <= len(r.Overflow) && left > 0; tier++ {
		var members []Candidate
		var capacity int64
		for _, candidate := range selected {
			if candidate.Tier == tier {
				members = append(members, candidate)
				capacity += candidate.Capacity()
			}
		}
		if len(members) == 0 {
			continue
		}
		share := int32(min(int64(left), capacity))
		given, err := assignReplicas(r, members, share)
		if err != nil {
			return nil, err
		}
		targets = append(targets, given...)
		left -= share
	}
	if left > 0 {
		return nil, &ShortageError{"failed to assign replicas: Clusters available replicas are not enough to schedule."}
	}
	return targets, nil
}

func assignReplicas(r *framework.Request, candidates []Candidate, replicas int32) ([]workv1alpha2.TargetCluster, error) {
	switch s := strategyOf(r.Spec.Placement); s {
	case duplicated:
		return inAll(candidates, replicas), nil
	case staticWeight:
		return byStaticWeight(r, candidates, replicas), nil
	case dynamicWeight, aggregated:
		return byRoom(r, candidates, replicas, s)
	default:
		scheduling := r.Spec.Placement.ReplicaScheduling
		return nil, &UnsupportedError{fmt.Sprintf("failed to assign replicas: unsupported replica scheduling strategy, "+
			"replicaSchedulingType: %s, replicaDivisionPreference: %s, please try another scheduling strategy",
			scheduling.ReplicaSchedulingType, scheduling.ReplicaDivisionPreference)}
	}
}

func inAll(candidates []Candidate, replicas int32) []workv1alpha2.TargetCluster {
	targets := make([]workv1alpha2.TargetCluster, len(candidates))
	for i := range candidates {
		targets[i] = workv1alpha2.TargetCluster{Name: candidates[i].Name, Replicas: replicas}
	}
	slices.SortFunc(targets, byName)
	return targets
}

// withEmpty adds the selected clusters that got no replica.
func withEmpty(targets []workv1alpha2.TargetCluster, selected []Candidate) []workv1alpha2.TargetCluster {
	got := make(map[string]bool, len(targets))
	for _, t := range targets {
		got[t.Name] = true
	}
	for i := range selected {
		if !got[selected[i].Name] {
			targets = append(targets, workv1alpha2.TargetCluster{Name: selected[i].Name})
		}
	}
	slices.SortFunc(targets, byName)
	return targets
}

func byName(a, b workv1alpha2.TargetCluster) int { return strings.Compare(a.Name, b.Name) }
