package defaults

import (
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"

	appsv1 "k8s.io/api/apps/v1"
	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	utiljson "k8s.io/apimachinery/pkg/util/json"

	workv1alpha2 "github.com/karmada-io/karmada/pkg/apis/work/v1alpha2"
)

// serverFields are the fields that the API server of the control plane set in a
// template, or that mean something there only.
var serverFields = [][]string{
	{"metadata", "creationTimestamp"}, {"metadata", "deletionTimestamp"}, {"metadata", "deletionGracePeriodSeconds"},
	{"metadata", "generation"}, {"metadata", "managedFields"}, {"metadata", "resourceVersion"}, {"metadata", "selfLink"},
	{"metadata", "uid"}, {"metadata", "ownerReferences"}, {"metadata", "finalizers"}, {"status"},
}

// NormalizeManifest returns the manifest as it is stored in a Work: without what a
// server set, labelled with the permanent ID of the Work, and with the keys of
// its labels and annotations recorded, by which a later version of it knows what
// to take away again in the member. It is idempotent. An error does not repeat the manifest.
func NormalizeManifest(raw []byte, workID string) ([]byte, error) {
	object := map[string]any{}
	if err := utiljson.Unmarshal(raw, &object); err != nil {
		return nil, errors.New("manifest is not a JSON object")
	}
	u := &unstructured.Unstructured{Object: object}
	for _, path := range serverFields {
		unstructured.RemoveNestedField(u.Object, path...)
	}
	removeServerFieldsOfKind(u)
	recordKeys(u, workID)
	normalized, err := json.Marshal(u.Object)
	if err != nil {
		return nil, fmt.Errorf("encoding manifest %s %s: %w", u.GetKind(), u.GetName(), err)
	}
	return normalized, nil
}

// recordKeys sets the label with the Work's ID and the annotations that list the
// manifest's labels and annotations.
func recordKeys(u *unstructured.Unstructured, workID string) {
	labels := u.GetLabels()
	if labels == nil {
		labels = map[string]string{}
	}
	labels[workv1alpha2.WorkPermanentIDLabel] = workID
	u.SetLabels(labels)
	annotations := u.GetAnnotations()
	if annotations == nil {
		annotations = map[string]string{}
	}
	annotations[workv1alpha2.ManagedLabels] = sortedKeys(labels)
	annotations[workv1alpha2.ManagedAnnotation] = "" // counts itself
	annotations[workv1alpha2.ManagedAnnotation] = sortedKeys(annotations)
	u.SetAnnotations(annotations)
}

func sortedKeys(m map[string]string) string {
	keys := make([]string, 0, len(m))
	for key := range m {
		keys = append(keys, key)
	}
	slices.Sort(keys)
	return strings.Join(keys, ",")
}

// removeServerFieldsOfKind removes what an API server or a controller sets in a particular kind.
func removeServerFieldsOfKind(u *unstructured.Unstructured) {
	remove := func(path ...string) { unstructured.RemoveNestedField(u.Object, path...) }
	if u.GetKind() == "Job" {
		// The member would delete the Job and the control plane create it again. The
		// control plane deletes the template when its time has come.
		remove("spec", "ttlSecondsAfterFinished")
	}
	switch gvk := u.GroupVersionKind(); gvk.GroupKind() {
	case appsv1.SchemeGroupVersion.WithKind("Deployment").GroupKind():
		remove("metadata", "annotations", "deployment.kubernetes.io/revision")
		remove("metadata", "annotations", "deployment.kubernetes.io/revision-history")
	case batchv1.SchemeGroupVersion.WithKind("Job").GroupKind():
		removeJobSelector(u)
	case corev1.SchemeGroupVersion.WithKind("Secret").GroupKind():
		if kind, _, _ := unstructured.NestedString(u.Object, "type"); kind == string(corev1.SecretTypeServiceAccountToken) {
			remove("metadata", "annotations", corev1.ServiceAccountUIDKey)
			u.Object["data"] = nil
		}
	case corev1.SchemeGroupVersion.WithKind("ServiceAccount").GroupKind():
		removeTokenSecrets(u)
	case corev1.SchemeGroupVersion.WithKind("Service").GroupKind():
		// None is the user's choice of a headless Service.
		if ip, found, _ := unstructured.NestedString(u.Object, "spec", "clusterIP"); found && ip != corev1.ClusterIPNone {
			remove("spec", "clusterIP")
			remove("spec", "clusterIPs")
		}
	case corev1.SchemeGroupVersion.WithKind("PersistentVolumeClaim").GroupKind():
		remove("metadata", "annotations", "volume.kubernetes.io/selected-node")
	}
}

// removeJobSelector removes the labels by which a Job's controller finds its pods,
// unless the user manages them: every API server generates its own.
func removeJobSelector(u *unstructured.Unstructured) {
	if manual, _, _ := unstructured.NestedBool(u.Object, "spec", "manualSelector"); manual {
		return
	}
	for _, key := range []string{"controller-uid", batchv1.ControllerUidLabel} {
		unstructured.RemoveNestedField(u.Object, "spec", "selector", "matchLabels", key)
		unstructured.RemoveNestedField(u.Object, "spec", "template", "metadata", "labels", key)
	}
	for _, key := range []string{"job-name", batchv1.JobNameLabel} {
		unstructured.RemoveNestedField(u.Object, "spec", "template", "metadata", "labels", key)
	}
}

// removeTokenSecrets removes the token Secrets that a controller made for a ServiceAccount.
func removeTokenSecrets(u *unstructured.Unstructured) {
	secrets, ok := u.Object["secrets"].([]any)
	if !ok {
		return
	}
	u.Object["secrets"] = slices.DeleteFunc(secrets, func(s any) bool {
		reference, _ := s.(map[string]any)
		name, _ := reference["name"].(string)
		return strings.HasPrefix(name, u.GetName()+"-token-")
	})
}
