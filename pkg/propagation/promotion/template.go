package promotion

import (
	"strings"

	workv1alpha2 "github.com/karmada-io/karmada/pkg/apis/work/v1alpha2"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"

	"atoll.dev/atoll/pkg/propagation/bind"
)

// Template makes a template of a member's object: without what the member's servers and controllers
// wrote, and with the leave to adopt what it was made from.
func Template(live *unstructured.Unstructured) *unstructured.Unstructured {
	u := live.DeepCopy()
	bind.Prune(u)
	annotations := u.GetAnnotations()
	if annotations == nil {
		annotations = map[string]string{}
	}
	delete(annotations, corev1.LastAppliedConfigAnnotation)
	annotations[workv1alpha2.ResourceConflictResolutionAnnotation] = workv1alpha2.ResourceConflictResolutionOverwrite
	u.SetAnnotations(annotations)
	switch u.GroupVersionKind().GroupKind() {
	case schema.GroupKind{Kind: "Service"}:
		unstructured.RemoveNestedField(u.Object, "spec", "healthCheckNodePort")
	case schema.GroupKind{Kind: "PersistentVolumeClaim"}:
		for _, key := range []string{"pv.kubernetes.io/bind-completed", "pv.kubernetes.io/bound-by-controller"} {
			unstructured.RemoveNestedField(u.Object, "metadata", "annotations", key)
		}
		unstructured.RemoveNestedField(u.Object, "spec", "volumeName")
	case schema.GroupKind{Kind: "PersistentVolume"}:
		unstructured.RemoveNestedField(u.Object, "spec", "claimRef")
	case schema.GroupKind{Kind: "Namespace"}:
		unstructured.RemoveNestedField(u.Object, "spec", "finalizers")
	case schema.GroupKind{Kind: "Pod"}:
		unstructured.RemoveNestedField(u.Object, "spec", "nodeName")
		dropTokenVolume(u)
	}
	return u
}

// dropTokenVolume removes the volume with the service account's token, which each member adds itself.
func dropTokenVolume(pod *unstructured.Unstructured) {
	dropNamed := func(key string, path ...string) func(map[string]any) {
		return func(at map[string]any) {
			list, _, _ := unstructured.NestedSlice(at, path...)
			var kept []any
			for _, item := range list {
				fields, _ := item.(map[string]any)
				if name, _ := fields[key].(string); !strings.HasPrefix(name, "kube-api-access-") {
					kept = append(kept, item)
				}
			}
			switch {
			case len(kept) == len(list):
			case kept == nil:
				unstructured.RemoveNestedField(at, path...)
			default:
				_ = unstructured.SetNestedSlice(at, kept, path...) // it was read from there
			}
		}
	}
	dropNamed("name", "spec", "volumes")(pod.Object)
	for _, field := range []string{"containers", "initContainers"} {
		containers, ok, _ := unstructured.NestedSlice(pod.Object, "spec", field)
		if !ok {
			continue
		}
		for _, c := range containers {
			if container, ok := c.(map[string]any); ok {
				dropNamed("name", "volumeMounts")(container)
			}
		}
		_ = unstructured.SetNestedSlice(pod.Object, containers, "spec", field)
	}
}
