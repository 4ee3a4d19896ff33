package propagation_test

import (
	"context"
	"fmt"
	"slices"
	"testing"
	"time"

	clusterv1alpha1 "github.com/karmada-io/karmada/pkg/apis/cluster/v1alpha1"
	policyv1alpha1 "github.com/karmada-io/karmada/pkg/apis/policy/v1alpha1"
	workv1alpha2 "github.com/karmada-io/karmada/pkg/apis/work/v1alpha2"
	appsv1 "k8s.io/api/apps/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/utils/ptr"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"atoll.dev/atoll/apis/karmada/wellknown"
	"atoll.dev/atoll/pkg/propagation/twin"
)

// setCluster makes a Cluster ready or not, since then, and taints it or not, as membership and a user would.
func (r *rig) setCluster(m *member, ready metav1.ConditionStatus, since time.Time, tainted bool) {
	r.t.Helper()
	taints := "[]"
	if tainted {
		taints = fmt.Sprintf(`[{"key":"down","effect":"NoExecute","timeAdded":%q}]`, time.Now().UTC().Format(time.RFC3339))
	}
	cluster := &clusterv1alpha1.Cluster{ObjectMeta: metav1.ObjectMeta{Name: m.name}}
	status := fmt.Sprintf(`{"status":{"conditions":[{"type":"Ready","status":%q,"reason":"Test","message":"","lastTransitionTime":%q}]}}`,
		ready, since.UTC().Format(time.RFC3339))
	if err := r.plane.Status().Patch(r.t.Context(), cluster, client.RawPatch(types.MergePatchType, []byte(status))); err != nil {
		r.t.Fatal(err)
	}
	r.patch(r.plane, cluster, `{"spec":{"taints":`+taints+`}}`)
}

// one places workloads in the first member that they are not being evicted from, and leaves alone what is placed.
func (r *rig) one(b twin.Binding) []workv1alpha2.TargetCluster {
	if len(b.Spec.Clusters) > 0 {
		return b.Spec.Clusters
	}
	for _, m := range r.members {
		if !b.Spec.ClusterInGracefulEvictionTasks(m.name) {
			return []workv1alpha2.TargetCluster{{Name: m.name, Replicas: b.Spec.Replicas}}
		}
	}
	return nil
}

func (r *rig) placeOnce() {
	placer := r.one
	r.placer.Store(&placer)
}

// divided asks for the replicas to be in one place.
func divided(p *policyv1alpha1.PropagationPolicy) {
	p.Spec.Placement.ReplicaScheduling = &policyv1alpha1.ReplicaSchedulingStrategy{
		ReplicaSchedulingType: policyv1alpha1.ReplicaSchedulingTypeDivided, ReplicaDivisionPreference: policyv1alpha1.ReplicaDivisionPreferenceAggregated,
	}
}

// running plays a member's controllers: all replicas of the deployment are up.
func (r *rig) running(m *member, name string) *appsv1.Deployment {
	r.t.Helper()
	d := &appsv1.Deployment{}
	r.eventually(name+" in "+m.name, func(ctx context.Context) error {
		if err := m.Get(ctx, types.NamespacedName{Namespace: r.namespace, Name: name}, d); err != nil {
			return err
		}
		n := *d.Spec.Replicas
		d.Status = appsv1.DeploymentStatus{ObservedGeneration: d.Generation, Replicas: n, UpdatedReplicas: n, ReadyReplicas: n, AvailableReplicas: n}
		return m.Status().Update(ctx, d)
	})
	return d
}

// placedAt waits until the binding has these clusters and tasks.
func (r *rig) placedAt(namespace, name string, clusters, tasks []*member) {
	r.t.Helper()
	names := func(all []*member) []string {
		var names []string
		for _, m := range all {
			names = append(names, m.name)
		}
		return names
	}
	r.eventually(name, func(ctx context.Context) error {
		b, err := twin.GetBinding(ctx, r.plane, types.NamespacedName{Namespace: namespace, Name: name})
		if err != nil {
			return err
		}
		var has, leaves []string
		for _, c := range b.Spec.Clusters {
			has = append(has, c.Name)
		}
		for _, t := range b.Spec.GracefulEvictionTasks {
			leaves = append(leaves, t.FromCluster)
		}
		if !slices.Equal(has, names(clusters)) || !slices.Equal(leaves, names(tasks)) {
			return fmt.Errorf("placed in %v, leaves %v; want %v and %v", has, leaves, names(clusters), names(tasks))
		}
		return nil
	})
}

// healthyAt waits until the binding says that the workload is healthy there.
func (r *rig) healthyAt(name string, m *member) {
	r.t.Helper()
	r.eventually(name+" healthy", func(ctx context.Context) error {
		b, err := twin.GetBinding(ctx, r.plane, types.NamespacedName{Namespace: r.namespace, Name: name})
		if err != nil {
			return err
		}
		for _, item := range b.Status.AggregatedStatus {
			if item.ClusterName == m.name && item.Health == workv1alpha2.ResourceHealthy {
				return nil
			}
		}
		return fmt.Errorf("status is %+v", b.Status.AggregatedStatus)
	})
}

