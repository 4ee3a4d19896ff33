package explain

import (
	"errors"
	"fmt"
	"slices"

	workv1alpha2 "github.com/karmada-io/karmada/pkg/apis/work/v1alpha2"

	"atoll.dev/atoll/apis/scheduling/v1alpha1"
	"atoll.dev/atoll/pkg/scheduler/cycle"
	"atoll.dev/atoll/pkg/scheduler/estimator"
	"atoll.dev/atoll/pkg/scheduler/snapshot"
)

// Decision is what is to be explained.
type Decision struct {
	// Result and Failure are what the cycle returned. Its request asked for a trace.
	Result  cycle.Result
	Failure error
	// Answers are what the estimators say of each candidate, the lowest first; nil if no step needed to know.
	Answers [][]estimator.Answer
	// Interests are the changes of a cluster that can end a refusal, by plugin.
	Interests map[string]snapshot.Change
	// Afresh is what a fresh decision would be where this one leaves all as it is; nil if nobody asked.
	Afresh *cycle.Result
	// Now is where the workload is placed.
	Now []workv1alpha2.TargetCluster
}

// Workload explains a decision. The caller fills in what is not part of it: the
// template and its binding, policy, what is due and the decisions before.
func Workload(d Decision, b Bounds) v1alpha1.WorkloadPlacement {
	r := d.Result
	w := v1alpha1.WorkloadPlacement{Result: v1alpha1.Placed, Group: r.AffinityName, Now: replicasOf(d.Now)}
	if r.Request != nil {
		w.Replicas = r.Request.Spec.Replicas
	}
	if r.Assignment != nil {
		w.Strategy = r.Assignment.Strategy
	}
	w.Refused = refusals(d, b)
	w.Attempts, w.Selection = attempts(d), selection(d)
	w.Candidates, w.Division = candidates(d), division(d)
	if d.Failure != nil {
		w.Result, w.Message = v1alpha1.NotPlaced, d.Failure.Error()
	} else {
		w.Placement = replicasOf(r.Clusters)
		w.Message = placed(w.Placement, clusterCount(d))
		if d.Afresh != nil && !same(r.Clusters, d.Afresh.Clusters) {
			w.Afresh = replicasOf(d.Afresh.Clusters)
		}
	}
	w.WouldHelp = wouldHelp(d, w.Refused)
	b.cut(&w)
	return w
}

// clusterCount is how many clusters there were to choose from.
func clusterCount(d Decision) int {
	if d.Result.Request == nil {
		return 0
	}
	return len(d.Result.Request.Snapshot.Clusters())
}

func placed(placement []v1alpha1.ClusterReplicas, of int) string {
	total := int32(0)
	for _, p := range placement {
		total += p.Replicas
	}
	if total == 0 {
		return fmt.Sprintf("goes to %d of %d clusters", len(placement), of)
	}
	return fmt.Sprintf("%s on %d of %d clusters", count(int64(total), "replica"), len(placement), of)
}

// same tells whether two decisions are; both are in the order of names.
func same(a, b []workv1alpha2.TargetCluster) bool { return slices.Equal(a, b) }

func replicasOf(targets []workv1alpha2.TargetCluster) []v1alpha1.ClusterReplicas {
	var list []v1alpha1.ClusterReplicas
	for _, t := range targets {
		list = append(list, v1alpha1.ClusterReplicas{Cluster: t.Name, Replicas: t.Replicas})
	}
	return list
}

// wouldHelp says what would let a workload be placed that is not.
func wouldHelp(d Decision, refused []v1alpha1.Refusal) []string {
	var (
		noFit     *cycle.FitError
		shortage  *cycle.ShortageError
		selection *cycle.SelectionError
	)
	switch {
	case d.Failure == nil:
		return nil
	case errors.As(d.Failure, &noFit):
		if len(refused) == 0 {
			return []string{"join a cluster"}
		}
		var help []string
		for _, r := range refused {
			if r.WouldHelp != "" {
				help = append(help, fmt.Sprintf("for %s (%s): %s", count(int64(r.Count), "cluster"), r.Reason, r.WouldHelp))
			}
		}
		return help
	case errors.As(d.Failure, &shortage), errors.As(d.Failure, &selection):
		return append(room(d), passFilters(refused)...)
	}
	var pinned *cycle.PinnedError
	if errors.As(d.Failure, &pinned) {
		return []string{"a placement that allows the clusters that hold the workload's volumes, or volumes that do not live on their nodes"}
	}
	return []string{"another placement in the policy"}
}

// room tells how many replicas are asked for and how many the candidates hold.
func room(d Decision) []string {
	if d.Answers == nil || d.Result.Request == nil {
		return nil
	}
	var capacity int64
	for i := range d.Result.Candidates {
		capacity += d.Result.Candidates[i].Capacity()
	}
	wanted := int64(d.Result.Request.Spec.Replicas)
	if capacity >= wanted {
		return []string{"constraints in spec.placement.spreadConstraints that leave more clusters to choose from"}
	}
	return []string{
		fmt.Sprintf("room for %s: the clusters that fit hold %d of %d", count(wanted-capacity, "more replica"), capacity, wanted),
		"fewer replicas, or smaller resource requests in the template",
	}
}

// passFilters tells that more clusters could be candidates.
func passFilters(refused []v1alpha1.Refusal) []string {
	var n int64
	for _, r := range refused {
		n += int64(r.Count)
	}
	switch n {
	case 0:
		return nil
	case 1:
		return []string{"the cluster that was refused to fit"}
	}
	return []string{fmt.Sprintf("one of the %s that were refused to fit", count(n, "cluster"))}
}

func count(n int64, thing string) string {
	if n == 1 {
		return "1 " + thing
	}
	return fmt.Sprintf("%d %ss", n, thing)
}
