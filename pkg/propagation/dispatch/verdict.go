package dispatch

import (
	"errors"
	"fmt"
	"strings"

	workv1alpha1 "github.com/karmada-io/karmada/pkg/apis/work/v1alpha1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	utilerrors "k8s.io/apimachinery/pkg/util/errors"
)

// Verdict is what dispatching has to say of a Work, in Karmada's conditions.
type Verdict struct {
	// UID of the Work that was judged.
	UID types.UID
	// Conditions to be set: Dispatching, and Applied once something was tried.
	Conditions []metav1.Condition
}

func dispatching(suspended bool) metav1.Condition {
	if suspended {
		return metav1.Condition{Type: workv1alpha1.WorkDispatching, Status: metav1.ConditionFalse, Reason: "SuspendDispatching",
			Message: "Work dispatching is in a suspended state."}
	}
	return metav1.Condition{Type: workv1alpha1.WorkDispatching, Status: metav1.ConditionTrue, Reason: "Dispatching",
		Message: "Work is being dispatched to member clusters."}
}

// applied says how it went with the manifests of a Work. A failure is told in the member's own words.
func applied(total int, errs []error) metav1.Condition {
	if len(errs) == 0 {
		return metav1.Condition{Type: workv1alpha1.WorkApplied, Status: metav1.ConditionTrue, Reason: "AppliedSuccessful",
			Message: "Manifest has been successfully applied"}
	}
	message := fmt.Sprintf("Failed to apply all manifests (%d/%d): %s", total-len(errs), total, utilerrors.NewAggregate(errs))
	return metav1.Condition{Type: workv1alpha1.WorkApplied, Status: metav1.ConditionFalse, Reason: "AppliedFailed", Message: bounded(message)}
}

// Contested is the condition of a Work that tells whether somebody in the member insists on other
// values than the template's, so that an object is left as it is for a while. It is there once that
// has happened.
const Contested = "Contested"

// contested is that condition; nil if there has never been a reason for it.
func contested(w *workv1alpha1.Work, contests []contest) *metav1.Condition {
	var reports []string
	for _, c := range contests {
		if c.pauses > 0 {
			reports = append(reports, c.report)
		}
	}
	switch {
	case len(reports) > 0:
		return &metav1.Condition{Type: Contested, Status: metav1.ConditionTrue, Reason: "FieldsContested", Message: bounded(strings.Join(reports, "; "))}
	case meta.IsStatusConditionTrue(w.Status.Conditions, Contested):
		return &metav1.Condition{Type: Contested, Status: metav1.ConditionFalse, Reason: "FieldsAgreed",
			Message: "Nobody in the cluster contests the template any more."}
	}
	return nil
}

// bounded keeps a message within the API server's limit of a condition's message.
func bounded(message string) string {
	const most = 32 * 1024
	if len(message) > most {
		return message[:most-3] + "..."
	}
	return message
}

// patience is how many failures in a row of a kind that passes by itself are not told.
const patience = 6

// passing tells whether a failure is expected to pass within moments: the namespace is on its way,
// or the member's API servers have not all learnt of a new right.
func passing(err error) bool {
	if apierrors.IsForbidden(err) {
		return true
	}
	var status apierrors.APIStatus
	return errors.As(err, &status) && apierrors.IsNotFound(err) &&
		status.Status().Details != nil && status.Status().Details.Kind == "namespaces"
}
