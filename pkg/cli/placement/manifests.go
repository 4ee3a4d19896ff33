package placement

import (
	"encoding/json"
	"errors"
	"fmt"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"

	"atoll.dev/atoll/apis/scheduling/manifest"
	"atoll.dev/atoll/apis/scheduling/v1alpha1"
)

// Simulation makes the question out of objects that were read from files: policies
// and templates, told apart by their kinds.
func Simulation(objects []*unstructured.Unstructured, changes v1alpha1.Changes, replicas *int32) (*v1alpha1.Simulation, error) {
	s := &v1alpha1.Simulation{Changes: changes, Replicas: replicas}
	for _, object := range objects {
		u := strip(object)
		raw, err := json.Marshal(u.Object)
		if err != nil {
			return nil, fmt.Errorf("encoding %s %s: %w", u.GetKind(), u.GetName(), err)
		}
		if manifest.IsPolicy(u.GroupVersionKind()) {
			s.Policies = append(s.Policies, runtime.RawExtension{Raw: raw})
		} else {
			s.Templates = append(s.Templates, runtime.RawExtension{Raw: raw})
		}
	}
	if len(s.Templates) == 0 {
		return nil, errors.New("the files hold no template to place, only policies; add one, such as a Deployment")
	}
	return s, nil
}

// strip leaves away what no placement depends on, above all what is secret.
func strip(object *unstructured.Unstructured) *unstructured.Unstructured {
	u := object.DeepCopy()
	for _, path := range [][]string{
		{"status"}, {"metadata", "managedFields"}, {"metadata", "resourceVersion"}, {"metadata", "uid"},
		{"metadata", "annotations", corev1.LastAppliedConfigAnnotation},
	} {
		unstructured.RemoveNestedField(u.Object, path...)
	}
	if u.GroupVersionKind().GroupKind() == (schema.GroupKind{Kind: "Secret"}) {
		delete(u.Object, "data")
		delete(u.Object, "stringData")
	}
	return u
}
