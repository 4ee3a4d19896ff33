package scheduler

import (
	"slices"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/utils/ptr"
	"sigs.k8s.io/controller-runtime/pkg/client"

	clusterv1alpha1 "github.com/karmada-io/karmada/pkg/apis/cluster/v1alpha1"
	policyv1alpha1 "github.com/karmada-io/karmada/pkg/apis/policy/v1alpha1"
	workv1alpha2 "github.com/karmada-io/karmada/pkg/apis/work/v1alpha2"

	"atoll.dev/atoll/apis/karmada/wellknown"
	"atoll.dev/atoll/pkg/scheduler/binding"
	. "atoll.dev/atoll/pkg/scheduler/internal/fixture"
)

func TestWhatMovesAPlacedBinding(t *testing.T) {
	gold := &policyv1alpha1.ClusterAffinity{LabelSelector: &metav1.LabelSelector{MatchLabels: map[string]string{"tier": "gold"}}}
	dynamic := func() *workv1alpha2.ResourceBinding {
		return ResourceBinding("web", Deployment(6, placement{ReplicaScheduling: Dynamic()}))
	}
	for _, c := range []struct {
		name         string
		object       *workv1alpha2.ResourceBinding
		before       string
		change       func(*plane)
		after        string
		generation   int64
		wantNoWrites bool
		wantAsleep   bool
	}{
		{"weights change", weighted(), "a:2, b:4", func(p *plane) {
			p.alter(web, func(b *binding.Binding) { b.Spec.Placement.ReplicaScheduling = Static(Weight("a", 1), Weight("b", 1)) })
		}, "a:3, b:3", 4, false, false},
		{"scaled up", weighted(), "a:2, b:4", func(p *plane) { p.alter(web, func(b *binding.Binding) { b.Spec.Replicas = 9 }) }, "a:3, b:6", 4, false, false},
		{"scaled, duplicated", everywhere(), "a:2, b:2", func(p *plane) { p.alter(web, func(b *binding.Binding) { b.Spec.Replicas = 3 }) }, "a:3, b:3", 4, false, false},
		{"evicted from a cluster", weighted(), "a:2, b:4", func(p *plane) {
			p.alter(web, func(b *binding.Binding) { b.Spec.GracefulEvictCluster("a", workv1alpha2.NewTaskOptions()) })
		}, "b:6", 4, false, false},
		{"a cluster is deleted", weighted(), "a:2, b:4", func(p *plane) { p.delete(Cluster("a")) }, "b:6", 3, false, false},
		{"a field changes that placing does not depend on", weighted(), "a:2, b:4", func(p *plane) {
			p.alter(web, func(b *binding.Binding) { b.Spec.PropagateDeps = true })
		}, "a:2, b:4", 3, false, false},
		{"a cluster joins, divided", dynamic(), "a:3, b:3", func(p *plane) { p.create(Cluster("c", Pods(100))) }, "a:3, b:3", 2, true, true},
		{"a cluster joins, duplicated", everywhere(), "a:2, b:2", func(p *plane) { p.create(Cluster("c")) }, "a:2, b:2, c:2", 3, false, false},
		{"a cluster is tainted", everywhere(), "a:2, b:2", func(p *plane) {
			p.alterCluster("a", Taint("down", "", corev1.TaintEffectNoExecute))
		}, "a:2, b:2", 2, true, false},
		{"a cluster loses the API", everywhere(), "a:2, b:2", func(p *plane) { p.alterCluster("a", WithoutAPIs()) }, "a:2, b:2", 2, true, false},
		{"more room", dynamic(), "a:3, b:3", func(p *plane) { p.alterCluster("a", Pods(1000)) }, "a:3, b:3", 2, true, true},
		{"more room, duplicated", everywhere(), "a:2, b:2", func(p *plane) { p.alterCluster("a", Pods(1000)) }, "a:2, b:2", 2, true, true},
		{"a cluster no longer matches", ResourceBinding("web", Deployment(2, placement{ClusterAffinity: gold})), "b:2", func(p *plane) {
			p.alterCluster("b", Label("tier", "silver"))
			p.alterCluster("a", Label("tier", "gold"))
		}, "a:2", 3, false, false},
		{"status comes in", weighted(), "a:2, b:4", func(p *plane) {
			p.alter(web, func(b *binding.Binding) {
				b.Status.AggregatedStatus = []workv1alpha2.AggregatedStatusItem{{ClusterName: "a", Applied: true}}
			})
		}, "a:2, b:4", 2, true, true},
	} {
		t.Run(c.name, func(t *testing.T) {
			p := newPlane(t, Cluster("a", Pods(20)), Cluster("b", Pods(20), Label("tier", "gold")), c.object)
			p.settle()
			p.wants(web, c.before)
			p.patches = nil
			c.change(p)
			if p.deliver(); c.wantAsleep && p.queued() {
				t.Error("it is looked at")
			}
			p.settle()
			p.wants(web, c.after)
			p.wantsScheduled(web, metav1.ConditionTrue, "Success", successMessage)
			b := p.get(web)
			if got := b.Object.GetGeneration(); got != c.generation || b.Status.SchedulerObservedGeneration != got {
				t.Errorf("generation %d, observed %d; want both %d", got, b.Status.SchedulerObservedGeneration, c.generation)
			}
			if c.wantNoWrites && len(p.patches) > 0 {
				t.Errorf("written %v", p.patches)
			}
		})
	}
}

