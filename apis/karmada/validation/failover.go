package validation

import (
	"k8s.io/apimachinery/pkg/util/validation/field"

	policyv1alpha1 "github.com/karmada-io/karmada/pkg/apis/policy/v1alpha1"
)

// failover checks what happens when a cluster or an application fails.
func failover(path *field.Path, f *policyv1alpha1.FailoverBehavior) field.ErrorList {
	if f == nil {
		return nil
	}
	var errs field.ErrorList
	if f.Application != nil {
		errs = append(errs, applicationFailover(path.Child("application"), f.Application)...)
	}
	if f.Cluster != nil {
		errs = append(errs, emptyOrOneOf(path.Child("cluster", "purgeMode"), f.Cluster.PurgeMode,
			policyv1alpha1.PurgeModeDirectly, policyv1alpha1.PurgeModeGracefully)...)
		errs = append(errs, statePreservation(path.Child("cluster", "statePreservation"), f.Cluster.StatePreservation)...)
	}
	return errs
}

// purgeModes are the ways in which an application leaves a cluster; the last two are old names of the first two.
var purgeModes = []policyv1alpha1.PurgeMode{
	policyv1alpha1.PurgeModeDirectly, policyv1alpha1.PurgeModeGracefully, policyv1alpha1.Never,
	policyv1alpha1.Immediately, policyv1alpha1.Graciously, // deprecated, still accepted
}

func applicationFailover(path *field.Path, f *policyv1alpha1.ApplicationFailoverBehavior) field.ErrorList {
	var errs field.ErrorList
	if seconds := f.DecisionConditions.TolerationSeconds; seconds != nil && *seconds < 0 {
		errs = append(errs, field.Invalid(path.Child("decisionConditions", "tolerationSeconds"), *seconds, "must be at least 0"))
	}
	errs = append(errs, emptyOrOneOf(path.Child("purgeMode"), f.PurgeMode, purgeModes...)...)
	gracefully := f.PurgeMode == policyv1alpha1.PurgeModeGracefully || f.PurgeMode == policyv1alpha1.Graciously // deprecated, still accepted
	grace := path.Child("gracePeriodSeconds")
	switch {
	case f.GracePeriodSeconds == nil && gracefully:
		errs = append(errs, field.Required(grace, "must be set if purgeMode is "+string(f.PurgeMode)))
	case f.GracePeriodSeconds != nil && !gracefully:
		errs = append(errs, field.Forbidden(grace, "can be set only if purgeMode is "+string(policyv1alpha1.PurgeModeGracefully)))
	case f.GracePeriodSeconds != nil && *f.GracePeriodSeconds <= 0:
		errs = append(errs, field.Invalid(grace, *f.GracePeriodSeconds, "must be greater than 0"))
	}
	return append(errs, statePreservation(path.Child("statePreservation"), f.StatePreservation)...)
}

func statePreservation(path *field.Path, s *policyv1alpha1.StatePreservation) field.ErrorList {
	if s == nil {
		return nil
	}
	var errs field.ErrorList
	path = path.Child("rules")
	if s.Rules == nil {
		errs = append(errs, field.Required(path, "must say which state is kept; leave statePreservation out to keep none"))
	}
	for i, rule := range s.Rules {
		errs = append(errs, labelKey(path.Index(i).Child("aliasLabelName"), rule.AliasLabelName)...)
		errs = append(errs, required(path.Index(i).Child("jsonPath"), rule.JSONPath, "must be the path of the state in the status, such as {.jobStatus.jobID}")...)
	}
	return errs
}
