package scheduler

import (
	"encoding/json"
	"testing"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/utils/ptr"

	policyv1alpha1 "github.com/karmada-io/karmada/pkg/apis/policy/v1alpha1"
	workv1alpha2 "github.com/karmada-io/karmada/pkg/apis/work/v1alpha2"

	"atoll.dev/atoll/apis/karmada/wellknown"
	"atoll.dev/atoll/pkg/scheduler/binding"
	. "atoll.dev/atoll/pkg/scheduler/internal/fixture"
	"atoll.dev/atoll/pkg/scheduler/snapshot"
)

func TestWhenADecisionIsDue(t *testing.T) {
	groups := func(second ...string) placement {
		return placement{ReplicaScheduling: Static(), ClusterAffinities: []policyv1alpha1.ClusterAffinityTerm{
			{AffinityName: "one", ClusterAffinity: Named("a", "b")}, {AffinityName: "two", ClusterAffinity: Named(second...)},
		}}
	}
	for _, c := range []struct {
		name  string
		alter func(*workv1alpha2.ResourceBinding)
		want  cause
	}{
		{"nothing changed", func(*workv1alpha2.ResourceBinding) {}, ""},
		{"never placed", func(b *workv1alpha2.ResourceBinding) { b.Annotations = nil }, placementDiffers},
		{"affinity added", func(b *workv1alpha2.ResourceBinding) { b.Spec.Placement.ClusterAffinity = ptr.To(Named("a")) }, placementDiffers},
		{"toleration added", func(b *workv1alpha2.ResourceBinding) {
			b.Spec.Placement.ClusterTolerations = []corev1.Toleration{{Operator: corev1.TolerationOpExists}}
		}, placementDiffers},
		{"an empty list for none", func(b *workv1alpha2.ResourceBinding) {
			b.Spec.Placement.SpreadConstraints = []policyv1alpha1.SpreadConstraint{}
		}, ""},
		{"recorded in another order of fields", func(b *workv1alpha2.ResourceBinding) {
			b.Annotations[wellknown.AppliedPlacementAnnotation] = ` {"replicaScheduling": {"weightPreference": {"staticWeightList": [` +
				`{"weight": 1, "targetCluster": {"clusterNames": ["a"]}}, {"weight": 2, "targetCluster": {"clusterNames": ["b"]}}]}, ` +
				`"replicaDivisionPreference": "Weighted", "replicaSchedulingType": "Divided"}}`
		}, ""},
		{"another group than the one in use", func(b *workv1alpha2.ResourceBinding) {
			b.Status.SchedulerObservedAffinityName = "one"
			b.Annotations[wellknown.AppliedPlacementAnnotation] = recorded(groups("b"))
			b.Spec.Placement = ptr.To(groups("a"))
		}, ""},
		{"the group in use", func(b *workv1alpha2.ResourceBinding) {
			b.Status.SchedulerObservedAffinityName = "two"
			b.Annotations[wellknown.AppliedPlacementAnnotation] = recorded(groups("b"))
			b.Spec.Placement = ptr.To(groups("a"))
		}, placementDiffers},
		{"the group in use is gone", func(b *workv1alpha2.ResourceBinding) {
			b.Status.SchedulerObservedAffinityName = "three"
			b.Annotations[wellknown.AppliedPlacementAnnotation] = recorded(groups("b"))
			b.Spec.Placement = ptr.To(groups("a"))
		}, placementDiffers},
		{"more replicas", func(b *workv1alpha2.ResourceBinding) { b.Spec.Replicas++ }, replicasDiffer},
		{"a cluster taken away", func(b *workv1alpha2.ResourceBinding) { b.Spec.RemoveCluster("a") }, replicasDiffer},
		{"triggered after the last decision", func(b *workv1alpha2.ResourceBinding) { b.Spec.RescheduleTriggeredAt = ptr.To(metav1.Unix(101, 0)) }, toldTo},
		{"triggered in the second of the last decision", func(b *workv1alpha2.ResourceBinding) { b.Spec.RescheduleTriggeredAt = ptr.To(metav1.Unix(100, 0)) }, toldTo},
		{"triggered before it", func(b *workv1alpha2.ResourceBinding) { b.Spec.RescheduleTriggeredAt = ptr.To(metav1.Unix(99, 0)) }, ""},
		{"goes to every cluster", func(b *workv1alpha2.ResourceBinding) {
			b.Spec.Placement = &placement{}
			b.Annotations[wellknown.AppliedPlacementAnnotation] = recorded(placement{})
		}, followsClusters},
		{"without replicas", func(b *workv1alpha2.ResourceBinding) {
			b.Spec.Replicas, b.Spec.ReplicaRequirements, b.Spec.Clusters = 0, nil, nil
		}, followsClusters},
		{"a cluster gone", func(b *workv1alpha2.ResourceBinding) { b.Spec.Clusters[0].Name = "gone" }, clusterGone},
		{"a cluster being removed", func(b *workv1alpha2.ResourceBinding) { b.Spec.Clusters[0].Name = "leaving" }, clusterGone},
		{"a cluster that the placement no longer means", func(b *workv1alpha2.ResourceBinding) {
			b.Spec.Placement.ClusterAffinity = &policyv1alpha1.ClusterAffinity{LabelSelector: &metav1.LabelSelector{MatchLabels: map[string]string{"tier": "gold"}}}
			b.Annotations[wellknown.AppliedPlacementAnnotation] = recorded(*b.Spec.Placement)
		}, affinityLost},
		{"a cluster outside the group in use", func(b *workv1alpha2.ResourceBinding) {
			b.Status.SchedulerObservedAffinityName = "two"
			b.Spec.Placement = ptr.To(groups("a"))
			b.Annotations[wellknown.AppliedPlacementAnnotation] = recorded(groups("a"))
		}, affinityLost},
		{"inside the group in use", func(b *workv1alpha2.ResourceBinding) {
			b.Status.SchedulerObservedAffinityName = "two"
			b.Spec.Placement = ptr.To(groups("a", "b"))
			b.Annotations[wellknown.AppliedPlacementAnnotation] = recorded(groups("a", "b"))
		}, ""},
		{"condition missing", func(b *workv1alpha2.ResourceBinding) { b.Status.Conditions = nil }, notRecorded},
		{"last decision failed", func(b *workv1alpha2.ResourceBinding) { b.Status.Conditions[0].Status = metav1.ConditionFalse }, notRecorded},
	} {
		t.Run(c.name, func(t *testing.T) {
			b := weighted()
			b.Spec.Clusters = []workv1alpha2.TargetCluster{On("a", 2), On("b", 4)}
			b.Annotations = map[string]string{wellknown.AppliedPlacementAnnotation: recorded(*b.Spec.Placement)}
			b.Status.LastScheduledTime = ptr.To(metav1.Unix(100, 0))
			b.Status.Conditions = []metav1.Condition{{Type: workv1alpha2.Scheduled, Status: metav1.ConditionTrue}}
			c.alter(b)
			q, err := ask(binding.Of(b), snapshot.New(Cluster("a"), Cluster("b"), Cluster("leaving", Leaving())))
			if err != nil || q.cause != c.want {
				t.Errorf("due because %q, %v; want %q", q.cause, err, c.want)
			}
		})
	}
}

func recorded(p placement) string {
	body, err := json.Marshal(p)
	if err != nil {
		panic(err)
	}
	return string(body)
}

func TestOptions(t *testing.T) {
	if _, err := (Options{Workers: -1}).complete(); err == nil {
		t.Error("a negative number of workers is accepted")
	}
	defaults, err := Options{}.complete()
	if err != nil {
		t.Fatal(err)
	}
	if defaults.SchedulerName != "default-scheduler" || defaults.Workers < 1 || defaults.Clock == nil || len(defaults.Registry) == 0 || len(defaults.Estimators) == 0 {
		t.Errorf("defaults = %+v", defaults)
	}
}
