package cycle

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"

	policyv1alpha1 "github.com/karmada-io/karmada/pkg/apis/policy/v1alpha1"
	workv1alpha2 "github.com/karmada-io/karmada/pkg/apis/work/v1alpha2"

	"atoll.dev/atoll/pkg/scheduler/division"
	"atoll.dev/atoll/pkg/scheduler/framework"
	"atoll.dev/atoll/pkg/scheduler/snapshot"
)

// Pinned is a cluster that the workload must not leave.
type Pinned struct {
	Cluster string
	// Plugin that pins, and Reason in plain words: "its volume data-db-0 lives in member1".
	Plugin, Reason string
	// Replicas that stay there.
	Replicas int32
}

// pin finds the candidates that the workload must not leave, in the order of names.
func (c *Cycle) pin(ctx context.Context, r *framework.Request, candidates []Candidate) []Pinned {
	var pinned []Pinned
	for _, plugin := range c.pinners {
		pin := plugin.Pin(ctx, r)
		if pin == nil {
			continue
		}
		for i := range candidates {
			if !r.Holds(candidates[i].Name) || isPinned(pinned, candidates[i].Name) {
				continue
			}
			if reason := pin(candidates[i].Cluster); reason != "" {
				pinned = append(pinned, Pinned{candidates[i].Name, plugin.Name(), reason, candidates[i].Held})
			}
		}
	}
	slices.SortFunc(pinned, func(a, b Pinned) int { return strings.Compare(a.Cluster, b.Cluster) })
	return pinned
}

// yield refuses the other candidates if pinned ones are all that an undivided placement may choose.
func yield(r *framework.Request, pinned []Pinned, candidates []Candidate, refused []Refused) ([]Candidate, []Refused) {
	most := mostClusters(r.Spec.Placement.SpreadConstraints)
	if len(pinned) == 0 || most == 0 || len(pinned) < most || divides(r) {
		return candidates, refused
	}
	refusal := &framework.Refusal{Plugin: pinned[0].Plugin, Reason: pinned[0].Reason}
	kept := make([]Candidate, 0, len(pinned))
	for i := range candidates {
		if isPinned(pinned, candidates[i].Name) {
			kept = append(kept, candidates[i])
		} else {
			refused = append(refused, Refused{candidates[i].Name, refusal})
		}
	}
	slices.SortFunc(refused, func(a, b Refused) int { return strings.Compare(a.Cluster, b.Cluster) })
	return kept, refused
}

// mostClusters is the number of clusters that the constraints allow, 0 if they do not limit it.
func mostClusters(constraints []policyv1alpha1.SpreadConstraint) int {
	for _, constraint := range constraints {
		if constraint.SpreadByField == policyv1alpha1.SpreadByFieldCluster && constraint.MaxGroups > 0 {
			return constraint.MaxGroups
		}
	}
	return 0
}

func divides(r *framework.Request) bool {
	return hasReplicas(r.Spec) && strategyOf(r.Spec.Placement) != duplicated
}

// PinnedError says that a decision would take the workload from where it must stay.
type PinnedError struct{ Message string }

func (e *PinnedError) Error() string { return e.Message }

// Wakes returns the changes of a cluster that can lead to another decision, or free the workload.
func (e *PinnedError) Wakes() snapshot.Change { return snapshot.Any }

// hold sees to it that a decision takes nothing from pinned clusters, or fails.
func hold(r *framework.Request, result *Result) error {
	if len(result.Pinned) == 0 {
		return nil
	}
	if err := leftOut(result.Pinned, result.Selected); err != nil {
		return err
	}
	result.Clusters = stay(r, result.Pinned, result.Selected, result.Clusters)
	return nil
}

// leftOut fails if the selection left out a pinned cluster and took another that is
// not: to place the workload nowhere new is then better than to move it.
func leftOut(pinned []Pinned, selected []Candidate) error {
	other := ""
	taken := make(map[string]bool, len(selected))
	for i := range selected {
		taken[selected[i].Name] = true
		if other == "" && !isPinned(pinned, selected[i].Name) {
			other = selected[i].Name
		}
	}
	for _, p := range pinned {
		if other != "" && !taken[p.Cluster] {
			return &PinnedError{fmt.Sprintf("failed to select clusters: spread constraints prefer %s to %s, but %s", other, p.Cluster, p.Reason)}
		}
	}
	return nil
}

