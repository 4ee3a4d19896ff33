package native

import (
	"context"
	"fmt"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"atoll.dev/atoll/apis/karmada/wellknown"
)

// Most of what Karmada retains (clusterIP, node ports, volumeName, claimRef, generated selectors,
// injected volumes, tokens) needs nothing here: the manifest leaves those fields out, so they are
// not ours, and applying does not touch what is not ours.

// retainReplicas leaves the replicas to the member if the template says so with Karmada's label.
func retainReplicas(_ context.Context, desired, observed *unstructured.Unstructured) (*unstructured.Unstructured, error) {
	if desired.GetLabels()[wellknown.RetainReplicasLabel] != wellknown.LabelValueTrue {
		return desired, nil
	}
	return KeepReplicas(desired, observed)
}

// KeepReplicas gives the desired object the replicas that the member has.
func KeepReplicas(desired, observed *unstructured.Unstructured) (*unstructured.Unstructured, error) {
	replicas, ok, err := unstructured.NestedInt64(observed.Object, "spec", "replicas")
	if err != nil || !ok {
		return nil, fmt.Errorf("%s %s/%s in the member has no spec.replicas to retain", observed.GetKind(), observed.GetNamespace(), observed.GetName())
	}
	return desired, unstructured.SetNestedField(desired.Object, replicas, "spec", "replicas")
}

// retainImagePullSecrets keeps those that the member added: the list is applied as a whole.
func retainImagePullSecrets(_ context.Context, desired, observed *unstructured.Unstructured) (*unstructured.Unstructured, error) {
	wanted, given, err := unstructured.NestedSlice(desired.Object, "imagePullSecrets")
	if err != nil || !given {
		return desired, err
	}
	present, _, err := unstructured.NestedSlice(observed.Object, "imagePullSecrets")
	if err != nil {
		return nil, err
	}
	names := map[any]bool{}
	for _, s := range wanted {
		if ref, ok := s.(map[string]any); ok {
			names[ref["name"]] = true
		}
	}
	for _, s := range present {
		if ref, ok := s.(map[string]any); ok && !names[ref["name"]] {
			wanted = append(wanted, s)
		}
	}
	return desired, unstructured.SetNestedSlice(desired.Object, wanted, "imagePullSecrets")
}
