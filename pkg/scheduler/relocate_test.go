package scheduler

import (
	"fmt"
	"slices"
	"testing"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/utils/ptr"

	clusterv1alpha1 "github.com/karmada-io/karmada/pkg/apis/cluster/v1alpha1"
	policyv1alpha1 "github.com/karmada-io/karmada/pkg/apis/policy/v1alpha1"
	workv1alpha2 "github.com/karmada-io/karmada/pkg/apis/work/v1alpha2"

	"atoll.dev/atoll/apis/karmada/wellknown"
	"atoll.dev/atoll/pkg/membership/capacity"
	"atoll.dev/atoll/pkg/scheduler/binding"
	"atoll.dev/atoll/pkg/scheduler/deschedule"
	. "atoll.dev/atoll/pkg/scheduler/internal/fixture"
)

// stuck tells that so many pods of web have been unschedulable in a cluster from now on.
func (p *plane) stuck(cluster string, pods int) {
	p.t.Helper()
	roomy := capacity.Node{Name: "n", Class: &capacity.Class{}, Ready: true, Free: capacity.Amounts{Pods: 1000}}
	v := &capacity.View{Nodes: []capacity.Node{roomy}} // how much the member holds its summary says
	if pods > 0 {
		since := slices.Repeat([]time.Time{p.clock.Now()}, pods)
		v.Stuck = map[capacity.Workload][]time.Time{{Kind: "Deployment", Namespace: "default", Name: "web"}: since}
	}
	p.alarm.raise(p.scheduler.clusters.SetNodes(cluster, v))
	p.settle()
}

// ready tells how many replicas are ready in a cluster.
func (p *plane) ready(cluster string, replicas int) {
	p.t.Helper()
	p.alter(web, func(b *binding.Binding) {
		b.Status.AggregatedStatus = append(b.Status.AggregatedStatus, workv1alpha2.AggregatedStatusItem{
			ClusterName: cluster, Status: &runtime.RawExtension{Raw: fmt.Appendf(nil, `{"readyReplicas":%d}`, replicas)},
		})
	})
	p.settle()
}

func TestReplicasThatStayUnschedulableArePlacedElsewhere(t *testing.T) {
	for _, strategy := range []*policyv1alpha1.ReplicaSchedulingStrategy{Dynamic(), Aggregated()} {
		p := newPlane(t, Cluster("a", Pods(6)), ResourceBinding("web", Deployment(6, placement{ReplicaScheduling: strategy})))
		p.settle()
		p.wants(web, "a:6")
		p.create(Cluster("b", Pods(20)))
		p.ready("a", 4)
		p.stuck("a", 2)
		p.patches = nil
		p.pass(4 * time.Minute)
		p.wants(web, "a:6")
		if len(p.patches) > 0 {
			t.Errorf("written before the dwell time is over: %v", p.patches)
		}
		p.pass(time.Minute)
		p.wants(web, "a:4, b:2")
		if len(p.patches) != 2 {
			t.Errorf("%d writes, want one of the decision and one of the status: %v", len(p.patches), p.patches)
		}
		if got := p.decisions(web)[0]; got.Moved != "+b:2 -a:2" || got.Cause != "2 replicas were unschedulable in cluster a for 5m0s or longer" {
			t.Errorf("recorded %+v", got)
		}

		// The member has not told yet that they are gone: nothing more is taken off.
		p.pass(2 * time.Minute)
		p.wants(web, "a:4, b:2")
		p.stuck("a", 0)

		// What it reports to have room for is not believed for a while, and then it is.
		p.alterCluster("a", Pods(100))
		p.alter(web, func(b *binding.Binding) { b.Spec.Replicas = 8 })
		p.settle()
		p.wants(web, "a:4, b:4")
		p.pass(deschedule.DefaultAvoid)
		p.alterCluster("b", Pods(0))
		p.alter(web, func(b *binding.Binding) { b.Spec.Replicas = 10 })
		p.settle()
		p.wants(web, "a:6, b:4")
		if value := p.get(web).Object.GetAnnotations()[wellknown.AvoidedAnnotation]; value != "{}" {
			t.Errorf("limits that ended are kept: %s", value)
		}
	}
}

