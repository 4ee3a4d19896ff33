package scheduler

import (
	"errors"
	"fmt"
	"strings"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	workv1alpha2 "github.com/karmada-io/karmada/pkg/apis/work/v1alpha2"

	"atoll.dev/atoll/pkg/scheduler/binding"
	"atoll.dev/atoll/pkg/scheduler/cycle"
)

// Reasons of the events that tell of a decision; they are Karmada's.
const (
	reasonSucceeded = "ScheduleBindingSucceed"
	reasonFailed    = "ScheduleBindingFailed"
)

const successMessage = "Binding has been scheduled successfully."

// condition returns the Scheduled condition that a decision leads to, without its time.
func condition(failure error) metav1.Condition {
	c := metav1.Condition{Type: workv1alpha2.Scheduled, Status: metav1.ConditionFalse}
	var (
		noFit    *cycle.FitError
		shortage *cycle.ShortageError
	)
	switch {
	case failure == nil:
		c.Status, c.Reason, c.Message = metav1.ConditionTrue, workv1alpha2.BindingReasonSuccess, successMessage
		return c
	case errors.As(failure, &noFit):
		c.Reason = workv1alpha2.BindingReasonNoClusterFit
	case errors.As(failure, &shortage):
		c.Reason = workv1alpha2.BindingReasonUnschedulable
	default:
		c.Reason = workv1alpha2.BindingReasonSchedulerError
	}
	c.Message = failure.Error()
	return c
}

// decides tells whether a decision says where the workload goes: it does if it
// succeeded, and if no cluster may have the workload. Any other failure leaves the
// workload where it is.
func decides(failure error) bool {
	var noFit *cycle.FitError
	return failure == nil || errors.As(failure, &noFit)
}

// announce records the outcome as an event of the binding and of its template.
func (s *Scheduler) announce(b *binding.Binding, clusters []workv1alpha2.TargetCluster, failure error) {
	kind, reason, message := corev1.EventTypeWarning, reasonFailed, ""
	if failure == nil {
		kind, reason = corev1.EventTypeNormal, reasonSucceeded
		message = fmt.Sprintf("%s Result: {%s}", successMessage, summary(clusters))
	} else {
		message = failure.Error()
	}
	s.events.Event(b.Object, kind, reason, message)
	s.events.Event(b.Template(), kind, reason, message)
}

// summary writes clusters as "member1:2, member2:1".
func summary(clusters []workv1alpha2.TargetCluster) string {
	parts := make([]string, len(clusters))
	for i, c := range clusters {
		parts[i] = fmt.Sprintf("%s:%d", c.Name, c.Replicas)
	}
	return strings.Join(parts, ", ")
}
