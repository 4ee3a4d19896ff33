package simulate_test

import (
	"strings"
	"testing"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/utils/ptr"

	"atoll.dev/atoll/apis/scheduling/v1alpha1"
	. "atoll.dev/atoll/pkg/scheduler/internal/fixture"
	"atoll.dev/atoll/pkg/scheduler/simulate"
	"atoll.dev/atoll/pkg/scheduler/snapshot"
)

func changed(c ...v1alpha1.ClusterChange) v1alpha1.Changes { return v1alpha1.Changes{Clusters: c} }

func TestApply(t *testing.T) {
	now := snapshot.New(
		Cluster("a", Label("zone", "x"), At("aws", "eu", "eu-1"), Taint("gpu", "true", corev1.TaintEffectNoSchedule), Pods(3)),
		Cluster("b"))
	then, err := simulate.Apply(now, changed(
		v1alpha1.ClusterChange{Name: "a", Labels: map[string]string{"tier": "1"}, RemoveLabels: []string{"zone"}, Taints: []corev1.Taint{},
			Provider: ptr.To(""), Region: ptr.To("us"), Zones: []string{"us-1", "us-2"}},
		v1alpha1.ClusterChange{Name: "b", Fail: true}))
	if err != nil {
		t.Fatal(err)
	}
	if then.Get("b") != nil || len(then.Clusters()) != 1 {
		t.Error("the cluster that fails is there")
	}
	a := then.Get("a")
	if a.Labels["tier"] != "1" || a.Labels.Has("zone") || len(a.Taints) != 0 || a.Fields.Has(snapshot.ProviderField) ||
		a.Fields[snapshot.RegionField] != "us" || strings.Join(a.Zones, ",") != "us-1,us-2" {
		t.Errorf("the changed cluster is %+v", a)
	}
	if a.Room[corev1.ResourcePods] != 3 || !a.Serves("apps/v1", "Deployment") {
		t.Error("the changed cluster lost what was not changed")
	}
	if was := now.Get("a"); was.Labels["zone"] != "x" || was.Labels.Has("tier") || len(was.Taints) != 1 || was.Fields[snapshot.RegionField] != "eu" || now.Get("b") == nil {
		t.Error("the snapshot that it was supposed of has changed")
	}
}

func TestApplyRefusesUnknownClusters(t *testing.T) {
	for _, c := range []struct {
		now  *snapshot.Snapshot
		want string
	}{
		{snapshot.New(Cluster("a"), Cluster("b")), `cluster "m9" does not exist; there are: a, b`},
		{snapshot.New(), `cluster "m9" does not exist; there is none`},
	} {
		if _, err := simulate.Apply(c.now, changed(v1alpha1.ClusterChange{Name: "m9"})); err == nil || err.Error() != c.want {
			t.Errorf("error %v, want %s", err, c.want)
		}
	}
}

func TestComplete(t *testing.T) {
	for _, c := range []struct {
		apiVersion, kind, field string
		value, want             any
		refusal                 string
	}{
		{"apps/v1", "Deployment", "replicas", nil, int64(1), ""},
		{"apps/v1", "Deployment", "replicas", int64(0), int64(0), ""},
		{"apps/v1", "StatefulSet", "replicas", int64(7), int64(7), ""},
		{"batch/v1", "Job", "parallelism", nil, int64(1), ""},
		{"example.org/v1", "Deployment", "replicas", nil, nil, ""},
		{"apps/v1", "Deployment", "replicas", "3", nil, "spec.replicas of Deployment x is 3; it must be a whole number"},
	} {
		u := &unstructured.Unstructured{Object: map[string]any{"apiVersion": c.apiVersion, "kind": c.kind, "metadata": map[string]any{"name": "x"}, "spec": map[string]any{}}}
		if c.value != nil {
			if err := unstructured.SetNestedField(u.Object, c.value, "spec", c.field); err != nil {
				t.Fatal(err)
			}
		}
		err := simulate.Complete(u)
		if c.refusal != "" {
			if err == nil || err.Error() != c.refusal {
				t.Errorf("%s %v: error %v, want %s", c.kind, c.value, err, c.refusal)
			}
			continue
		}
		got, _, _ := unstructured.NestedFieldNoCopy(u.Object, "spec", c.field)
		if err != nil || got != c.want {
			t.Errorf("%s %v: %v (%v), want %v", c.kind, c.value, got, err, c.want)
		}
	}
}
