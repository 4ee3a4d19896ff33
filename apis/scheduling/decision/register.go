package decision

import (
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
)

// SchemeGroupVersion is the group and version of Decision.
var SchemeGroupVersion = schema.GroupVersion{Group: "scheduling.atoll.dev", Version: "v1alpha1"}

// Subresource is the name of the bindings' subresource that takes a Decision.
const Subresource = "schedule"

// AddToScheme registers Decision for clients.
func AddToScheme(scheme *runtime.Scheme) error {
	scheme.AddKnownTypes(SchemeGroupVersion, &Decision{})
	metav1.AddToGroupVersion(scheme, SchemeGroupVersion)
	return nil
}
