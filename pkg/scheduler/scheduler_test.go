package scheduler

import (
	"encoding/json"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/utils/ptr"
	"sigs.k8s.io/controller-runtime/pkg/client"

	policyv1alpha1 "github.com/karmada-io/karmada/pkg/apis/policy/v1alpha1"
	workv1alpha2 "github.com/karmada-io/karmada/pkg/apis/work/v1alpha2"

	"atoll.dev/atoll/apis/karmada/wellknown"
	"atoll.dev/atoll/pkg/scheduler/binding"
	. "atoll.dev/atoll/pkg/scheduler/internal/fixture"
)

type placement = policyv1alpha1.Placement

var web = binding.Key{Namespace: "default", Name: "web"}

// weighted is 6 replicas of web over a and b as 1 to 2.
func weighted() *workv1alpha2.ResourceBinding {
	return ResourceBinding("web", Deployment(6, placement{ReplicaScheduling: Static(Weight("a", 1), Weight("b", 2))}))
}

// everywhere is 2 replicas of web in each cluster.
func everywhere() *workv1alpha2.ResourceBinding {
	return ResourceBinding("web", Deployment(2, placement{ReplicaScheduling: Duplicated()}))
}

func TestFirstPlacement(t *testing.T) {
	spec := weighted().Spec
	for _, c := range []struct {
		name   string
		object client.Object
	}{
		{"ResourceBinding", ResourceBinding("web", &spec)},
		{"ClusterResourceBinding", ClusterResourceBinding("web", &spec)},
	} {
		t.Run(c.name, func(t *testing.T) {
			key := binding.KeyOf(c.object)
			p := newPlane(t, Cluster("a"), Cluster("b"), c.object)
			p.settle()

			p.wants(key, "a:2, b:4")
			p.wantsScheduled(key, metav1.ConditionTrue, "Success", "Binding has been scheduled successfully.")
			b := p.get(key)
			if got, want := b.Status.SchedulerObservedGeneration, b.Object.GetGeneration(); got != want || want != 2 {
				t.Errorf("observed generation %d of %d, want 2 of 2", got, want)
			}
			if last := b.Status.LastScheduledTime; last == nil || !last.Time.Equal(p.clock.Now()) {
				t.Errorf("last scheduled at %v, want %v", last, p.clock.Now())
			}
			var applied placement
			if err := json.Unmarshal([]byte(b.Object.GetAnnotations()[wellknown.AppliedPlacementAnnotation]), &applied); err != nil || applied.ReplicaScheduling == nil {
				t.Errorf("applied placement = %v, %v", applied, err)
			}
			if len(p.patches) != 2 {
				t.Errorf("%d writes, want one of the decision and one of the status: %v", len(p.patches), p.patches)
			}
			for _, patch := range p.patches {
				if patch["metadata"].(map[string]any)["resourceVersion"] == nil {
					t.Errorf("a write that is not based on a version: %v", patch)
				}
			}
			event := "Normal ScheduleBindingSucceed Binding has been scheduled successfully. Result: {a:2, b:4}"
			if got := p.announced(); !slices.Equal(got, []string{event, event}) {
				t.Errorf("events %q, want %q for binding and template", got, event)
			}
		})
	}
}

func TestWritesOnlyTheSchedulersFields(t *testing.T) {
	p := newPlane(t, Cluster("a"), Cluster("b"), weighted())
	p.settle()
	p.alter(web, func(b *binding.Binding) { b.Spec.Replicas = 7 })
	p.settle()
	p.alter(web, func(b *binding.Binding) { b.Spec.Placement.ClusterAffinity = ptr.To(Named("nowhere")) })
	p.settle()
	written := map[string]bool{}
	for _, patch := range p.patches {
		for _, part := range []string{"metadata", "spec", "status"} {
			fields, _ := patch[part].(map[string]any)
			for field := range fields {
				written[part+"."+field] = true
			}
		}
		for _, part := range []string{"metadata", "spec", "status"} {
			delete(patch, part)
		}
		if len(patch) > 0 {
			t.Errorf("also written: %v", patch)
		}
	}
	want := []string{"metadata.annotations", "metadata.resourceVersion", "spec.clusters", "status.conditions", "status.lastScheduledTime", "status.schedulerObservedGeneration"}
	if got := slices.Sorted(maps.Keys(written)); !slices.Equal(got, want) {
		t.Errorf("written %v, want %v", got, want)
	}
}

