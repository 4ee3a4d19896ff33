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
type strategy string

const (
	// duplicated gives every cluster all replicas.
	duplicated strategy = "Duplicated"
	// staticWeight divides by the weights of the placement.
	staticWeight strategy = "StaticWeight"
	// dynamicWeight divides by the room that clusters have.
	dynamicWeight strategy = "DynamicWeight"
	// aggregated is dynamicWeight over as few clusters as have room for all.
	aggregated strategy = "Aggregated"
	unknown    strategy = ""
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

// inSets tells whether the workload has several components. These cannot be divided:
// a cluster gets all of them, one set, or none.
func inSets(spec *workv1alpha2.ResourceBindingSpec) bool { return len(spec.Components) > 1 }

// hasReplicas tells whether replicas are assigned at all: what is not a workload, and
// sets of components, go to every selected cluster as they are.
func hasReplicas(spec *workv1alpha2.ResourceBindingSpec) bool {
	return (spec.Replicas > 0 || spec.ReplicaRequirements != nil) && !inSets(spec)
}

// followsRoom tells whether the assignment depends on the room that clusters have.
func followsRoom(r *framework.Request) bool {
	if !hasReplicas(r.Spec) {
		return false
	}
	s := strategyOf(r.Spec.Placement)
	return s == dynamicWeight || s == aggregated
}

// assign is step 5. Clusters that get no replica are left out. What does not follow
// the room that clusters have goes to overflow clusters only if there are no others.
func assign(r *framework.Request, result *Result) error {
	if !hasReplicas(r.Spec) {
		result.Assignment = &Assignment{Mode: WholeWorkload}
		result.Clusters = inAll(preferred(result), 0)
		return nil
	}
	s := strategyOf(r.Spec.Placement)
	a := &Assignment{Strategy: string(s), Placed: placed(result.Selected)}
	result.Assignment = a
	var (
		targets []workv1alpha2.TargetCluster
		err     error
	)
	switch s {
	case duplicated:
		a.Mode = AllReplicas
		targets = inAll(preferred(result), r.Spec.Replicas)
	case staticWeight:
		a.Mode = FromWeights
		targets = byStaticWeight(r, preferred(result), a)
	case dynamicWeight, aggregated:
		if targets, err = byRoom(r, result.Selected, s, a); err == nil && result.Spread != nil {
			targets = coverGroups(targets, result, a)
		}
	default:
		scheduling := r.Spec.Placement.ReplicaScheduling
		err = &UnsupportedError{fmt.Sprintf("failed to assign replicas: unsupported replica scheduling strategy, "+
			"replicaSchedulingType: %s, replicaDivisionPreference: %s, please try another scheduling strategy",
			scheduling.ReplicaSchedulingType, scheduling.ReplicaDivisionPreference)}
	}
	if err != nil {
		return err
	}
	targets = slices.DeleteFunc(targets, func(t workv1alpha2.TargetCluster) bool { return t.Replicas <= 0 })
	slices.SortFunc(targets, byName)
	result.Clusters = targets
	return nil
}

// preferred returns the selected clusters of the best tier. Spread constraints have
// taken the better tiers first already, and what they took is needed.
func preferred(result *Result) []Candidate {
	selected, best := result.Selected, 0
	if result.Spread != nil && result.Spread.Ignored == "" {
		return selected
	}
	for i := range selected {
		if i == 0 || selected[i].Tier < best {
			best = selected[i].Tier
		}
	}
	return ofTier(selected, best)
}

// ofTier returns the clusters of a tier, selected itself if that is all of them.
func ofTier(selected []Candidate, tier int) []Candidate {
	if !slices.ContainsFunc(selected, func(c Candidate) bool { return c.Tier != tier }) {
		return selected
	}
	var members []Candidate
	for i := range selected {
		if selected[i].Tier == tier {
			members = append(members, selected[i])
		}
	}
	return members
}

// placed is how many replicas clusters hold.
func placed(candidates []Candidate) int64 {
	var sum int64
	for i := range candidates {
		sum += int64(candidates[i].Held)
	}
	return sum
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