func TestClusterBeingRemovedIsLeft(t *testing.T) {
	p := newPlane(t, func() client.Object {
		c := Cluster("a")
		c.Finalizers = []string{wellknown.ClusterControllerFinalizer}
		return c
	}(), Cluster("b"), weighted())
	p.settle()
	p.wants(web, "a:2, b:4")
	p.delete(Cluster("a")) // the finalizer keeps it
	p.settle()
	p.wants(web, "b:6")
}

func TestRescheduleTriggered(t *testing.T) {
	p := newPlane(t, Cluster("a", Pods(20)), Cluster("b", Pods(20)), ResourceBinding("web", Deployment(6, placement{ReplicaScheduling: Dynamic()})))
	p.settle()
	p.create(Cluster("c", Pods(20)))
	p.settle()
	p.wants(web, "a:3, b:3")
	// The clock that triggers may be ahead of ours.
	trigger := metav1.NewTime(p.clock.Now().Add(time.Minute))
	p.alter(web, func(b *binding.Binding) { b.Spec.RescheduleTriggeredAt = &trigger })
	p.settle()
	p.wants(web, "a:2, b:2, c:2")
	p.patches = nil
	p.restart()
	p.settle()
	if len(p.patches) > 0 {
		t.Errorf("rescheduled again: %v", p.patches)
	}
}

func TestFallbackIsRecorded(t *testing.T) {
	groups := placement{ReplicaScheduling: Dynamic(), ClusterAffinities: []policyv1alpha1.ClusterAffinityTerm{
		{AffinityName: "primary", ClusterAffinity: Named("a")}, {AffinityName: "backup", ClusterAffinity: Named("b")},
	}}
	p := newPlane(t, Cluster("a", Pods(3)), Cluster("b", Pods(50)), ResourceBinding("web", Deployment(3, groups)))
	p.settle()
	p.wants(web, "a:3")
	if got := p.get(web).Status.SchedulerObservedAffinityName; got != "primary" {
		t.Errorf("in group %q, want primary", got)
	}
	p.alter(web, func(b *binding.Binding) { b.Spec.GracefulEvictCluster("a", workv1alpha2.NewTaskOptions()) })
	p.settle()
	p.wants(web, "b:3")
	if got := p.get(web).Status.SchedulerObservedAffinityName; got != "backup" {
		t.Errorf("in group %q, want backup", got)
	}
	// What it fell back from is no longer its business.
	p.patches = nil
	p.alter(web, func(b *binding.Binding) { b.Spec.Placement.ClusterAffinities[0].ExcludeClusters = []string{"x"} })
	p.settle()
	p.wants(web, "b:3")
	for _, patch := range p.patches {
		if patch["spec"] != nil {
			t.Errorf("decided anew: %v", patch)
		}
	}
}