var longAgo = time.Now().Add(-time.Hour)

// A member dies. Its workload runs elsewhere, and when the member is back the old copy goes.
func TestFailover(t *testing.T) {
	r := newRig(t, 2)
	r.placeOnce()
	dead, alive := r.members[0], r.members[1]
	r.policy("apps", divided, deployments)
	r.settleNamespace()
	r.create(deployment(r.namespace, "app", 2))
	binding := wellknown.BindingName("Deployment", "app")
	r.running(dead, "app")
	r.healthyAt(binding, dead)

	release := dead.hold()
	r.setCluster(dead, metav1.ConditionUnknown, longAgo, true)
	r.placedAt(r.namespace, binding, []*member{alive}, []*member{dead})
	r.restart()
	r.running(alive, "app")
	r.healthyAt(binding, alive)
	r.quiet() // a copy that cannot be deleted is not decided about
	r.placedAt(r.namespace, binding, []*member{alive}, []*member{dead})

	release()
	r.setCluster(dead, metav1.ConditionTrue, longAgo, false)
	r.placedAt(r.namespace, binding, []*member{alive}, nil)
	r.gone(dead, deployment(r.namespace, "app", 2))
	if err := alive.Get(t.Context(), types.NamespacedName{Namespace: r.namespace, Name: "app"}, &appsv1.Deployment{}); err != nil {
		t.Error(err)
	}
	r.event("Deployment", "app", "EvictWorkloadFromClusterSucceed", "Evict from cluster "+dead.name+" succeed.")
}

// A member is back before anybody took over (#5803): everything is as it was, the same object too, and
// there was no moment at which it was told to go (#5150, #5406).
func TestFailoverWithdrawn(t *testing.T) {
	r := newRig(t, 2)
	r.placeOnce()
	dead, other := r.members[0], r.members[1]
	r.policy("apps", divided, deployments)
	r.settleNamespace()
	r.create(deployment(r.namespace, "app", 2))
	binding := wellknown.BindingName("Deployment", "app")
	before := r.running(dead, "app")
	r.healthyAt(binding, dead)

	release := dead.hold()
	r.setCluster(dead, metav1.ConditionUnknown, longAgo, true)
	r.placedAt(r.namespace, binding, []*member{other}, []*member{dead})
	r.eventually("the substitute", func(ctx context.Context) error {
		return other.Get(ctx, types.NamespacedName{Namespace: r.namespace, Name: "app"}, &appsv1.Deployment{})
	})
	release()
	r.setCluster(dead, metav1.ConditionTrue, time.Now(), true)
	r.quiet()
	r.setCluster(dead, metav1.ConditionTrue, time.Now(), false)
	r.placedAt(r.namespace, binding, []*member{dead}, nil)
	r.gone(other, deployment(r.namespace, "app", 2))
	after := r.running(dead, "app")
	if after.UID != before.UID || *after.Spec.Replicas != 2 {
		t.Errorf("the deployment is another one: %s with %d replicas, was %s", after.UID, *after.Spec.Replicas, before.UID)
	}
	r.event("Deployment", "app", "EvictionWithdrawn", dead.name)
}

// Directly: the dead member is not waited for, and is empty as soon as it is back. The state of the
// workload goes to its new place.
func TestFailoverDirectly(t *testing.T) {
	r := newRig(t, 2)
	r.placeOnce()
	dead, alive := r.members[0], r.members[1]
	r.policy("apps", func(p *policyv1alpha1.PropagationPolicy) {
		divided(p)
		p.Spec.Failover = &policyv1alpha1.FailoverBehavior{Cluster: &policyv1alpha1.ClusterFailoverBehavior{
			PurgeMode: policyv1alpha1.PurgeModeDirectly,
			StatePreservation: &policyv1alpha1.StatePreservation{Rules: []policyv1alpha1.StatePreservationRule{
				{AliasLabelName: "ready-before", JSONPath: "{.readyReplicas}"},
			}},
		}}
	}, deployments)
	r.settleNamespace()
	r.create(deployment(r.namespace, "app", 2))
	binding := wellknown.BindingName("Deployment", "app")
	r.running(dead, "app")
	r.healthyAt(binding, dead)

	release := dead.hold()
	r.setCluster(dead, metav1.ConditionUnknown, longAgo, true)
	r.placedAt(r.namespace, binding, []*member{alive}, []*member{dead})
	var d appsv1.Deployment
	r.eventually("the substitute", func(ctx context.Context) error {
		return alive.Get(ctx, types.NamespacedName{Namespace: r.namespace, Name: "app"}, &d)
	})
	if d.Labels["ready-before"] != "2" {
		t.Errorf("labels are %v", d.Labels)
	}
	release()
	r.setCluster(dead, metav1.ConditionTrue, time.Now(), true)
	r.gone(dead, deployment(r.namespace, "app", 2))
}

