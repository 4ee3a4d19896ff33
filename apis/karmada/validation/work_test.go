package validation

import (
	"strings"
	"testing"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"

	workv1alpha1 "github.com/karmada-io/karmada/pkg/apis/work/v1alpha1"
	workv1alpha2 "github.com/karmada-io/karmada/pkg/apis/work/v1alpha2"
)

func TestWork(t *testing.T) {
	for raw, wants := range map[string][]string{
		`{"apiVersion":"v1","kind":"Secret","metadata":{"name":"a"}}`:       nil,
		`{"apiVersion":"v1","kind":"Secret","data":{"password":"hunter2"}}`: {"spec.workload.manifests[0].metadata.name: Required"},
		`{"metadata":{"name":"a"}}`:                                         {"spec.workload.manifests[0].apiVersion: Required", "spec.workload.manifests[0].kind: Required"},
		`["hunter2"]`:                                                       {"spec.workload.manifests[0]: must be a Kubernetes object"},
		`{"apiVersion":"a/b/c","kind":"Secret","metadata":{"name":"a"}}`:    {"spec.workload.manifests[0].apiVersion: such as v1"},
		``: {"spec.workload.manifests[0]: must be a Kubernetes object"},
	} {
		w := &workv1alpha1.Work{Spec: workv1alpha1.WorkSpec{Workload: workv1alpha1.WorkloadTemplate{Manifests: []workv1alpha1.Manifest{{RawExtension: runtime.RawExtension{Raw: []byte(raw)}}}}}}
		errs := Work(w)
		expect(t, errs, wants...)
		if len(errs) > 0 && strings.Contains(errs.ToAggregate().Error(), "hunter2") {
			t.Errorf("the refusal holds what may be secret: %v", errs)
		}
	}
}

func TestBinding(t *testing.T) {
	b := &workv1alpha2.ClusterResourceBinding{Spec: workv1alpha2.ResourceBindingSpec{
		Resource:   workv1alpha2.ObjectReference{APIVersion: "v1", Kind: "Namespace", Name: "a"},
		Components: []workv1alpha2.Component{{Name: "a"}, {Name: "a"}, {}},
	}}
	expect(t, ClusterResourceBinding(b), "spec.components[1].name: Duplicate", "spec.components[2].name: Required")
	b = &workv1alpha2.ClusterResourceBinding{Spec: workv1alpha2.ResourceBindingSpec{
		Resource:   workv1alpha2.ObjectReference{APIVersion: "v1", Kind: "Namespace", Name: "a"},
		Replicas:   -1,
		Clusters:   []workv1alpha2.TargetCluster{{Name: "m", Replicas: -2}},
		Components: []workv1alpha2.Component{{Name: "a", Replicas: -3}},
	}}
	expect(t, ClusterResourceBinding(b), "spec.replicas: Invalid value: -1: must be a number of replicas, at least 0",
		"spec.clusters[0].replicas: Invalid value: -2", "spec.components[0].replicas: Invalid value: -3")
	expect(t, BindingAnnotations(map[string]string{"resourcebinding.karmada.io/dependencies": "x"}), "metadata.annotations[resourcebinding.karmada.io/dependencies]: JSON list")
	expect(t, BindingAnnotations(map[string]string{"resourcebinding.karmada.io/dependencies": `[{"apiVersion":"v1","kind":"Secret","namespace":"a","name":"b"}]`}))
	expect(t, BindingAnnotations(nil))
}

// TestConditions: what a controller forgets most is the reason and the time.
func TestConditions(t *testing.T) {
	b := &workv1alpha2.ResourceBinding{}
	b.Status.Conditions = []metav1.Condition{{Type: "Scheduled", Status: "True"}}
	expect(t, ResourceBindingStatus(b), "status.conditions[0].reason: Required", "status.conditions[0].lastTransitionTime: Required")
}
