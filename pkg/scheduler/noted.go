package scheduler

import (
	workv1alpha2 "github.com/karmada-io/karmada/pkg/apis/work/v1alpha2"

	"atoll.dev/atoll/apis/karmada/wellknown"
	"atoll.dev/atoll/pkg/scheduler/binding"
	"atoll.dev/atoll/pkg/scheduler/cycle"
	"atoll.dev/atoll/pkg/scheduler/history"
)

// noted returns the annotations that a decision for the given clusters makes differ:
// by which placement it was made, why something moves, and the clusters to avoid from now on.
func (s *Scheduler) noted(b *binding.Binding, q question, decision cycle.Result, clusters []workv1alpha2.TargetCluster) map[string]string {
	present := b.Object.GetAnnotations()
	annotations := map[string]string{}
	if present[wellknown.AppliedPlacementAnnotation] != q.placement {
		annotations[wellknown.AppliedPlacementAnnotation] = q.placement
	}
	moved := !sameTargets(b.Spec.Clusters, clusters)
	if moved {
		group := decision.AffinityName
		if len(clusters) == 0 {
			group = ""
		}
		annotations[wellknown.DecisionsAnnotation] = history.Add(present,
			history.New(s.clock.Now(), because(b, q, decision, clusters), b.Spec.Clusters, clusters, b.Spec.Replicas, group))
	}
	// Limits that have ended make no write of their own.
	if recorded := present[wellknown.AvoidedAnnotation]; (moved || q.fresh) && (len(q.limits) > 0 || recorded != "") && recorded != q.limits.Encode() {
		annotations[wellknown.AvoidedAnnotation] = q.limits.Encode()
	}
	return annotations
}
