package validation

import (
	"k8s.io/apimachinery/pkg/util/validation/field"
	"k8s.io/utils/ptr"

	policyv1alpha1 "github.com/karmada-io/karmada/pkg/apis/policy/v1alpha1"
)

// PropagationPolicy checks a PropagationPolicy.
func PropagationPolicy(p *policyv1alpha1.PropagationPolicy) field.ErrorList {
	return propagationSpec(field.NewPath("spec"), &p.Spec, p.Namespace)
}

// ClusterPropagationPolicy checks a ClusterPropagationPolicy.
func ClusterPropagationPolicy(p *policyv1alpha1.ClusterPropagationPolicy) field.ErrorList {
	return propagationSpec(field.NewPath("spec"), &p.Spec, "")
}

// PropagationPolicyUpdate checks what may not change in a PropagationPolicy.
func PropagationPolicyUpdate(p, old *policyv1alpha1.PropagationPolicy) field.ErrorList {
	return append(schedulerNameKept(&p.Spec, &old.Spec), labelKept(p, old, policyv1alpha1.PropagationPolicyPermanentIDLabel)...)
}

// ClusterPropagationPolicyUpdate checks what may not change in a ClusterPropagationPolicy.
func ClusterPropagationPolicyUpdate(p, old *policyv1alpha1.ClusterPropagationPolicy) field.ErrorList {
	return append(schedulerNameKept(&p.Spec, &old.Spec), labelKept(p, old, policyv1alpha1.ClusterPropagationPolicyPermanentIDLabel)...)
}

// labelKept refuses another value of a label that the API server set.
func labelKept(obj, old interface{ GetLabels() map[string]string }, key string) field.ErrorList {
	value, oldValue := obj.GetLabels()[key], old.GetLabels()[key]
	if value == oldValue || oldValue == "" {
		return nil
	}
	return field.ErrorList{field.Invalid(field.NewPath("metadata", "labels").Key(key), value,
		"must stay "+oldValue+": the API server sets it when the object is created")}
}

func schedulerNameKept(spec, old *policyv1alpha1.PropagationSpec) field.ErrorList {
	if spec.SchedulerName == old.SchedulerName {
		return nil
	}
	return field.ErrorList{field.Invalid(field.NewPath("spec", "schedulerName"), spec.SchedulerName,
		"must stay "+old.SchedulerName+"; create another policy to use another scheduler")}
}

func propagationSpec(path *field.Path, s *policyv1alpha1.PropagationSpec, namespace string) field.ErrorList {
	var errs field.ErrorList
	selectors := path.Child("resourceSelectors")
	if len(s.ResourceSelectors) == 0 {
		errs = append(errs, field.Required(selectors, "must select at least one kind of resource"))
	}
	errs = append(errs, resourceSelectors(selectors, s.ResourceSelectors, namespace)...)
	if s.Preemption == policyv1alpha1.PreemptAlways {
		for i, selector := range s.ResourceSelectors {
			errs = append(errs, required(selectors.Index(i).Child("name"), selector.Name,
				"must be set if preemption is Always, so that no resource is preempted by accident")...)
		}
	}
	errs = append(errs, emptyOrOneOf(path.Child("preemption"), s.Preemption, policyv1alpha1.PreemptAlways, policyv1alpha1.PreemptNever)...)
	errs = append(errs, emptyOrOneOf(path.Child("conflictResolution"), s.ConflictResolution, policyv1alpha1.ConflictAbort, policyv1alpha1.ConflictOverwrite)...)
	errs = append(errs, emptyOrOneOf(path.Child("activationPreference"), s.ActivationPreference, policyv1alpha1.LazyActivation)...)
	errs = append(errs, placement(path.Child("placement"), &s.Placement)...)
	if s.Failover != nil && s.Failover.Application != nil && !s.PropagateDeps {
		errs = append(errs, field.Invalid(path.Child("propagateDeps"), s.PropagateDeps,
			"must be true if failover.application is set, so that what the application needs moves with it"))
	}
	errs = append(errs, failover(path.Child("failover"), s.Failover)...)
	errs = append(errs, suspension(path.Child("suspension"), s.Suspension)...)
	if p := s.SchedulePriority; p != nil {
		at := path.Child("schedulePriority")
		errs = append(errs, oneOf(at.Child("priorityClassSource"), p.PriorityClassSource, policyv1alpha1.KubePriorityClass)...)
		errs = append(errs, required(at.Child("priorityClassName"), p.PriorityClassName, "must be the name of a PriorityClass")...)
	}
	return errs
}

func suspension(path *field.Path, s *policyv1alpha1.Suspension) field.ErrorList {
	if s == nil || !ptr.Deref(s.Dispatching, false) || s.DispatchingOnClusters == nil || len(s.DispatchingOnClusters.ClusterNames) == 0 {
		return nil
	}
	return field.ErrorList{field.Forbidden(path.Child("dispatchingOnClusters", "clusterNames"),
		"cannot be set if dispatching is true, which suspends all clusters; use one of the two")}
}
