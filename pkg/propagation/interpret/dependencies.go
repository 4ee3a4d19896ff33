package interpret

import (
	configv1alpha1 "github.com/karmada-io/karmada/pkg/apis/config/v1alpha1"
	metav1validation "k8s.io/apimachinery/pkg/apis/meta/v1/validation"
	"k8s.io/apimachinery/pkg/util/validation/field"
)

// CheckDependencies refuses references from scripts and webhooks that refer to nothing.
func CheckDependencies(dependencies []configv1alpha1.DependentObjectReference) error {
	var errs field.ErrorList
	for i, d := range dependencies {
		path := field.NewPath("dependencies").Index(i)
		if d.APIVersion == "" {
			errs = append(errs, field.Required(path.Child("apiVersion"), "must be that of what is depended on"))
		}
		if d.Kind == "" {
			errs = append(errs, field.Required(path.Child("kind"), "must be that of what is depended on"))
		}
		if d.Name == "" && d.LabelSelector == nil {
			errs = append(errs, field.Required(path.Child("name"), "must be given if labelSelector is not"))
		}
		errs = append(errs, metav1validation.ValidateLabelSelector(d.LabelSelector, metav1validation.LabelSelectorValidationOptions{}, path.Child("labelSelector"))...)
	}
	return errs.ToAggregate()
}
