package cycle_test

import (
	"testing"

	policyv1alpha1 "github.com/karmada-io/karmada/pkg/apis/policy/v1alpha1"
	workv1alpha2 "github.com/karmada-io/karmada/pkg/apis/work/v1alpha2"

	"atoll.dev/atoll/pkg/scheduler/cycle"
	"atoll.dev/atoll/pkg/scheduler/spread"
)

// checkSpread fails the test if a decision breaks a spread constraint. The least
// number of groups holds as far as there are replicas to divide, and the least number
// of clusters for those selected, as in Karmada.
func checkSpread(t *testing.T, spec *workv1alpha2.ResourceBindingSpec, result cycle.Result) {
	t.Helper()
	if len(spec.Placement.SpreadConstraints) == 0 || result.Spread == nil || result.Spread.Ignored != "" {
		return
	}
	constraints := spread.Parse(spec.Placement.SpreadConstraints)
	selected := map[string]cycle.Candidate{}
	for _, c := range result.Selected {
		selected[c.Name] = c
	}
	wanted, raised := 0, 0
	for _, c := range constraints {
		if !c.CountsClusters() {
			wanted += c.Least
			if c.Field != policyv1alpha1.SpreadByFieldZone || zonesAreApart(result) {
				raised = max(raised, c.Least)
			}
		}
	}
	dividing := spec.Placement.ReplicaSchedulingType() == policyv1alpha1.ReplicaSchedulingTypeDivided && len(spec.Components) <= 1 && spec.ReplicaRequirements != nil
	for _, c := range constraints {
		reached := map[string]bool{}
		for _, target := range result.Clusters {
			candidate, ok := selected[target.Name]
			if !ok {
				t.Errorf("%s was not selected and gets %d replicas", target.Name, target.Replicas)
				continue
			}
			for _, g := range c.GroupsOf(candidate.Cluster) {
				reached[g] = true
			}
		}
		most := c.Most
		if c.CountsClusters() && most > 0 {
			most = max(most, raised)
		}
		if most > 0 && len(reached) > most {
			t.Errorf("spread over %d of %s, at most %d", len(reached), c.By(), most)
		}
		least := c.Least
		if dividing && (c.CountsClusters() || int(spec.Replicas) < wanted) {
			least = 0
		}
		if len(reached) < least {
			t.Errorf("spread over %d of %s, at least %d by %q: %v", len(reached), c.By(), least, result.Spread.Method, result.Clusters)
		}
	}
}

// zonesAreApart tells whether no candidate is in several zones.
func zonesAreApart(result cycle.Result) bool {
	for _, c := range result.Candidates {
		if len(c.Zones) > 1 && c.Zones[0] != c.Zones[1] {
			return false
		}
	}
	return true
}

// mustMove tells whether clusters in use could not be selected again: they have too
// little room for more replicas among as many clusters as there may be.
func mustMove(first, second cycle.Result) bool {
	if second.Spread == nil || second.Spread.Ignored != "" || second.Spread.Method == spread.Kept {
		return false
	}
	selected := map[string]bool{}
	for _, c := range second.Selected {
		selected[c.Name] = true
	}
	for _, target := range first.Clusters {
		if !selected[target.Name] {
			return true
		}
	}
	return false
}
