package validation

import (
	autoscalingv2 "k8s.io/api/autoscaling/v2"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/validation/field"

	autoscalingv1alpha1 "github.com/karmada-io/karmada/pkg/apis/autoscaling/v1alpha1"
)

const (
	maxCronRuleName = 32 // bytes
	maxCronHistory  = 32 // executions that a rule remembers
)

// CronFederatedHPA checks a CronFederatedHPA but its status.
func CronFederatedHPA(h *autoscalingv1alpha1.CronFederatedHPA) field.ErrorList {
	path := field.NewPath("spec")
	errs := scaleTarget(path.Child("scaleTargetRef"), &h.Spec.ScaleTargetRef)
	if h.Spec.Rules == nil {
		errs = append(errs, field.Required(path.Child("rules"), "must say when to scale"))
	}
	for i := range h.Spec.Rules {
		rule, at := &h.Spec.Rules[i], path.Child("rules").Index(i)
		errs = append(errs, required(at.Child("name"), rule.Name, "must name the rule")...)
		errs = append(errs, atMost(at.Child("name"), rule.Name, maxCronRuleName)...)
		errs = append(errs, required(at.Child("schedule"), rule.Schedule, "must be a schedule in cron format, such as 0 8 * * *")...)
		errs = append(errs, within(at.Child("successfulHistoryLimit"), rule.SuccessfulHistoryLimit, 1, maxCronHistory)...)
		errs = append(errs, within(at.Child("failedHistoryLimit"), rule.FailedHistoryLimit, 0, maxCronHistory)...)
	}
	return errs
}

func scaleTarget(path *field.Path, ref *autoscalingv2.CrossVersionObjectReference) field.ErrorList {
	errs := required(path.Child("kind"), ref.Kind, "must be the kind of what is scaled")
	return append(errs, required(path.Child("name"), ref.Name, "must be the name of what is scaled")...)
}

// CronFederatedHPAStatus checks the status of a CronFederatedHPA.
func CronFederatedHPAStatus(h *autoscalingv1alpha1.CronFederatedHPA) field.ErrorList {
	path := field.NewPath("status", "executionHistories")
	var errs field.ErrorList
	for i := range h.Status.ExecutionHistories {
		history, at := &h.Status.ExecutionHistories[i], path.Index(i)
		errs = append(errs, required(at.Child("ruleName"), history.RuleName, "must be the name of a rule")...)
		for j := range history.SuccessfulExecutions {
			e := &history.SuccessfulExecutions[j]
			errs = append(errs, executionTimes(at.Child("successfulExecutions").Index(j), e.ScheduleTime, e.ExecutionTime)...)
		}
		for j := range history.FailedExecutions {
			e, at := &history.FailedExecutions[j], at.Child("failedExecutions").Index(j)
			errs = append(errs, executionTimes(at, e.ScheduleTime, e.ExecutionTime)...)
			errs = append(errs, required(at.Child("message"), e.Message, "must say why the execution failed")...)
		}
	}
	return errs
}

func executionTimes(path *field.Path, scheduled, executed *metav1.Time) field.ErrorList {
	var errs field.ErrorList
	if scheduled == nil {
		errs = append(errs, field.Required(path.Child("scheduleTime"), "must be the time at which the rule was due"))
	}
	if executed == nil {
		errs = append(errs, field.Required(path.Child("executionTime"), "must be the time at which the rule was executed"))
	}
	return errs
}
