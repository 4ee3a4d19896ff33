package simulate

import (
	"fmt"

	appsv1 "k8s.io/api/apps/v1"
	batchv1 "k8s.io/api/batch/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
)

// replicaFields are the fields of a spec that say how many replicas there are, and are 1 if left out.
var replicaFields = map[schema.GroupVersionKind]string{
	appsv1.SchemeGroupVersion.WithKind("Deployment"):  "replicas",
	appsv1.SchemeGroupVersion.WithKind("StatefulSet"): "replicas",
	appsv1.SchemeGroupVersion.WithKind("ReplicaSet"):  "replicas",
	batchv1.SchemeGroupVersion.WithKind("Job"):        "parallelism",
}

// Complete sets what the API server sets when a template is created and a placement
// depends on: that one replica is wanted of what does not say how many.
func Complete(template *unstructured.Unstructured) error {
	field, ok := replicaFields[template.GroupVersionKind()]
	if !ok {
		return nil
	}
	if _, found, err := unstructured.NestedInt64(template.Object, "spec", field); err != nil {
		return fmt.Errorf("spec.%s must be a number: %w", field, err)
	} else if found {
		return nil
	}
	return unstructured.SetNestedField(template.Object, int64(1), "spec", field)
}