// stay gives pinned clusters among the selected back what an assignment took from
// them: from clusters that are given more than they hold, those with the most first,
// and then from others.
func stay(r *framework.Request, pinned []Pinned, selected []Candidate, targets []workv1alpha2.TargetCluster) []workv1alpha2.TargetCluster {
	pinned = slices.DeleteFunc(slices.Clone(pinned), func(p Pinned) bool {
		return !slices.ContainsFunc(selected, func(c Candidate) bool { return c.Name == p.Cluster })
	})
	if !divides(r) {
		return stayWhole(r, pinned, targets)
	}
	given := make(map[string]int32, len(targets))
	var replicas, held int64
	for _, t := range targets {
		given[t.Name] = t.Replicas
		replicas += int64(t.Replicas)
	}
	floor := make(map[string]int32, len(pinned))
	shares := make([]division.Share, 0, len(pinned))
	for _, p := range pinned {
		floor[p.Cluster] = p.Replicas
		held += int64(p.Replicas)
		shares = append(shares, division.Share{Cluster: p.Cluster, Weight: int64(p.Replicas)})
	}
	if held >= replicas { // there are no more replicas than have to stay
		division.Divide(int32(replicas), shares, r.Spec.Resource.UID)
		return inOrder(targetsOf(shares))
	}

	var missing int32
	for cluster, least := range floor {
		if short := least - given[cluster]; short > 0 {
			missing += short
			given[cluster] = least
		}
	}
	if missing == 0 {
		return targets
	}
	gain := func(t workv1alpha2.TargetCluster) int32 { return t.Replicas - r.Held(t.Name) }
	donors := slices.SortedFunc(slices.Values(targets), func(a, b workv1alpha2.TargetCluster) int {
		return cmp.Or(cmp.Compare(gain(b), gain(a)), strings.Compare(a.Name, b.Name))
	})
	for _, keeps := range []func(string) int32{
		func(cluster string) int32 { return max(floor[cluster], r.Held(cluster)) },
		func(cluster string) int32 { return floor[cluster] },
	} {
		for _, donor := range donors {
			if spare := min(missing, given[donor.Name]-keeps(donor.Name)); spare > 0 {
				given[donor.Name] -= spare
				missing -= spare
			}
		}
	}
	result := make([]workv1alpha2.TargetCluster, 0, len(given))
	for cluster, n := range given {
		result = append(result, workv1alpha2.TargetCluster{Name: cluster, Replicas: n})
	}
	return inOrder(result)
}

// stayWhole is stay for what is not divided: what goes to clusters of a better tier
// stays in pinned ones, too.
func stayWhole(r *framework.Request, pinned []Pinned, targets []workv1alpha2.TargetCluster) []workv1alpha2.TargetCluster {
	if hasReplicas(r.Spec) && r.Spec.Replicas == 0 {
		return targets
	}
	for _, p := range pinned {
		if slices.ContainsFunc(targets, func(t workv1alpha2.TargetCluster) bool { return t.Name == p.Cluster }) {
			continue
		}
		whole := workv1alpha2.TargetCluster{Name: p.Cluster}
		if hasReplicas(r.Spec) {
			whole.Replicas = r.Spec.Replicas
		}
		targets = append(targets, whole)
	}
	slices.SortFunc(targets, byName)
	return targets
}

// inOrder sorts targets by name and leaves out those without replicas.
func inOrder(targets []workv1alpha2.TargetCluster) []workv1alpha2.TargetCluster {
	targets = slices.DeleteFunc(targets, func(t workv1alpha2.TargetCluster) bool { return t.Replicas <= 0 })
	slices.SortFunc(targets, byName)
	return targets
}

func isPinned(pinned []Pinned, cluster string) bool {
	return slices.ContainsFunc(pinned, func(p Pinned) bool { return p.Cluster == cluster })
}
