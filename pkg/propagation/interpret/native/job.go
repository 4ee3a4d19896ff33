package native

import (
	"context"
	"fmt"
	"slices"
	"strings"

	workv1alpha2 "github.com/karmada-io/karmada/pkg/apis/work/v1alpha2"
	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/utils/clock"
)

type jobAggregator struct {
	clock clock.PassiveClock
}

// aggregate adds Jobs up: complete when all are, failed when one is. A finished Job keeps its status.
//
// The API server validates transitions of a Job's status, hence three differences from Karmada:
// counters never fall (a cluster may have left), Failed comes with FailureTarget and waits until
// nothing runs any more, Complete comes with SuccessCriteriaMet.
func (a jobAggregator) aggregate(_ context.Context, template *unstructured.Unstructured, items []workv1alpha2.AggregatedStatusItem) (map[string]any, error) {
	var old batchv1.JobStatus
	if err := statusOf(template, &old); err != nil {
		return nil, err
	}
	if _, finished := finishedJob(&old); finished {
		return with(template, &old)
	}
	members, err := memberStatuses[batchv1.JobStatus](items)
	if err != nil {
		return nil, err
	}

	status := batchv1.JobStatus{StartTime: old.StartTime}
	var start, completion *metav1.Time
	var failed []string
	succeeded, started := 0, 0
	for _, m := range members {
		status.Active += m.status.Active
		status.Succeeded += m.status.Succeeded
		status.Failed += m.status.Failed
		switch kind, _ := finishedJob(&m.status); kind {
		case batchv1.JobComplete:
			succeeded++
		case batchv1.JobFailed:
			failed = append(failed, m.cluster)
		}
		if t := m.status.StartTime; t != nil {
			started++
			if start == nil || t.Before(start) {
				start = t
			}
		}
		if t := m.status.CompletionTime; t != nil && (completion == nil || completion.Before(t)) {
			completion = t
		}
	}
	status.Succeeded = max(status.Succeeded, old.Succeeded)
	status.Failed = max(status.Failed, old.Failed)
	if status.StartTime == nil && start != nil && (started == len(items) || len(failed) > 0) {
		status.StartTime = start
	}

	switch {
	case len(failed) > 0:
		message := "Job executed failed in member clusters " + strings.Join(failed, ",")
		conditions := []batchv1.JobConditionType{batchv1.JobFailureTarget}
		if status.Active == 0 {
			conditions = append(conditions, batchv1.JobFailed)
		}
		status.Conditions = a.conditions(&old, "JobFailed", message, conditions...)
	case succeeded > 0 && succeeded == len(items):
		status.CompletionTime = completion
		status.Conditions = slices.Concat(
			a.conditions(&old, "CompletionsReached", "All member clusters have met success criteria", batchv1.JobSuccessCriteriaMet),
			a.conditions(&old, "Completed", "Job completed", batchv1.JobComplete))
	}
	return with(template, &status, "active", "succeeded", "failed", "conditions", "startTime", "completionTime")
}

// conditions are true now; those that were true before keep their times.
func (a jobAggregator) conditions(old *batchv1.JobStatus, reason, message string, types ...batchv1.JobConditionType) []batchv1.JobCondition {
	var conditions []batchv1.JobCondition
	for _, t := range types {
		now := metav1.NewTime(a.clock.Now())
		c := batchv1.JobCondition{Type: t, Status: corev1.ConditionTrue, LastProbeTime: now, LastTransitionTime: now, Reason: reason, Message: message}
		if i := slices.IndexFunc(old.Conditions, func(o batchv1.JobCondition) bool { return o.Type == t && o.Status == corev1.ConditionTrue }); i >= 0 {
			c.LastProbeTime, c.LastTransitionTime = old.Conditions[i].LastProbeTime, old.Conditions[i].LastTransitionTime
		}
		conditions = append(conditions, c)
	}
	return conditions
}

func finishedJob(status *batchv1.JobStatus) (batchv1.JobConditionType, bool) {
	for _, c := range status.Conditions {
		if (c.Type == batchv1.JobComplete || c.Type == batchv1.JobFailed) && c.Status == corev1.ConditionTrue {
			return c.Type, true
		}
	}
	return "", false
}

// aggregateCronJob lists what runs anywhere and the latest times.
func aggregateCronJob(_ context.Context, template *unstructured.Unstructured, items []workv1alpha2.AggregatedStatusItem) (map[string]any, error) {
	members, err := memberStatuses[batchv1.CronJobStatus](items)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", template.GetName(), err)
	}
	var status batchv1.CronJobStatus
	for _, m := range members {
		status.Active = append(status.Active, m.status.Active...)
		status.LastScheduleTime = later(status.LastScheduleTime, m.status.LastScheduleTime)
		status.LastSuccessfulTime = later(status.LastSuccessfulTime, m.status.LastSuccessfulTime)
	}
	return with(template, &status, "active", "lastScheduleTime", "lastSuccessfulTime")
}

func later(a, b *metav1.Time) *metav1.Time {
	if a == nil || b != nil && a.Before(b) {
		return b
	}
	return a
}
