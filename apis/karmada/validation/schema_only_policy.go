package validation

import (
	"k8s.io/apimachinery/pkg/util/validation/field"

	policyv1alpha1 "github.com/karmada-io/karmada/pkg/apis/policy/v1alpha1"
)

// FederatedResourceQuota checks a FederatedResourceQuota but its status.
func FederatedResourceQuota(q *policyv1alpha1.FederatedResourceQuota) field.ErrorList {
	path := field.NewPath("spec")
	var errs field.ErrorList
	if q.Spec.Overall == nil {
		errs = append(errs, field.Required(path.Child("overall"), "must have the limits over all clusters"))
	}
	for i := range q.Spec.StaticAssignments {
		a, at := &q.Spec.StaticAssignments[i], path.Child("staticAssignments").Index(i)
		errs = append(errs, required(at.Child("clusterName"), a.ClusterName, "must be the name of a Cluster")...)
		if a.Hard == nil {
			errs = append(errs, field.Required(at.Child("hard"), "must have the limits in the cluster"))
		}
	}
	return errs
}

// FederatedResourceQuotaStatus checks the status of a FederatedResourceQuota.
func FederatedResourceQuotaStatus(q *policyv1alpha1.FederatedResourceQuota) field.ErrorList {
	path := field.NewPath("status", "aggregatedStatus")
	var errs field.ErrorList
	for i := range q.Status.AggregatedStatus {
		errs = append(errs, required(path.Index(i).Child("clusterName"), q.Status.AggregatedStatus[i].ClusterName, "must be the name of a Cluster")...)
	}
	return errs
}