func TestStuckReplicasStay(t *testing.T) {
	dynamic := placement{ReplicaScheduling: Dynamic()}
	statefulSet := Deployment(6, dynamic)
	statefulSet.Resource.Kind = "StatefulSet"
	for _, c := range []struct {
		name   string
		spec   *workv1alpha2.ResourceBindingSpec
		before string
		upset  func(*plane)
	}{
		{"where no other cluster has room", Deployment(30, dynamic), "a:15, b:15", func(p *plane) {
			p.alterCluster("b", Pods(0))
			p.stuck("a", 3)
		}},
		{"by static weight", &weighted().Spec, "a:2, b:4", func(p *plane) { p.stuck("a", 1) }},
		{"duplicated", &everywhere().Spec, "a:2, b:2", func(p *plane) { p.stuck("a", 1) }},
		{"of a kind whose running replicas a member might delete", statefulSet, "a:3, b:3", func(p *plane) { p.stuck("a", 1) }},
		{"beyond those that are assigned and not ready", Deployment(6, dynamic), "a:3, b:3", func(p *plane) {
			p.ready("a", 3)
			p.stuck("a", 1) // one more than the replicas, as while pods are being replaced
		}},
		{"where only another group has room", Deployment(6, placement{ReplicaScheduling: Dynamic(), ClusterAffinities: []policyv1alpha1.ClusterAffinityTerm{
			{AffinityName: "primary", ClusterAffinity: Named("a")}, {AffinityName: "backup", ClusterAffinity: Named("b")},
		}}), "a:6", func(p *plane) { p.stuck("a", 2) }},
		{"where the others would have to go, too", Deployment(6, placement{ReplicaScheduling: Dynamic(), SpreadConstraints: []policyv1alpha1.SpreadConstraint{
			{SpreadByField: policyv1alpha1.SpreadByFieldCluster, MinGroups: 1, MaxGroups: 1},
		}}), "a:6", func(p *plane) { p.stuck("a", 2) }},
		{"when they are scheduled in time", Deployment(6, dynamic), "a:3, b:3", func(p *plane) {
			p.stuck("a", 2)
			p.pass(4 * time.Minute)
			p.stuck("a", 0)
		}},
	} {
		t.Run(c.name, func(t *testing.T) {
			a, b := Cluster("a", Pods(20)), Cluster("b", Pods(20))
			for _, cluster := range []*clusterv1alpha1.Cluster{a, b} {
				apps := &cluster.Status.APIEnablements[0]
				apps.Resources = append(apps.Resources, clusterv1alpha1.APIResource{Name: "statefulsets", Kind: "StatefulSet"})
			}
			p := newPlane(t, a, b, ResourceBinding("web", c.spec))
			p.settle()
			p.wants(web, c.before)
			c.upset(p)
			p.patches = nil
			for range 30 {
				p.pass(time.Minute)
			}
			p.wants(web, c.before)
			p.wantsScheduled(web, metav1.ConditionTrue, "Success", successMessage)
			if len(p.patches) > 0 {
				t.Errorf("written: %v", p.patches)
			}
		})
	}
}

func TestStuckReplicasGoAsSoonAsThereIsRoom(t *testing.T) {
	p := newPlane(t, Cluster("a", Pods(20)), ResourceBinding("web", Deployment(6, placement{ReplicaScheduling: Dynamic()})))
	p.settle()
	p.stuck("a", 3)
	p.pass(10 * time.Minute)
	p.wants(web, "a:6")
	p.create(Cluster("b", Pods(2))) // for some of them
	p.settle()
	p.wants(web, "a:4, b:2")
	p.alterCluster("b", Pods(0))
	p.stuck("a", 1)
	p.pass(10 * time.Minute)
	p.wants(web, "a:4, b:2")
	p.alterCluster("b", Pods(1))
	p.settle()
	p.wants(web, "a:3, b:3")
	p.alterCluster("b", Pods(0))

	// Nothing is avoided at the price of not placing at all.
	p.stuck("a", 0)
	p.alter(web, func(b *binding.Binding) { b.Spec.Replicas = 8 })
	p.settle()
	p.wants(web, "a:5, b:3")

	// Asking for a fresh decision ends what is avoided.
	p.alterCluster("b", Pods(1))
	p.pass(time.Minute)
	p.alter(web, func(b *binding.Binding) { b.Spec.RescheduleTriggeredAt = ptr.To(metav1.NewTime(p.clock.Now())) })
	p.settle()
	if value := p.get(web).Object.GetAnnotations()[wellknown.AvoidedAnnotation]; value != "{}" {
		t.Errorf("limits are kept: %s", value)
	}
}

func TestStuckReplicasDoNotWander(t *testing.T) {
	p := newPlane(t, Cluster("a", Pods(20)), ResourceBinding("web", Deployment(6, placement{ReplicaScheduling: Dynamic()})))
	p.settle()
	p.create(Cluster("b", Pods(20)))
	p.stuck("a", 3)
	p.pass(5 * time.Minute)
	p.wants(web, "a:3, b:3")
	p.stuck("a", 0)
	p.stuck("b", 3)
	for range 29 {
		p.pass(time.Minute)
		p.wants(web, "a:3, b:3")
	}
	p.pass(time.Minute)
	p.wants(web, "a:6")
}

func TestStuckReplicasAreFoundAfterARestart(t *testing.T) {
	p := newPlane(t, Cluster("a", Pods(20)), ResourceBinding("web", Deployment(6, placement{ReplicaScheduling: Dynamic()})))
	p.settle()
	p.create(Cluster("b", Pods(20)))
	p.settle()
	p.stuck("a", 2)
	views := p.scheduler.clusters.Snapshot().Get("a").Nodes
	p.pass(3 * time.Minute)
	p.restart()
	p.settle()
	p.alarm.raise(p.scheduler.clusters.SetNodes("a", views))
	p.settle()
	p.wants(web, "a:6")
	p.pass(2 * time.Minute)
	p.wants(web, "a:4, b:2")
}
