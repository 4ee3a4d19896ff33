package dispatch

import (
	"errors"
	"fmt"

	workv1alpha1 "github.com/karmada-io/karmada/pkg/apis/work/v1alpha1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
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
	const most = 32 * 1024 // the API server's limit of a condition's message
	if len(message) > most {
		message = message[:most-3] + "..."
	}
	return metav1.Condition{Type: workv1alpha1.WorkApplied, Status: metav1.ConditionFalse, Reason: "AppliedFailed", Message: message}
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
