package bind

import (
	"maps"
	"slices"
	"strconv"
	"strings"

	policyv1alpha1 "github.com/karmada-io/karmada/pkg/apis/policy/v1alpha1"
	workv1alpha1 "github.com/karmada-io/karmada/pkg/apis/work/v1alpha1"
	workv1alpha2 "github.com/karmada-io/karmada/pkg/apis/work/v1alpha2"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	utiljson "k8s.io/apimachinery/pkg/util/json"
	"k8s.io/apimachinery/pkg/util/uuid"

	"atoll.dev/atoll/apis/karmada/wellknown"
)

// managedLabelsAnnotation lists the labels that a dispatched object got from the control plane.
const managedLabelsAnnotation = workv1alpha2.ManagedLabels

// origin marks a manifest, which is still the template, with where it comes from, and prunes it.
func origin(manifest *unstructured.Unstructured, planeUID string) {
	annotations := manifest.GetAnnotations()
	if annotations == nil {
		annotations = map[string]string{}
	}
	uid := string(manifest.GetUID())
	annotations[workv1alpha2.ResourceTemplateUIDAnnotation] = uid
	annotations[wellknown.TemplateUIDAnnotation] = uid
	if planeUID != "" {
		annotations[wellknown.PlaneUIDAnnotation] = planeUID
	}
	if generation := manifest.GetGeneration(); generation > 0 {
		annotations[workv1alpha2.ResourceTemplateGenerationAnnotationKey] = strconv.FormatInt(generation, 10)
		annotations[wellknown.TemplateGenerationAnnotation] = strconv.FormatInt(generation, 10)
	}
	manifest.SetAnnotations(annotations)
	addLabels(manifest, map[string]string{wellknown.ManagedLabel: wellknown.LabelValueTrue})
	Prune(manifest)
}

func addLabels(manifest *unstructured.Unstructured, labels map[string]string) {
	all := manifest.GetLabels()
	if all == nil {
		all = map[string]string{}
	}
	maps.Copy(all, labels)
	manifest.SetLabels(all)
}

func addAnnotations(manifest *unstructured.Unstructured, annotations map[string]string) {
	all := manifest.GetAnnotations()
	if all == nil {
		all = map[string]string{}
	}
	maps.Copy(all, annotations)
	manifest.SetAnnotations(all)
}

// conflictResolution is the template's annotation if it is valid, else the binding's.
func conflictResolution(manifest *unstructured.Unstructured, binding policyv1alpha1.ConflictResolution) string {
	switch own := manifest.GetAnnotations()[workv1alpha2.ResourceConflictResolutionAnnotation]; {
	case own == workv1alpha2.ResourceConflictResolutionOverwrite, own == workv1alpha2.ResourceConflictResolutionAbort:
		return own
	case binding == policyv1alpha1.ConflictOverwrite:
		return workv1alpha2.ResourceConflictResolutionOverwrite
	}
	return workv1alpha2.ResourceConflictResolutionAbort
}

// wanted is a Work as it shall be. Its labels and annotations are all that the binder owns of them.
type wanted struct {
	name, namespace     string
	labels, annotations map[string]string
	owners              []metav1.OwnerReference
	manifest            *unstructured.Unstructured
	suspend, preserve   *bool
}

// render completes the manifest with the identity of its Work and returns the Work. was is the Work
// as it is, nil if there is none; its permanent ID stays. The manifest is used up.
func (w wanted) render(was *workv1alpha1.Work) (*workv1alpha1.Work, error) {
	to := &workv1alpha1.Work{ObjectMeta: metav1.ObjectMeta{Name: w.name, Namespace: w.namespace}}
	if was != nil {
		to = was.DeepCopy()
	}
	if to.Labels == nil {
		to.Labels = map[string]string{}
	}
	maps.Copy(to.Labels, w.labels)
	if to.Labels[workv1alpha2.WorkPermanentIDLabel] == "" {
		to.Labels[workv1alpha2.WorkPermanentIDLabel] = string(uuid.NewUUID())
	}
	if to.Annotations == nil {
		to.Annotations = map[string]string{}
	}
	for _, key := range recordedOverrides {
		delete(to.Annotations, key)
	}
	maps.Copy(to.Annotations, w.annotations)
	if !slices.Contains(to.Finalizers, wellknown.ExecutionControllerFinalizer) {
		to.Finalizers = append(to.Finalizers, wellknown.ExecutionControllerFinalizer)
	}
	if w.owners != nil {
		to.OwnerReferences = w.owners
	}
	to.Spec.SuspendDispatching, to.Spec.PreserveResourcesOnDeletion = w.suspend, w.preserve

	addAnnotations(w.manifest, map[string]string{
		workv1alpha2.WorkNameAnnotation:      w.name,
		workv1alpha2.WorkNamespaceAnnotation: w.namespace,
	})
	if resolution, ok := w.annotations[workv1alpha2.ResourceConflictResolutionAnnotation]; ok {
		addAnnotations(w.manifest, map[string]string{workv1alpha2.ResourceConflictResolutionAnnotation: resolution})
	}
	addLabels(w.manifest, map[string]string{workv1alpha2.WorkPermanentIDLabel: to.Labels[workv1alpha2.WorkPermanentIDLabel]})
	recordManaged(w.manifest)
	raw, err := utiljson.Marshal(w.manifest.Object)
	if err != nil {
		return nil, err
	}
	to.Spec.Workload.Manifests = []workv1alpha1.Manifest{{RawExtension: runtime.RawExtension{Raw: raw}}}
	return to, nil
}

// recordedOverrides say on a Work which override policies it carries.
var recordedOverrides = []string{wellknown.AppliedOverridesAnnotation, wellknown.AppliedClusterOverridesAnnotation}

// recordManaged lists the manifest's own labels and annotations on it, as Karmada does.
func recordManaged(manifest *unstructured.Unstructured) {
	annotations := manifest.GetAnnotations()
	annotations[workv1alpha2.ManagedAnnotation], annotations[managedLabelsAnnotation] = "", ""
	annotations[workv1alpha2.ManagedAnnotation] = strings.Join(slices.Sorted(maps.Keys(annotations)), ",")
	annotations[managedLabelsAnnotation] = strings.Join(slices.Sorted(maps.Keys(manifest.GetLabels())), ",")
	manifest.SetAnnotations(annotations)
}
