package failover

import (
	"slices"

	policyv1alpha1 "github.com/karmada-io/karmada/pkg/apis/policy/v1alpha1"
	workv1alpha2 "github.com/karmada-io/karmada/pkg/apis/work/v1alpha2"
	"k8s.io/apimachinery/pkg/api/meta"
	"k8s.io/utils/ptr"

	"atoll.dev/atoll/pkg/propagation/twin"
)

// withdraw takes tasks back whose reason has gone before the workload took root elsewhere: the cluster
// goes back where it was, with its replicas.
//
//	taint gone, or tolerated again     always where a copy in every cluster is wanted; else if not taken over
//	application healthy again there    if not taken over
//	application fails, nothing fits    it is the only place, and a corrected template must reach it
//
// What came for the cluster's sake goes again, but never the only healthy copy: then the task stays until
// the copy in the cluster is healthy too, or the others are.
func withdraw(v *verdict, b twin.Binding, c circumstances) error {
	took, everywhere := takenOver(b, c), wantedEverywhere(b.Spec)
	well := func(t workv1alpha2.TargetCluster) bool { return c.well(t.Name, b) }
	for _, t := range slices.Clone(v.tasks) {
		p := c.place(t.FromCluster)
		if p == nil || c.leaves(p, b.Spec) || v.targets(t.FromCluster) {
			continue
		}
		nowhere := false
		switch t.Reason {
		case workv1alpha2.EvictionReasonTaintUntolerated:
			if t.Producer != workv1alpha2.EvictionProducerTaintManager || suppressed(t) || took && !everywhere {
				continue
			}
		case workv1alpha2.EvictionReasonApplicationFailure:
			nowhere = meta.IsStatusConditionFalse(b.Status.Conditions, workv1alpha2.Scheduled)
			if !nowhere && (took || suppressed(t) || !c.well(t.FromCluster, b)) {
				continue
			}
		default:
			continue
		}
		next := verdict{clusters: slices.Clone(v.clusters), tasks: slices.Clone(v.tasks), withdrawn: v.withdrawn}
		next.giveBack(t, b, c)
		if slices.ContainsFunc(v.clusters, well) && !slices.ContainsFunc(next.clusters, well) {
			continue
		}
		v.clusters, v.tasks, v.withdrawn = next.clusters, next.tasks, next.withdrawn
		if nowhere {
			v.nothingElse = append(v.nothingElse, t.FromCluster)
		}
	}
	return nil
}

// wantedEverywhere tells whether every cluster that fits gets the workload.
func wantedEverywhere(spec *workv1alpha2.ResourceBindingSpec) bool {
	return !divided(spec) && (spec.Placement == nil || len(spec.Placement.SpreadConstraints) == 0)
}

// giveBack puts a cluster back where it stood and takes what is too much from the others: from those that
// have come since, and of these first from those that are not yet healthy.
func (v *verdict) giveBack(t workv1alpha2.GracefulEvictionTask, b twin.Binding, c circumstances) {
	replicas := ptr.Deref(t.Replicas, 0)
	if divided(b.Spec) {
		replicas = min(replicas, b.Spec.Replicas)
	} else if b.Spec.IsWorkload() {
		replicas = b.Spec.Replicas
	}
	back := workv1alpha2.TargetCluster{Name: t.FromCluster, Replicas: replicas}
	v.clusters = slices.Insert(v.clusters, v.formerIndex(t), back)
	v.tasks = slices.DeleteFunc(v.tasks, func(x workv1alpha2.GracefulEvictionTask) bool { return x.FromCluster == t.FromCluster })
	v.withdrawn = append(v.withdrawn, t.FromCluster)
	switch {
	case divided(b.Spec):
		v.takeReplicas(t, b, c)
	default:
		v.takeClusters(t, b, c)
	}
}

// formerIndex is where a cluster goes among the present ones: before the first of those that followed it.
func (v *verdict) formerIndex(t workv1alpha2.GracefulEvictionTask) int {
	at := slices.Index(t.ClustersBeforeFailover, t.FromCluster)
	if at < 0 {
		return len(v.clusters)
	}
	for i, x := range v.clusters {
		if before := slices.Index(t.ClustersBeforeFailover, x.Name); before > at || before < 0 {
			return i
		}
	}
	return len(v.clusters)
}

// takeReplicas brings the sum of the replicas back to what is wanted.
func (v *verdict) takeReplicas(t workv1alpha2.GracefulEvictionTask, b twin.Binding, c circumstances) {
	excess := -int64(b.Spec.Replicas)
	for _, x := range v.clusters {
		excess += int64(x.Replicas)
	}
	for ; excess > 0; excess-- {
		from := -1
		for i, x := range v.clusters {
			if x.Replicas == 0 || x.Name == t.FromCluster {
				continue
			}
			if from < 0 || v.goesFirst(x, v.clusters[from], t, b, c) {
				from = i
			}
		}
		if from < 0 {
			break
		}
		v.clusters[from].Replicas--
	}
	v.clusters = slices.DeleteFunc(v.clusters, func(x workv1alpha2.TargetCluster) bool { return x.Replicas == 0 })
}

// goesFirst tells which of two clusters gives a replica: one that has come since, one that is not healthy, the larger one.
func (v *verdict) goesFirst(x, y workv1alpha2.TargetCluster, t workv1alpha2.GracefulEvictionTask, b twin.Binding, c circumstances) bool {
	if newX, newY := newcomer(x.Name, t), newcomer(y.Name, t); newX != newY {
		return newX
	}
	if wellX, wellY := c.well(x.Name, b), c.well(y.Name, b); wellX != wellY {
		return wellY
	}
	return x.Replicas > y.Replicas
}

func newcomer(cluster string, t workv1alpha2.GracefulEvictionTask) bool {
	return !slices.Contains(t.ClustersBeforeFailover, cluster)
}

// takeClusters takes newcomers out that are not healthy, where the placement limits the number of clusters.
func (v *verdict) takeClusters(t workv1alpha2.GracefulEvictionTask, b twin.Binding, c circumstances) {
	limit := maxClusters(b.Spec)
	for i := len(v.clusters) - 1; i >= 0 && limit > 0 && len(v.clusters) > limit; i-- {
		name := v.clusters[i].Name
		if newcomer(name, t) && !slices.Contains(v.withdrawn, name) && !c.well(name, b) {
			v.clusters = slices.Delete(v.clusters, i, i+1)
		}
	}
}

// maxClusters is how many clusters the placement allows at most, 0 for any number.
func maxClusters(spec *workv1alpha2.ResourceBindingSpec) int {
	if spec.Placement == nil {
		return 0
	}
	for _, s := range spec.Placement.SpreadConstraints {
		if s.SpreadByField == policyv1alpha1.SpreadByFieldCluster {
			return s.MaxGroups
		}
	}
	return 0
}
