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
	switch value, _, err := unstructured.NestedFieldNoCopy(template.Object, "spec", field); {
	case err != nil:
		return fmt.Errorf("spec of %s %s: %w", template.GetKind(), template.GetName(), err)
	case value != nil:
		if _, ok := value.(int64); !ok {
			return fmt.Errorf("spec.%s of %s %s is %v; it must be a whole number", field, template.GetKind(), template.GetName(), value)
		}
		return nil
	}
	return unstructured.SetNestedField(template.Object, int64(1), "spec", field)
}
