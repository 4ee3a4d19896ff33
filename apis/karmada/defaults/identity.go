package defaults

import (
	"slices"

	"github.com/google/uuid"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// mintID gives the object a new permanent ID.
func mintID(obj metav1.Object, label string) { setLabel(obj, label, uuid.NewString()) }

// ensureID gives the object a permanent ID unless it has one.
func ensureID(obj metav1.Object, label string) {
	if obj.GetLabels()[label] == "" {
		mintID(obj, label)
	}
}

// keepID gives the object the permanent ID of its old version unless it has one.
func keepID(obj, old metav1.Object, label string) {
	if id := old.GetLabels()[label]; id != "" && obj.GetLabels()[label] == "" {
		setLabel(obj, label, id)
	}
}

func setLabel(obj metav1.Object, key, value string) {
	labels := obj.GetLabels()
	if labels == nil {
		labels = map[string]string{}
	}
	labels[key] = value
	obj.SetLabels(labels)
}

func addFinalizer(obj metav1.Object, finalizer string) {
	if !slices.Contains(obj.GetFinalizers(), finalizer) {
		obj.SetFinalizers(append(obj.GetFinalizers(), finalizer))
	}
}
