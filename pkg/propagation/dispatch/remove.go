package dispatch

import (
	"context"
	"encoding/json"
	"fmt"

	policyv1alpha1 "github.com/karmada-io/karmada/pkg/apis/policy/v1alpha1"
	workv1alpha1 "github.com/karmada-io/karmada/pkg/apis/work/v1alpha1"
	workv1alpha2 "github.com/karmada-io/karmada/pkg/apis/work/v1alpha2"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"

	"atoll.dev/atoll/apis/karmada/wellknown"
	"atoll.dev/atoll/pkg/propagation/mergepatch"
	"atoll.dev/atoll/pkg/propagation/observe"
)

// remove takes the object of a manifest away from the member, or only our marks off it if it is to
// be preserved. Objects that are not there, not ours or not of this Work are left alone.
func (a applier) remove(ctx context.Context, w *workv1alpha1.Work, preserve bool) error {
	var target metav1.Object
	if obj, ok := a.observer.Get(a.gvr, a.manifest.key()); ok && a.observer.Synced(a.gvr) && !preserve {
		target = obj
	} else {
		live, err := a.client().Get(ctx, a.manifest.GetName(), metav1.GetOptions{})
		if apierrors.IsNotFound(err) {
			a.observer.Gone(a.gvr, a.manifest.key())
			return nil
		}
		if err != nil {
			return err
		}
		target = live
	}
	if !a.ofWork(target, w) {
		return nil
	}
	if preserve {
		return a.unmark(ctx, target)
	}
	// Background is said explicitly: Jobs would otherwise leave their pods behind (Karmada's issue 969).
	background, uid := metav1.DeletePropagationBackground, target.GetUID()
	err := a.client().Delete(ctx, a.manifest.GetName(), metav1.DeleteOptions{
		PropagationPolicy: &background, Preconditions: &metav1.Preconditions{UID: &uid},
	})
	if apierrors.IsNotFound(err) {
		err = nil
	}
	if apierrors.IsConflict(err) { // another object by now: look at that one
		return a.lookAgain(ctx, err)
	}
	if err == nil {
		a.observer.Gone(a.gvr, a.manifest.key())
	}
	return err
}

// ofWork tells whether an object is one that this Work dispatched.
func (a applier) ofWork(obj metav1.Object, w *workv1alpha1.Work) bool {
	annotations := obj.GetAnnotations()
	if obj.GetLabels()[wellknown.ManagedLabel] != wellknown.LabelValueTrue {
		return false
	}
	if name := annotations[workv1alpha2.WorkNameAnnotation]; name != w.Name || annotations[workv1alpha2.WorkNamespaceAnnotation] != w.Namespace {
		return false
	}
	theirs, ours := annotations[wellknown.PlaneUIDAnnotation], a.manifest.GetAnnotations()[wellknown.PlaneUIDAnnotation]
	return theirs == "" || ours == "" || theirs == ours
}

// What a preserved object loses, as in Karmada (util.ManagedResourceLabels and -Annotations, and the claim).
var (
	markLabels = []string{
		workv1alpha2.ResourceBindingPermanentIDLabel, workv1alpha2.ClusterResourceBindingPermanentIDLabel,
		workv1alpha2.WorkPermanentIDLabel, wellknown.ManagedLabel,
		policyv1alpha1.PropagationPolicyPermanentIDLabel, policyv1alpha1.ClusterPropagationPolicyPermanentIDLabel,
	}
	markAnnotations = []string{
		workv1alpha2.ManagedAnnotation, workv1alpha2.ManagedLabels,
		workv1alpha2.ResourceBindingNamespaceAnnotationKey, workv1alpha2.ResourceBindingNameAnnotationKey,
		workv1alpha2.ClusterResourceBindingAnnotationKey,
		workv1alpha2.ResourceTemplateUIDAnnotation, workv1alpha2.ResourceTemplateGenerationAnnotationKey,
		workv1alpha2.WorkNameAnnotation, workv1alpha2.WorkNamespaceAnnotation,
		workv1alpha2.ResourceConflictResolutionAnnotation,
		policyv1alpha1.PropagationPolicyNamespaceAnnotation, policyv1alpha1.PropagationPolicyNameAnnotation,
		policyv1alpha1.ClusterPropagationPolicyAnnotation,
		wellknown.PlaneUIDAnnotation, wellknown.TemplateUIDAnnotation, wellknown.TemplateGenerationAnnotation, appliedAnnotation,
	}
)

// unmark takes our labels and annotations off an object that stays in the member.
func (a applier) unmark(ctx context.Context, obj metav1.Object) error {
	gone := func(keys []string, present map[string]string) map[string]any {
		patch := map[string]any{}
		for _, key := range keys {
			if _, ok := present[key]; ok {
				patch[key] = nil
			}
		}
		return patch
	}
	raw, err := json.Marshal(map[string]any{"metadata": map[string]any{
		"labels":      gone(markLabels, obj.GetLabels()),
		"annotations": gone(markAnnotations, obj.GetAnnotations()),
	}})
	if err != nil {
		return fmt.Errorf("encoding what %s loses: %w", obj.GetName(), err)
	}
	if raw, err = mergepatch.WithPreconditions(raw, obj.GetUID(), ""); err != nil {
		return err
	}
	_, err = a.client().Patch(ctx, obj.GetName(), types.MergePatchType, raw, metav1.PatchOptions{FieldManager: observe.FieldManager})
	if apierrors.IsNotFound(err) {
		return nil
	}
	return err
}
