package cycle

import (
	policyv1alpha1 "github.com/karmada-io/karmada/pkg/apis/policy/v1alpha1"

	"atoll.dev/atoll/pkg/scheduler/framework"
)

// LimitedByRoom tells whether the decision gives no cluster more than it has room for.
func LimitedByRoom(r *framework.Request) bool {
	placement := r.Spec.Placement
	if len(r.Spec.Components) > 1 { // whole sets; only spread constraints look at room for them
		return len(placement.SpreadConstraints) > 0 && placement.ReplicaSchedulingType() != policyv1alpha1.ReplicaSchedulingTypeDuplicated
	}
	if !hasReplicas(r.Spec) {
		return false
	}
	s := strategyOf(placement)
	return s == dynamicWeight || s == aggregated
}
