package validation

import (
	"encoding/json"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/validation/field"

	workv1alpha1 "github.com/karmada-io/karmada/pkg/apis/work/v1alpha1"
)

// Work checks a Work but its status.
func Work(w *workv1alpha1.Work) field.ErrorList {
	var errs field.ErrorList
	path := field.NewPath("spec", "workload", "manifests")
	for i := range w.Spec.Workload.Manifests {
		errs = append(errs, manifest(path.Index(i), w.Spec.Workload.Manifests[i].Raw)...)
	}
	return errs
}

// manifest refuses what is no Kubernetes object. The value is left out of the
// error: it may be a Secret.
func manifest(path *field.Path, raw []byte) field.ErrorList {
	object := struct {
		metav1.TypeMeta `json:",inline"`
		Metadata        struct {
			Name string `json:"name"`
		} `json:"metadata"`
	}{}
	if err := json.Unmarshal(raw, &object); err != nil {
		return field.ErrorList{field.Invalid(path, "", "must be a Kubernetes object as JSON")}
	}
	errs := apiVersion(path.Child("apiVersion"), object.APIVersion)
	errs = append(errs, required(path.Child("kind"), object.Kind, "must be the kind of the manifest")...)
	errs = append(errs, required(path.Child("metadata", "name"), object.Metadata.Name, "must be the name of the manifest")...)
	return errs
}

// WorkStatus checks the status of a Work.
func WorkStatus(w *workv1alpha1.Work) field.ErrorList {
	path := field.NewPath("status")
	errs := conditions(path.Child("conditions"), w.Status.Conditions)
	for i := range w.Status.ManifestStatuses {
		s, at := &w.Status.ManifestStatuses[i], path.Child("manifestStatuses").Index(i)
		errs = append(errs, emptyOrOneOf(at.Child("health"), s.Health, workv1alpha1.ResourceHealthy, workv1alpha1.ResourceUnhealthy, workv1alpha1.ResourceUnknown)...)
		at = at.Child("identifier")
		errs = append(errs, required(at.Child("version"), s.Identifier.Version, "must be the API version of the manifest")...)
		errs = append(errs, required(at.Child("kind"), s.Identifier.Kind, "must be the kind of the manifest")...)
		errs = append(errs, required(at.Child("name"), s.Identifier.Name, "must be the name of the manifest")...)
		if s.Identifier.Ordinal < 0 {
			errs = append(errs, field.Invalid(at.Child("ordinal"), s.Identifier.Ordinal, "must be the index of the manifest, at least 0"))
		}
	}
	return errs
}
