package bind

import (
	"slices"

	policyv1alpha1 "github.com/karmada-io/karmada/pkg/apis/policy/v1alpha1"
	workv1alpha2 "github.com/karmada-io/karmada/pkg/apis/work/v1alpha2"
	"k8s.io/apimachinery/pkg/util/sets"
	"k8s.io/utils/ptr"
)

// targets are the clusters that get a Work: those scheduled, and those of bindings that require this one.
func targets(spec *workv1alpha2.ResourceBindingSpec) []workv1alpha2.TargetCluster {
	all := slices.Clone(spec.Clusters)
	seen := sets.New[string]()
	for _, c := range all {
		seen.Insert(c.Name)
	}
	for _, required := range spec.RequiredBy {
		for _, c := range required.Clusters {
			if !seen.Has(c.Name) {
				seen.Insert(c.Name)
				all = append(all, c)
			}
		}
	}
	return all
}

// Clusters are those whose Works stay: the targets, and those that are being left gracefully.
func Clusters(spec *workv1alpha2.ResourceBindingSpec) sets.Set[string] {
	names := sets.New[string]()
	for _, c := range targets(spec) {
		names.Insert(c.Name)
	}
	for _, task := range spec.GracefulEvictionTasks {
		if !direct(task) {
			names.Insert(task.FromCluster)
		}
	}
	return names
}

// purgedDirectly are the clusters that are to be left before others are entered.
func purgedDirectly(spec *workv1alpha2.ResourceBindingSpec) sets.Set[string] {
	names := sets.New[string]()
	for _, task := range spec.GracefulEvictionTasks {
		if direct(task) {
			names.Insert(task.FromCluster)
		}
	}
	return names
}

func direct(task workv1alpha2.GracefulEvictionTask) bool {
	// Immediately is deprecated and still served
	return task.PurgeMode == policyv1alpha1.PurgeModeDirectly || task.PurgeMode == policyv1alpha1.Immediately
}

func suspended(s *workv1alpha2.Suspension, cluster string) bool {
	if s == nil {
		return false
	}
	return ptr.Deref(s.Dispatching, false) ||
		s.DispatchingOnClusters != nil && slices.Contains(s.DispatchingOnClusters.ClusterNames, cluster)
}

// dividesJob tells whether a Job's completions are divided along with its replicas.
func dividesJob(spec *workv1alpha2.ResourceBindingSpec) bool {
	return spec.Replicas > 0 && spec.Placement != nil &&
		spec.Placement.ReplicaSchedulingType() == policyv1alpha1.ReplicaSchedulingTypeDivided
}
