package scheduler

import (
	"testing"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	policyv1alpha1 "github.com/karmada-io/karmada/pkg/apis/policy/v1alpha1"

	"atoll.dev/atoll/pkg/scheduler/binding"
	. "atoll.dev/atoll/pkg/scheduler/internal/fixture"
)

func spreadOver(field policyv1alpha1.SpreadFieldValue, groups int) policyv1alpha1.SpreadConstraint {
	return policyv1alpha1.SpreadConstraint{SpreadByField: field, MinGroups: groups, MaxGroups: groups}
}

// TestSpreadByRegion is what Karmada's end-to-end test of spreading by region does:
// with one of "1 cluster" and "2 regions" it wants a cluster in each region.
func TestSpreadByRegion(t *testing.T) {
	p := newPlane(t, Cluster("a", At("", "2")), Cluster("b", At("", "1")), Cluster("c"),
		ResourceBinding("web", Deployment(3, placement{SpreadConstraints: []policyv1alpha1.SpreadConstraint{spreadOver("cluster", 1), spreadOver("region", 2)}})))
	p.settle()
	p.wants(web, "a:3, b:3")
	p.alter(web, func(b *binding.Binding) {
		b.Spec.Placement.SpreadConstraints = []policyv1alpha1.SpreadConstraint{spreadOver("cluster", 1), spreadOver("region", 1)}
	})
	p.settle()
	p.wants(web, "b:3") // of equals the first region
}

// TestTooFewRegions waits for a region, and for nothing else.
func TestTooFewRegions(t *testing.T) {
	p := newPlane(t, Cluster("a", Pods(9), At("", "eu")), Cluster("b", Pods(9)),
		ResourceBinding("web", Deployment(4, placement{ReplicaScheduling: Dynamic(), SpreadConstraints: []policyv1alpha1.SpreadConstraint{spreadOver("region", 2)}})))
	p.settle()
	p.wants(web, "")
	p.wantsScheduled(web, metav1.ConditionFalse, "SchedulerError", "failed to select clusters: the number of feasible region is less than "+
		"spreadConstraint.MinGroups: 2 regions are needed, there is 1 (eu); left out: 1 have no region (b)")
	p.alterCluster("a", Pods(90))
	if p.deliver(); p.queued() {
		t.Error("more room wakes it")
	}
	p.alterCluster("b", At("", "us"))
	p.settle()
	p.wants(web, "a:3, b:1")
	p.wantsScheduled(web, metav1.ConditionTrue, "Success", successMessage)
}
