package validation

import (
	"k8s.io/apimachinery/pkg/util/validation/field"

	appsv1alpha1 "github.com/karmada-io/karmada/pkg/apis/apps/v1alpha1"
)

// WorkloadRebalancer checks a WorkloadRebalancer but its status.
func WorkloadRebalancer(r *appsv1alpha1.WorkloadRebalancer) field.ErrorList {
	path := field.NewPath("spec", "workloads")
	var errs field.ErrorList
	if len(r.Spec.Workloads) == 0 {
		errs = append(errs, field.Required(path, "must have at least one workload"))
	}
	for i := range r.Spec.Workloads {
		errs = append(errs, workloadReference(path.Index(i), &r.Spec.Workloads[i])...)
	}
	return errs
}

// WorkloadRebalancerStatus checks the status of a WorkloadRebalancer.
func WorkloadRebalancerStatus(r *appsv1alpha1.WorkloadRebalancer) field.ErrorList {
	path := field.NewPath("status", "observedWorkloads")
	var errs field.ErrorList
	for i := range r.Status.ObservedWorkloads {
		errs = append(errs, workloadReference(path.Index(i).Child("workload"), &r.Status.ObservedWorkloads[i].Workload)...)
	}
	return errs
}

func workloadReference(path *field.Path, ref *appsv1alpha1.ObjectReference) field.ErrorList {
	errs := apiVersion(path.Child("apiVersion"), ref.APIVersion)
	errs = append(errs, required(path.Child("kind"), ref.Kind, "must be the kind of the workload")...)
	return append(errs, required(path.Child("name"), ref.Name, "must be the name of the workload")...)
}