// Cluster-scoped kinds, and a member that is well but not wanted any more. Nothing fits elsewhere at
// first: the copy stays until something does (#7455).
func TestFailoverOfClusterWideKind(t *testing.T) {
	r := newRig(t, 2)
	from, to := r.members[0], r.members[1]
	nowhere := func(b twin.Binding) []workv1alpha2.TargetCluster {
		if len(b.Spec.Clusters) == 0 && len(b.Spec.GracefulEvictionTasks) == 0 {
			return []workv1alpha2.TargetCluster{{Name: from.name}}
		}
		return b.Spec.Clusters
	}
	r.placer.Store(&nowhere)
	ns := r.namespace + "-role"
	role := r.decode(`{apiVersion: rbac.authorization.k8s.io/v1, kind: ClusterRole, metadata: {name: ` + ns + `}, rules: []}`)[0]
	r.clusterPolicy("roles", selectorsOf(role)...)
	r.create(role.DeepCopy())
	binding := wellknown.BindingName("ClusterRole", ns)
	r.eventually("placed", func(ctx context.Context) error { return from.Get(ctx, client.ObjectKeyFromObject(role), empty(role)) })

	r.setCluster(from, metav1.ConditionTrue, longAgo, true)
	r.placedAt("", binding, nil, []*member{from})
	r.quiet()
	if err := from.Get(t.Context(), client.ObjectKeyFromObject(role), empty(role)); err != nil {
		t.Fatalf("nothing else fits, and yet: %v", err)
	}
	r.placeOnce()
	b, err := twin.GetBinding(t.Context(), r.plane, types.NamespacedName{Name: binding})
	if err != nil {
		t.Fatal(err)
	}
	r.patch(r.plane, b.Object, `{"metadata":{"annotations":{"test":"look again"}}}`)
	r.placedAt("", binding, []*member{to}, nil)
	r.gone(from, role)
	if err := to.Get(t.Context(), client.ObjectKeyFromObject(role), empty(role)); err != nil {
		t.Error(err)
	}
}

// All members are lost at once: that is our network, and nothing moves until somebody is sure of one.
func TestMassLoss(t *testing.T) {
	r := newRig(t, 2)
	r.placeOnce()
	first, second := r.members[0], r.members[1]
	r.policy("apps", divided, deployments)
	r.settleNamespace()
	r.create(deployment(r.namespace, "app", 2))
	binding := wellknown.BindingName("Deployment", "app")
	r.running(first, "app")
	r.healthyAt(binding, first)

	release := []func(){first.hold(), second.hold()}
	r.setCluster(second, metav1.ConditionUnknown, longAgo, true)
	r.setCluster(first, metav1.ConditionUnknown, longAgo, true)
	r.quiet()
	r.placedAt(r.namespace, binding, []*member{first}, nil)
	r.patch(r.plane, &clusterv1alpha1.Cluster{ObjectMeta: metav1.ObjectMeta{Name: first.name}},
		`{"metadata":{"annotations":{"failover.atoll.dev/confirmed-lost":"true"}}}`)
	r.placedAt(r.namespace, binding, []*member{second}, []*member{first})
	for _, f := range release {
		f()
	}
}

// An application that stays unhealthy in one member runs in another.
func TestApplicationFailover(t *testing.T) {
	r := newRig(t, 2)
	r.placeOnce()
	bad, good := r.members[0], r.members[1]
	r.policy("apps", func(p *policyv1alpha1.PropagationPolicy) {
		divided(p)
		p.Spec.PropagateDeps = true
		p.Spec.Failover = &policyv1alpha1.FailoverBehavior{Application: &policyv1alpha1.ApplicationFailoverBehavior{
			DecisionConditions: policyv1alpha1.DecisionConditions{TolerationSeconds: ptr.To[int32](1)},
			PurgeMode:          policyv1alpha1.PurgeModeGracefully, GracePeriodSeconds: ptr.To[int32](600),
		}}
	}, deployments)
	r.settleNamespace()
	r.create(deployment(r.namespace, "app", 2))
	binding := wellknown.BindingName("Deployment", "app")
	d := r.running(bad, "app")
	r.healthyAt(binding, bad)
	d.Status.UpdatedReplicas = 0
	if err := bad.Status().Update(t.Context(), d); err != nil {
		t.Fatal(err)
	}
	r.placedAt(r.namespace, binding, []*member{good}, []*member{bad})
	r.running(good, "app")
	r.placedAt(r.namespace, binding, []*member{good}, nil)
	r.gone(bad, deployment(r.namespace, "app", 2))
}
