package validation

import (
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/validation/field"

	remedyv1alpha1 "github.com/karmada-io/karmada/pkg/apis/remedy/v1alpha1"
)

// Remedy checks a Remedy.
func Remedy(r *remedyv1alpha1.Remedy) field.ErrorList {
	path := field.NewPath("spec", "decisionMatches")
	var errs field.ErrorList
	for i := range r.Spec.DecisionMatches {
		match, at := r.Spec.DecisionMatches[i].ClusterConditionMatch, path.Index(i).Child("clusterConditionMatch")
		if match == nil {
			continue
		}
		errs = append(errs, required(at.Child("conditionType"), match.ConditionType, "must be the type of a condition of Clusters, such as "+string(remedyv1alpha1.ServiceDomainNameResolutionReady))...)
		errs = append(errs, oneOf(at.Child("operator"), match.Operator, remedyv1alpha1.ClusterConditionEqual, remedyv1alpha1.ClusterConditionNotEqual)...)
		errs = append(errs, oneOf(at.Child("conditionStatus"), match.ConditionStatus,
			string(metav1.ConditionTrue), string(metav1.ConditionFalse), string(metav1.ConditionUnknown))...)
	}
	return errs
}
