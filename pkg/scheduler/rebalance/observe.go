package rebalance

import (
	"cmp"
	"slices"

	appsv1alpha1 "github.com/karmada-io/karmada/pkg/apis/apps/v1alpha1"
)

// observe returns the status that a WorkloadRebalancer has before its workloads are
// tried, sorted as Karmada sorts: those of its spec with the result they have, if
// any, and those that were rebalanced and are in the spec no more.
func observe(rebalancer *appsv1alpha1.WorkloadRebalancer) appsv1alpha1.WorkloadRebalancerStatus {
	pending := map[appsv1alpha1.ObjectReference]bool{}
	for _, workload := range rebalancer.Spec.Workloads {
		pending[workload] = true
	}
	var observed []appsv1alpha1.ObservedWorkload
	for _, w := range rebalancer.Status.ObservedWorkloads {
		if pending[w.Workload] || w.Result == appsv1alpha1.RebalanceSuccessful {
			observed = append(observed, w)
		}
		delete(pending, w.Workload)
	}
	for workload := range pending {
		observed = append(observed, appsv1alpha1.ObservedWorkload{Workload: workload})
	}
	slices.SortFunc(observed, func(a, b appsv1alpha1.ObservedWorkload) int {
		x, y := a.Workload, b.Workload
		return cmp.Or(cmp.Compare(x.APIVersion, y.APIVersion), cmp.Compare(x.Kind, y.Kind),
			cmp.Compare(x.Namespace, y.Namespace), cmp.Compare(x.Name, y.Name))
	})
	return appsv1alpha1.WorkloadRebalancerStatus{
		ObservedWorkloads: observed, ObservedGeneration: rebalancer.Generation, FinishTime: rebalancer.Status.FinishTime,
	}
}