func TestFitsNowhere(t *testing.T) {
	p := newPlane(t, Cluster("a"), Cluster("b"), weighted())
	p.settle()
	p.announced()
	p.alter(web, func(b *binding.Binding) { b.Spec.Placement.ClusterAffinity = ptr.To(Named("c")) })
	p.settle()
	p.wants(web, "")
	message := "0/2 clusters fit: 2 outside the cluster affinity"
	p.wantsScheduled(web, metav1.ConditionFalse, "NoClusterFit", message)
	event := "Warning ScheduleBindingFailed " + message
	if got := p.announced(); !slices.Equal(got, []string{event, event}) {
		t.Errorf("events %q, want %q for binding and template", got, event)
	}

	p.alterCluster("a", Taint("down", "", corev1.TaintEffectNoExecute))
	p.alterCluster("b", Label("tier", "gold"))
	if p.deliver(); p.queued() {
		t.Error("clusters that the placement does not name wake it")
	}
	p.create(Cluster("c", WithoutAPIs()))
	p.settle()
	p.wantsScheduled(web, metav1.ConditionFalse, "NoClusterFit",
		"0/3 clusters fit: 2 outside the cluster affinity, 1 lack apps/v1 Deployment")
	p.alterCluster("c", func(c *clusterv1alpha1.Cluster) { c.Status = Cluster("c").Status })
	p.settle()
	p.wants(web, "c:6")
}

func TestShortageKeepsWhatIsPlaced(t *testing.T) {
	p := newPlane(t, Cluster("a", Pods(3)), ResourceBinding("web", Deployment(3, placement{ReplicaScheduling: Dynamic()})))
	p.settle()
	p.alterCluster("a", Pods(0)) // as it reports once they run
	p.endClaims()
	p.alter(web, func(b *binding.Binding) { b.Spec.Replicas = 5 })
	p.settle()
	p.wants(web, "a:3")
	p.wantsScheduled(web, metav1.ConditionFalse, "Unschedulable",
		"failed to assign replicas: failed to scale up: Clusters available replicas 0 are not enough to schedule.")
	if b := p.get(web); b.Status.SchedulerObservedGeneration == b.Object.GetGeneration() {
		t.Error("the generation that could not be placed counts as observed")
	}
	if p.deliver(); p.queued() {
		t.Error("it is tried again with nothing changed")
	}
	p.alterCluster("a", Pods(2))
	p.settle()
	p.wants(web, "a:5")

	// Scaling back ends a shortage, too.
	p.alterCluster("a", Pods(0))
	p.endClaims()
	p.alter(web, func(b *binding.Binding) { b.Spec.Replicas = 9 })
	p.settle()
	p.alter(web, func(b *binding.Binding) { b.Spec.Replicas = 5 })
	p.settle()
	p.wants(web, "a:5")
	p.wantsScheduled(web, metav1.ConditionTrue, "Success", successMessage)
}

func TestClusterThatLeavesWhileItIsChosen(t *testing.T) {
	p := newPlane(t, Cluster("a"), Cluster("b"), weighted())
	p.beforePatch = func() {
		p.beforePatch = nil
		p.alarm.raise(p.scheduler.clusters.Delete("a"))
		p.scheduler.queueConcerned(t.Context(), p.alarm.take(), p.queue)
	}
	result, err := p.scheduler.Reconcile(t.Context(), web)
	if err != nil || result.RequeueAfter == 0 {
		t.Fatalf("result %v, error %v; want to look again", result, err)
	}
	if _, err := p.scheduler.Reconcile(t.Context(), web); err != nil {
		t.Fatal(err)
	}
	p.wants(web, "b:6")
}

func TestClusterThatNoLongerMatchesIsLeft(t *testing.T) {
	gold := &policyv1alpha1.ClusterAffinity{LabelSelector: &metav1.LabelSelector{MatchLabels: map[string]string{"tier": "gold"}}}
	p := newPlane(t, Cluster("a", Label("tier", "gold")), Cluster("b", Label("tier", "gold")),
		ResourceBinding("web", Deployment(2, placement{ClusterAffinity: gold})))
	p.settle()
	p.wants(web, "a:2, b:2")
	p.alterCluster("b", Label("tier", "silver"))
	p.settle()
	p.wants(web, "a:2")
}
