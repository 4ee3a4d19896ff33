package propagation_test

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	clusterv1alpha1 "github.com/karmada-io/karmada/pkg/apis/cluster/v1alpha1"
	workv1alpha2 "github.com/karmada-io/karmada/pkg/apis/work/v1alpha2"
	appsv1 "k8s.io/api/apps/v1"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
)

// ready sets the condition of clusters as membership would.
func (r *rig) ready(status metav1.ConditionStatus, members ...*member) {
	r.t.Helper()
	for _, m := range members {
		var c clusterv1alpha1.Cluster
		if err := r.plane.Get(r.t.Context(), types.NamespacedName{Name: m.name}, &c); err != nil {
			r.t.Fatal(err)
		}
		meta.SetStatusCondition(&c.Status.Conditions, metav1.Condition{Type: clusterv1alpha1.ClusterConditionReady, Status: status, Reason: "Test"})
		if err := r.plane.Status().Update(r.t.Context(), &c); err != nil {
			r.t.Fatal(err)
		}
	}
}

// What members said before they died is marked, and does not count.
func TestStaleStatus(t *testing.T) {
	r := newRig(t, 3)
	r.policy("all", nil, deployments)
	r.settleNamespace()
	r.create(deployment(r.namespace, "web", 2))
	key := types.NamespacedName{Namespace: r.namespace, Name: "web"}
	r.inAll(deployment(r.namespace, "web", 2), nil)
	report := func(m *member, ready int32) {
		t.Helper()
		var d appsv1.Deployment
		if err := m.Get(t.Context(), key, &d); err != nil {
			t.Fatal(err)
		}
		d.Status = appsv1.DeploymentStatus{ObservedGeneration: d.Generation, Replicas: 2, UpdatedReplicas: 2, ReadyReplicas: ready, AvailableReplicas: ready, UnavailableReplicas: 2 - ready}
		if err := m.Status().Update(t.Context(), &d); err != nil {
			t.Fatal(err)
		}
	}
	sum := func(replicas, ready int32) {
		t.Helper()
		r.eventually("the sum", func(ctx context.Context) error {
			var d appsv1.Deployment
			if err := r.plane.Get(ctx, key, &d); err != nil || d.Status.Replicas != replicas || d.Status.ReadyReplicas != ready {
				return fmt.Errorf("%d replicas, %d ready, want %d and %d, %w", d.Status.Replicas, d.Status.ReadyReplicas, replicas, ready, err)
			}
			return nil
		})
	}
	// health waits until all items are as told, by member, and returns them.
	health := func(want ...workv1alpha2.ResourceHealth) []workv1alpha2.AggregatedStatusItem {
		t.Helper()
		var b workv1alpha2.ResourceBinding
		r.eventually("the items", func(ctx context.Context) error {
			if err := r.plane.Get(ctx, types.NamespacedName{Namespace: r.namespace, Name: "web-deployment"}, &b); err != nil {
				return err
			}
			var got []workv1alpha2.ResourceHealth
			for _, item := range b.Status.AggregatedStatus {
				got = append(got, item.Health)
			}
			if fmt.Sprint(got) != fmt.Sprint(want) {
				return fmt.Errorf("health %v, want %v", got, want)
			}
			return nil
		})
		return b.Status.AggregatedStatus
	}
	const healthy, unknown = workv1alpha2.ResourceHealthy, workv1alpha2.ResourceUnknown
	for _, m := range r.members {
		report(m, 2)
	}
	sum(6, 6)
	before := health(healthy, healthy, healthy)
	r.ready(metav1.ConditionTrue, r.members...)
	r.quiet()
	r.writes.reset()

	dead := r.members[:2]
	var release []func()
	for _, m := range dead {
		release = append(release, m.hold())
	}
	r.ready(metav1.ConditionFalse, dead...)
	sum(2, 2)
	for i, item := range health(unknown, unknown, healthy)[:2] {
		if !item.Applied || string(item.Status.Raw) != string(before[i].Status.Raw) {
			t.Errorf("%s: applied %v, status %s, want true and what it said last, %s", item.ClusterName, item.Applied, item.Status.Raw, before[i].Status.Raw)
		}
		var c clusterv1alpha1.Cluster
		if err := r.plane.Get(t.Context(), types.NamespacedName{Name: item.ClusterName}, &c); err != nil {
			t.Fatal(err)
		}
		since := meta.FindStatusCondition(c.Status.Conditions, clusterv1alpha1.ClusterConditionReady).LastTransitionTime
		if want := "has not been ready since " + since.UTC().Format(time.RFC3339); !strings.Contains(item.AppliedMessage, want) {
			t.Errorf("%s: message %q, want it to contain %q", item.ClusterName, item.AppliedMessage, want)
		}
	}
	// Two members were lost at once: each status is written once.
	writes, _ := r.writes.all()
	for _, what := range []string{"PATCH resourcebindings/status", "PATCH deployments/status"} {
		if writes[what] != 1 {
			t.Errorf("%d × %s, want 1", writes[what], what)
		}
	}

	// One that is alive still reports.
	report(r.members[2], 1)
	sum(2, 1)
	health(unknown, unknown, workv1alpha2.ResourceUnhealthy)

	// Contact is back.
	for i := range release {
		release[i]()
	}
	report(r.members[0], 1)
	r.ready(metav1.ConditionTrue, dead...)
	sum(6, 4)
	for _, item := range health(workv1alpha2.ResourceUnhealthy, healthy, workv1alpha2.ResourceUnhealthy) {
		if item.AppliedMessage != "" {
			t.Errorf("%s: message %q after its return", item.ClusterName, item.AppliedMessage)
		}
	}
}
