package cycle

import (
	policyv1alpha1 "github.com/karmada-io/karmada/pkg/apis/policy/v1alpha1"
	workv1alpha2 "github.com/karmada-io/karmada/pkg/apis/work/v1alpha2"

	"atoll.dev/atoll/pkg/scheduler/affinity"
	"atoll.dev/atoll/pkg/scheduler/division"
	"atoll.dev/atoll/pkg/scheduler/framework"
)

// byStaticWeight divides by the weights that the placement gives to clusters.
// Clusters without a weight get nothing, unless none has any: then all weigh the
// same. What was placed before decides only who gets a replica that several have the
// same right to; that scaling moves as little as possible follows from package division.
func byStaticWeight(r *framework.Request, candidates []Candidate, a *Assignment) []workv1alpha2.TargetCluster {
	var list []policyv1alpha1.StaticClusterWeight
	if preference := r.Spec.Placement.ReplicaScheduling.WeightPreference; preference != nil {
		list = preference.StaticWeightList
	}
	weights := compileWeights(list)
	shares := make([]division.Share, 0, len(candidates))
	for i := range candidates {
		if weight := weights.of(&candidates[i]); weight > 0 {
			shares = append(shares, division.Share{Cluster: candidates[i].Name, Weight: weight})
		}
	}
	if len(shares) == 0 {
		for i := range candidates {
			shares = append(shares, division.Share{Cluster: candidates[i].Name, Weight: 1})
		}
	}
	division.Divide(r.Spec.Replicas, shares, r.Spec.Resource.UID)
	if !r.Fresh && len(r.Spec.Clusters) > 0 {
		division.Settle(shares, r.Held)
	}
	a.Divisions = []Division{{Replicas: r.Spec.Replicas, Weights: "static weight", Shares: shares}}
	return targetsOf(shares)
}

// weightRule gives a weight to the clusters that it matches.
type weightRule struct {
	matcher *affinity.Matcher
	weight  int64
}

// weights are the rules of a static weight list, those for named clusters by name:
// such lists have an entry for each cluster, and each cluster would be compared with each entry.
type weights struct {
	named   map[string][]weightRule
	general []weightRule
}

func compileWeights(list []policyv1alpha1.StaticClusterWeight) weights {
	w := weights{named: map[string][]weightRule{}}
	for i := range list {
		rule := weightRule{affinity.Compile(&list[i].TargetCluster), list[i].Weight}
		names := rule.matcher.Names()
		if len(names) == 0 {
			w.general = append(w.general, rule)
		}
		for _, name := range names {
			w.named[name] = append(w.named[name], rule)
		}
	}
	return w
}

// of returns the highest weight that a rule gives to the candidate, 0 if none does.
func (w *weights) of(c *Candidate) int64 {
	var highest int64
	for _, rules := range [][]weightRule{w.named[c.Name], w.general} {
		for _, rule := range rules {
			if rule.weight > highest && rule.matcher.Matches(c.Cluster) {
				highest = rule.weight
			}
		}
	}
	return highest
}

func targetsOf(shares []division.Share) []workv1alpha2.TargetCluster {
	targets := make([]workv1alpha2.TargetCluster, len(shares))
	for i, s := range shares {
		targets[i] = workv1alpha2.TargetCluster{Name: s.Cluster, Replicas: s.Replicas}
	}
	return targets
}