func TestRestartWritesNothing(t *testing.T) {
	room := Pods(3)
	groups := placement{ClusterAffinities: []policyv1alpha1.ClusterAffinityTerm{
		{AffinityName: "first", ClusterAffinity: Named("z")}, {AffinityName: "second", ClusterAffinity: Named("a")},
	}}
	for _, c := range []struct {
		name   string
		object client.Object
	}{
		{"duplicated", everywhere()},
		{"divided", weighted()},
		{"in a cluster group", ResourceBinding("web", Deployment(2, groups))},
		{"fits nowhere", ResourceBinding("web", Deployment(2, placement{ClusterAffinity: ptr.To(Named("z"))}))},
		{"no room", ResourceBinding("web", Deployment(7, placement{ReplicaScheduling: Dynamic()}))},
		{"asks for what is not supported", ResourceBinding("web", Deployment(7, placement{SpreadConstraints: []policyv1alpha1.SpreadConstraint{{SpreadByLabel: "rack"}}}))},
		{"without replicas", ResourceBinding("web", ConfigMap(placement{}))},
		{"cluster-scoped", ClusterResourceBinding("web", ConfigMap(placement{}))},
	} {
		t.Run(c.name, func(t *testing.T) {
			for _, inOne := range []bool{false, true} {
				p := newPlane(t, Cluster("a", room), Cluster("b", room), c.object.DeepCopyObject().(client.Object))
				p.inOne = inOne
				p.settle()
				if len(p.patches) == 0 && len(p.taken) == 0 {
					t.Fatal("nothing was written in the first place")
				}
				p.clock.SetTime(p.clock.Now().Add(time.Hour))
				p.restart()
				p.settle()
				if len(p.patches) > 0 || len(p.taken) > 0 {
					t.Errorf("in one transaction %v: written again: %v %v", inOne, p.patches, p.taken)
				}
				if events := p.announced(); len(events) > 0 {
					t.Errorf("in one transaction %v: announced again: %v", inOne, events)
				}
			}
		})
	}
}

func TestDeathBetweenTheWrites(t *testing.T) {
	for _, object := range []*workv1alpha2.ResourceBinding{everywhere(), weighted()} {
		p := newPlane(t, Cluster("a"), Cluster("b"), object)
		p.failStatus = true
		if _, err := p.scheduler.Reconcile(t.Context(), web); err == nil {
			t.Fatal("a write that failed is not reported")
		}
		placed := summary(p.get(web).Spec.Clusters)
		if placed == "" || p.get(web).Status.LastScheduledTime != nil {
			t.Fatalf("want the decision written and the status not, have %q and %v", placed, p.get(web).Status)
		}
		p.restart()
		p.settle()
		p.wants(web, placed)
		p.wantsScheduled(web, metav1.ConditionTrue, "Success", successMessage)
		if len(p.patches) != 1 {
			t.Errorf("%d writes to complete the status, want 1: %v", len(p.patches), p.patches)
		}
	}
}

func TestNotOurs(t *testing.T) {
	for _, c := range []struct {
		name  string
		alter func(*workv1alpha2.ResourceBinding)
	}{
		{"another scheduler's", func(b *workv1alpha2.ResourceBinding) { b.Spec.SchedulerName = "batch-scheduler" }},
		{"scheduling suspended", func(b *workv1alpha2.ResourceBinding) {
			b.Spec.Suspension = &workv1alpha2.Suspension{Scheduling: ptr.To(true)}
		}},
		{"no policy behind it", func(b *workv1alpha2.ResourceBinding) { b.Labels = nil }},
		{"no placement", func(b *workv1alpha2.ResourceBinding) { b.Spec.Placement = nil }},
		{"being deleted", func(b *workv1alpha2.ResourceBinding) {
			b.Finalizers, b.DeletionTimestamp = []string{wellknown.BindingControllerFinalizer}, ptr.To(metav1.Unix(1, 0))
		}},
	} {
		t.Run(c.name, func(t *testing.T) {
			b := weighted()
			c.alter(b)
			p := newPlane(t, Cluster("a"), Cluster("b"))
			p.scheduler.bindings.Observe(b) // the fake API server makes no objects that are being deleted
			if _, err := p.scheduler.Reconcile(t.Context(), web); err != nil || len(p.patches) > 0 {
				t.Errorf("error %v, written %v; want neither", err, p.patches)
			}
			if p.scheduler.worthLooking(nil, binding.Of(b)) {
				t.Error("it is queued")
			}
		})
	}
}

func TestOursByName(t *testing.T) {
	b := weighted()
	b.Spec.SchedulerName = "batch-scheduler"
	p := newPlane(t, Cluster("a"), Cluster("b"), b)
	p.settle()
	p.wants(web, "")
	p.restart(func(o *Options) { o.SchedulerName = "batch-scheduler" })
	p.settle()
	p.wants(web, "a:2, b:4")
}

