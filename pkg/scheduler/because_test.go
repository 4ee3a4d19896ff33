package scheduler

import (
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/utils/ptr"

	policyv1alpha1 "github.com/karmada-io/karmada/pkg/apis/policy/v1alpha1"
	workv1alpha2 "github.com/karmada-io/karmada/pkg/apis/work/v1alpha2"

	"atoll.dev/atoll/apis/karmada/wellknown"
	"atoll.dev/atoll/pkg/scheduler/binding"
	"atoll.dev/atoll/pkg/scheduler/history"
	. "atoll.dev/atoll/pkg/scheduler/internal/fixture"
)

// decisions returns what a binding's history says, the newest first.
func (p *plane) decisions(key binding.Key) []history.Decision {
	p.t.Helper()
	return history.Of(p.get(key).Object.GetAnnotations())
}

func TestTheReasonOfEachMoveIsRecorded(t *testing.T) {
	gold := &policyv1alpha1.ClusterAffinity{LabelSelector: &metav1.LabelSelector{MatchLabels: map[string]string{"tier": "gold"}}}
	dynamic := func() *workv1alpha2.ResourceBinding {
		return ResourceBinding("web", Deployment(6, placement{ReplicaScheduling: Dynamic()}))
	}
	onGold := func(s *policyv1alpha1.ReplicaSchedulingStrategy) *workv1alpha2.ResourceBinding {
		return ResourceBinding("web", Deployment(6, placement{ReplicaScheduling: s, ClusterAffinity: gold}))
	}
	groups := placement{ReplicaScheduling: Dynamic(), ClusterAffinities: []policyv1alpha1.ClusterAffinityTerm{
		{AffinityName: "primary", ClusterAffinity: Named("a", "b")}, {AffinityName: "backup", ClusterAffinity: Named("c")},
	}}
	evicted := workv1alpha2.NewTaskOptions(workv1alpha2.WithReason("TaintUntolerated"))
	trigger := metav1.Unix(1_700_000_060, 0)
	for _, c := range []struct {
		name   string
		object *workv1alpha2.ResourceBinding
		change func(*plane)
		after  string
		moved  string
		cause  string
	}{
		{"first placement", weighted(), func(*plane) {}, "a:2, b:4", "+a:2 +b:4", "it had not been placed before"},
		{"scaled up", dynamic(), func(p *plane) { p.alter(web, func(b *binding.Binding) { b.Spec.Replicas = 8 }) },
			"a:4, b:4", "+a:1 +b:1", "the number of replicas changed from 6 to 8"},
		{"scaled, duplicated", everywhere(), func(p *plane) { p.alter(web, func(b *binding.Binding) { b.Spec.Replicas = 1 }) },
			"a:1, b:1", "-a:1 -b:1", "the number of replicas changed from 2 to 1"},
		{"scaled until a cluster has none", dynamic(), func(p *plane) { p.alter(web, func(b *binding.Binding) { b.Spec.Replicas = 1 }) },
			"a:1", "-a:2 -b:3", "the number of replicas changed from 6 to 1"},
		{"another placement", weighted(), func(p *plane) {
			p.alter(web, func(b *binding.Binding) {
				b.Spec.Placement.ReplicaScheduling = Static(Weight("a", 1), Weight("b", 1))
				b.Spec.Placement.ClusterAffinity = ptr.To(Named("b"))
			})
		}, "b:6", "+b:2 -a:2", "the placement changed (clusterAffinity, replicaScheduling); cluster a no longer matches the cluster affinity (it is not among the cluster names)"},
		{"evicted", dynamic(), func(p *plane) {
			p.alter(web, func(b *binding.Binding) { b.Spec.GracefulEvictCluster("a", evicted) })
		}, "b:6", "+b:3", "3 replicas were evicted from a (TaintUntolerated)"},
		{"taken away without a word", dynamic(), func(p *plane) {
			p.alter(web, func(b *binding.Binding) { b.Spec.Clusters = b.Spec.Clusters[1:] })
		}, "a:2, b:4", "+a:2 +b:1", "3 replicas were taken off the clusters that had them"},
		{"a cluster is deleted", dynamic(), func(p *plane) { p.delete(Cluster("a")) }, "b:6", "+b:3 -a:3", "cluster a is gone"},
		{"a cluster joins", everywhere(), func(p *plane) { p.create(Cluster("d")) }, "a:2, b:2, d:2", "+d:2", "cluster d fits now"},
		{"clusters join", everywhere(), func(p *plane) { p.create(Cluster("d")); p.create(Cluster("e")) }, "a:2, b:2, d:2, e:2", "+d:2 +e:2", "clusters d, e fit now"},
		{"a label goes, duplicated", onGold(Duplicated()), func(p *plane) { p.alterCluster("a", Label("tier", "tin")) },
			"b:6", "-a:6", `cluster a no longer matches the cluster affinity (label tier is "tin", not "gold")`},
		{"a label goes, divided", onGold(Dynamic()), func(p *plane) { p.alterCluster("a", Label("tier", "tin")) },
			"b:6", "+b:3 -a:3", `cluster a no longer matches the cluster affinity (label tier is "tin", not "gold")`},
		{"a label goes, by static weight", onGold(Static()), func(p *plane) { p.alterCluster("a", Label("tier", "tin")) },
			"b:6", "+b:3 -a:3", `cluster a no longer matches the cluster affinity (label tier is "tin", not "gold")`},
		{"no cluster left", onGold(Dynamic()), func(p *plane) {
			p.alterCluster("a", Label("tier", "tin"))
			p.alterCluster("b", Label("tier", "tin"))
		}, "", "-a:3 -b:3", `cluster a no longer matches the cluster affinity (label tier is "tin", not "gold"); ` +
			`cluster b no longer matches the cluster affinity (label tier is "tin", not "gold")`},
		{"falls back", ResourceBinding("web", Deployment(6, groups)), func(p *plane) {
			p.create(Cluster("c", Pods(20)))
			p.alterCluster("b", Pods(0))
			p.alter(web, func(b *binding.Binding) { b.Spec.GracefulEvictCluster("a", evicted) })
		}, "c:6", "+c:6 -b:3", "3 replicas were evicted from a (TaintUntolerated); cluster group primary could not take it and backup could"},
		{"triggered", dynamic(), func(p *plane) {
			p.create(Cluster("c", Pods(20)))
			p.alter(web, func(b *binding.Binding) { b.Spec.RescheduleTriggeredAt = &trigger })
		}, "a:2, b:2, c:2", "+c:2 -a:1 -b:1", "spec.rescheduleTriggeredAt was set to 2023-11-14T22:14:20Z"},
		{"triggered by a WorkloadRebalancer", dynamic(), func(p *plane) {
			p.create(Cluster("c", Pods(20)))
			p.alter(web, func(b *binding.Binding) {
				b.Spec.RescheduleTriggeredAt = &trigger
				b.Object.GetAnnotations()[wellknown.TriggeredByAnnotation] = "2023-11-14T22:14:20Z spring-cleaning"
			})
		}, "a:2, b:2, c:2", "+c:2 -a:1 -b:1", "WorkloadRebalancer spring-cleaning asked for it"},
	} {
		t.Run(c.name, func(t *testing.T) {
			p := newPlane(t, Cluster("a", Pods(20), Label("tier", "gold")), Cluster("b", Pods(20), Label("tier", "gold")), c.object)
			p.settle()
			before := len(p.decisions(web))
			p.clock.SetTime(p.clock.Now().Add(time.Minute))
			c.change(p)
			p.settle()
			p.wants(web, c.after)
			decisions := p.decisions(web)
			if c.name != "first placement" && len(decisions) != before+1 {
				t.Errorf("%d decisions recorded, want one more than %d", len(decisions), before)
			}
			if got := decisions[0]; got.Cause != c.cause || got.Moved != c.moved {
				t.Errorf("recorded %q because %q\n           want %q because %q", got.Moved, got.Cause, c.moved, c.cause)
			}
		})
	}
}

func TestWhatMovesNothingIsNotRecorded(t *testing.T) {
	p := newPlane(t, Cluster("a", Pods(20)), Cluster("b", Pods(20)), ResourceBinding("web", Deployment(6, placement{ReplicaScheduling: Dynamic()})))
	p.settle()
	p.alterCluster("a", Taint("gpu", "", corev1.TaintEffectNoSchedule))
	p.alterCluster("b", Label("tier", "gold"))
	p.alterCluster("a", Pods(0))
	p.alter(web, func(b *binding.Binding) { b.Spec.Placement.ClusterAffinity = ptr.To(Named("a", "b")) })
	p.settle()
	p.wants(web, "a:3, b:3")
	if got := p.decisions(web); len(got) != 1 {
		t.Errorf("recorded %+v, want the first placement only", got)
	}
}
