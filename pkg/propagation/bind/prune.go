package bind

import (
	"fmt"
	"strings"

	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
)

// Prune removes from a template what its API server generated and a member must not get
// (Karmada: pkg/resourceinterpreter/default/native/prune). It changes manifest.
func Prune(manifest *unstructured.Unstructured) {
	metadata, _ := manifest.Object["metadata"].(map[string]any)
	for _, field := range []string{
		"creationTimestamp", "deletionTimestamp", "deletionGracePeriodSeconds", "generation", "managedFields",
		"resourceVersion", "selfLink", "uid", "ownerReferences", "finalizers",
	} {
		delete(metadata, field)
	}
	delete(manifest.Object, "status")

	switch manifest.GroupVersionKind().GroupKind() {
	case schema.GroupKind{Group: "apps", Kind: "Deployment"}:
		remove(manifest, "metadata", "annotations", "deployment.kubernetes.io/revision")
		remove(manifest, "metadata", "annotations", "deployment.kubernetes.io/revision-history")
	case schema.GroupKind{Group: "batch", Kind: "Job"}:
		pruneJob(manifest)
	case schema.GroupKind{Kind: "Secret"}:
		if kind, _, _ := unstructured.NestedString(manifest.Object, "type"); kind == string(corev1.SecretTypeServiceAccountToken) {
			remove(manifest, "metadata", "annotations", corev1.ServiceAccountUIDKey)
			delete(manifest.Object, "data") // the member makes its own token
		}
	case schema.GroupKind{Kind: "ServiceAccount"}:
		pruneServiceAccount(manifest)
	case schema.GroupKind{Kind: "Service"}:
		if ip, ok, _ := unstructured.NestedString(manifest.Object, "spec", "clusterIP"); ok && ip != corev1.ClusterIPNone {
			remove(manifest, "spec", "clusterIP")
			remove(manifest, "spec", "clusterIPs")
		}
	case schema.GroupKind{Kind: "PersistentVolumeClaim"}:
		remove(manifest, "metadata", "annotations", "volume.kubernetes.io/selected-node")
	}
}

func remove(manifest *unstructured.Unstructured, path ...string) {
	unstructured.RemoveNestedField(manifest.Object, path...)
}

// pruneJob removes the generated selector unless the user wrote it, and the time to live: were the
// Job removed in the member, it would be made anew (Karmada's issue 2197).
func pruneJob(manifest *unstructured.Unstructured) {
	remove(manifest, "spec", "ttlSecondsAfterFinished")
	if manual, _, _ := unstructured.NestedBool(manifest.Object, "spec", "manualSelector"); manual {
		return
	}
	for _, label := range []string{"controller-uid", batchv1.ControllerUidLabel} {
		remove(manifest, "spec", "selector", "matchLabels", label)
		remove(manifest, "spec", "template", "metadata", "labels", label)
	}
	for _, label := range []string{"job-name", batchv1.JobNameLabel} {
		remove(manifest, "spec", "template", "metadata", "labels", label)
	}
	// What is left empty would be taken for a selector that the user wrote.
	if labels, ok, _ := unstructured.NestedMap(manifest.Object, "spec", "selector", "matchLabels"); ok && len(labels) == 0 {
		remove(manifest, "spec", "selector", "matchLabels")
	}
	if selector, ok, _ := unstructured.NestedMap(manifest.Object, "spec", "selector"); ok && len(selector) == 0 {
		remove(manifest, "spec", "selector")
	}
}

// pruneServiceAccount removes the generated token secrets.
func pruneServiceAccount(manifest *unstructured.Unstructured) {
	secrets, ok, _ := unstructured.NestedSlice(manifest.Object, "secrets")
	if !ok {
		return
	}
	var kept []any
	for _, s := range secrets {
		ref, _ := s.(map[string]any)
		if !strings.HasPrefix(fmt.Sprint(ref["name"]), manifest.GetName()+"-token-") {
			kept = append(kept, s)
		}
	}
	if kept == nil {
		delete(manifest.Object, "secrets")
		return
	}
	manifest.Object["secrets"] = kept
}
