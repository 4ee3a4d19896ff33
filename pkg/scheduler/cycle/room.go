package cycle

import "atoll.dev/atoll/pkg/scheduler/framework"

// LimitedByRoom tells whether the decision gives no cluster more than it has room for.
func LimitedByRoom(r *framework.Request) bool {
	if !hasReplicas(r.Spec) {
		return false
	}
	s := strategyOf(r.Spec.Placement)
	return s == dynamicWeight || s == aggregated
}