func TestSuspensionEnds(t *testing.T) {
	b := weighted()
	b.Spec.Suspension = &workv1alpha2.Suspension{Scheduling: ptr.To(true)}
	p := newPlane(t, Cluster("a"), Cluster("b"), b)
	p.settle()
	p.wants(web, "")
	p.alter(web, func(b *binding.Binding) { b.Spec.Suspension = nil })
	p.settle()
	p.wants(web, "a:2, b:4")
}

func TestPolicyComesBack(t *testing.T) {
	b := weighted()
	b.Labels = nil
	p := newPlane(t, Cluster("a"), Cluster("b"), b)
	p.settle()
	p.wants(web, "")
	p.alter(web, func(b *binding.Binding) {
		b.Object.SetLabels(map[string]string{policyv1alpha1.ClusterPropagationPolicyPermanentIDLabel: "x"})
	})
	p.settle()
	p.wants(web, "a:2, b:4")
}

func TestConflictIsDecidedAgain(t *testing.T) {
	p := newPlane(t, Cluster("a"), Cluster("b"), weighted())
	once := true
	p.beforePatch = func() {
		if once {
			once = false
			p.alter(web, func(b *binding.Binding) {
				b.Spec.Replicas = 9
				meta.SetStatusCondition(&b.Status.Conditions, metav1.Condition{Type: workv1alpha2.FullyApplied, Status: metav1.ConditionTrue, Reason: "Whatever"})
			})
		}
	}
	p.settle()
	p.wants(web, "a:3, b:6")
	if !meta.IsStatusConditionTrue(p.get(web).Status.Conditions, workv1alpha2.FullyApplied) {
		t.Error("a condition of another writer is lost")
	}
}

func TestConflictOnTheStatusKeepsOthersConditions(t *testing.T) {
	p := newPlane(t, Cluster("a"), Cluster("b"), weighted())
	p.beforePatch = func() {
		if len(p.patches) == 1 { // the decision is written, the status is not
			p.beforePatch = nil
			p.alter(web, func(b *binding.Binding) {
				meta.SetStatusCondition(&b.Status.Conditions, metav1.Condition{Type: workv1alpha2.FullyApplied, Status: metav1.ConditionTrue, Reason: "Whatever"})
			})
		}
	}
	p.settle()
	p.wants(web, "a:2, b:4")
	p.wantsScheduled(web, metav1.ConditionTrue, "Success", successMessage)
	if !meta.IsStatusConditionTrue(p.get(web).Status.Conditions, workv1alpha2.FullyApplied) {
		t.Error("a condition of another writer is lost")
	}
}

func TestDeletedBindingIsForgotten(t *testing.T) {
	b := ResourceBinding("web", Deployment(1, placement{ClusterAffinity: ptr.To(Named("z"))}))
	p := newPlane(t, Cluster("a"), b)
	p.settle()
	if p.scheduler.parked.Len() != 1 {
		t.Fatal("a binding that fits nowhere does not wait")
	}
	p.delete(b)
	p.settle()
	if p.scheduler.parked.Len() != 0 || p.scheduler.bindings.Get(web) != nil {
		t.Error("a deleted binding is still known")
	}
	if _, err := p.scheduler.Reconcile(t.Context(), web); err != nil {
		t.Errorf("deciding a deleted binding: %v", err)
	}
}

func TestBindingDeletedUnderTheScheduler(t *testing.T) {
	b := weighted()
	p := newPlane(t, Cluster("a"), Cluster("b"), b)
	p.delete(b)
	if _, err := p.scheduler.Reconcile(t.Context(), web); err != nil {
		t.Errorf("error %v, want none: the watch will tell", err)
	}
}

func TestCorruptRecordIsDecidedAnew(t *testing.T) {
	p := newPlane(t, Cluster("a"), Cluster("b"), weighted())
	p.settle()
	p.alter(web, func(b *binding.Binding) {
		b.Object.SetAnnotations(map[string]string{wellknown.AppliedPlacementAnnotation: "{not JSON"})
		b.Spec.PropagateDeps = true
	})
	p.settle()
	p.wants(web, "a:2, b:4")
	if got := p.get(web).Object.GetAnnotations()[wellknown.AppliedPlacementAnnotation]; !strings.HasPrefix(got, `{"replicaScheduling"`) {
		t.Errorf("recorded placement %q", got)
	}
}

func TestOwnWritesAreNoNews(t *testing.T) {
	p := newPlane(t, Cluster("a"), Cluster("b"), everywhere())
	key, _ := p.queue.Get()
	if _, err := p.scheduler.Reconcile(t.Context(), key); err != nil {
		t.Fatal(err)
	}
	p.queue.Done(key)
	p.wants(web, "a:2, b:2")
	if p.deliver(); p.queued() {
		t.Error("a binding is queued again for what the scheduler wrote itself")
	}
}
