package validation

import (
	"k8s.io/apimachinery/pkg/util/validation/field"

	"github.com/karmada-io/karmada/pkg/apis/search"
)

// ResourceRegistry checks a ResourceRegistry but its status.
func ResourceRegistry(r *search.ResourceRegistry) field.ErrorList {
	path := field.NewPath("spec")
	errs := clusterAffinity(path.Child("targetCluster"), &r.Spec.TargetCluster)
	for i, s := range r.Spec.ResourceSelectors {
		at := path.Child("resourceSelectors").Index(i)
		errs = append(errs, apiVersion(at.Child("apiVersion"), s.APIVersion)...)
		errs = append(errs, required(at.Child("kind"), s.Kind, "must be the kind of the cached resources")...)
	}
	if r.Spec.BackendStore == nil || r.Spec.BackendStore.OpenSearch == nil {
		return errs
	}
	at, store := path.Child("backendStore", "openSearch"), r.Spec.BackendStore.OpenSearch
	if store.Addresses == nil {
		errs = append(errs, field.Required(at.Child("addresses"), "must have the URLs of the store"))
	}
	return errs
}

// ResourceRegistryStatus checks the status of a ResourceRegistry.
func ResourceRegistryStatus(r *search.ResourceRegistry) field.ErrorList {
	return conditions(field.NewPath("status", "conditions"), r.Status.Conditions)
}
