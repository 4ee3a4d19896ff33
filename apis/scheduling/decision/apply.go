package decision

import (
	"fmt"
	"maps"

	"k8s.io/apimachinery/pkg/api/equality"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	workv1alpha2 "github.com/karmada-io/karmada/pkg/apis/work/v1alpha2"
)

// Stale returns why a decision about the binding no longer holds, nil if it does.
func (b Basis) Stale(object metav1.Object, status *workv1alpha2.ResourceBindingStatus) error {
	switch {
	case b.UID != object.GetUID():
		return fmt.Errorf("the decision is about the binding with UID %q, and this one has %q", b.UID, object.GetUID())
	case b.Generation != object.GetGeneration():
		return fmt.Errorf("the decision is about generation %d, and the binding has %d; decide again", b.Generation, object.GetGeneration())
	case !sameSecond(b.LastScheduledTime, status.LastScheduledTime):
		return fmt.Errorf("the binding was scheduled by somebody else meanwhile, at %v; decide again", status.LastScheduledTime)
	case object.GetDeletionTimestamp() != nil:
		return fmt.Errorf("the binding is being deleted since %v", object.GetDeletionTimestamp())
	}
	return nil
}

// sameSecond compares times as precisely as JSON carries them.
func sameSecond(a, b *metav1.Time) bool {
	if a == nil || b == nil {
		return a == b
	}
	return a.Unix() == b.Unix()
}

// Apply changes a binding as the decision says: it is what the API server does in one
// transaction. Maps and slices of the binding are replaced, not written to, and none
// is shared with the decision's own but for spec.clusters.
func (d *Decision) Apply(object metav1.Object, spec *workv1alpha2.ResourceBindingSpec, status *workv1alpha2.ResourceBindingStatus) {
	if d.Placement != nil && !equality.Semantic.DeepEqual(spec.Clusters, d.Placement.Clusters) {
		spec.Clusters = d.Placement.Clusters
		object.SetGeneration(object.GetGeneration() + 1)
	}
	if len(d.Annotations) > 0 {
		annotations := make(map[string]string, len(object.GetAnnotations())+len(d.Annotations))
		maps.Copy(annotations, object.GetAnnotations())
		maps.Copy(annotations, d.Annotations)
		object.SetAnnotations(annotations)
	}
	if d.Condition != nil {
		conditions := append([]metav1.Condition(nil), status.Conditions...)
		if meta.SetStatusCondition(&conditions, *d.Condition) {
			status.Conditions = conditions
		}
	}
	if d.Observed {
		status.SchedulerObservedGeneration = object.GetGeneration()
	}
	if d.AffinityName != "" {
		status.SchedulerObservedAffinityName = d.AffinityName
	}
	if d.ScheduledTime != nil {
		status.LastScheduledTime = d.ScheduledTime
	}
}
