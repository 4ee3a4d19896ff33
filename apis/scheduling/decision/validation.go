package decision

import (
	"strings"

	metav1validation "k8s.io/apimachinery/pkg/apis/meta/v1/validation"
	"k8s.io/apimachinery/pkg/util/sets"
	"k8s.io/apimachinery/pkg/util/validation/field"

	workv1alpha2 "github.com/karmada-io/karmada/pkg/apis/work/v1alpha2"

	"atoll.dev/atoll/apis/karmada/wellknown"
)

// annotationPrefix starts the keys of the scheduler's own annotations.
const annotationPrefix = "scheduler.atoll.dev/"

// Validate checks a decision by itself.
func (d *Decision) Validate() field.ErrorList {
	var errs field.ErrorList
	basis := field.NewPath("basis")
	if d.Basis.UID == "" {
		errs = append(errs, field.Required(basis.Child("uid"), "must be the metadata.uid of the binding that was decided about"))
	}
	if d.Basis.Generation < 1 {
		errs = append(errs, field.Invalid(basis.Child("generation"), d.Basis.Generation, "must be the metadata.generation of the binding that was decided about"))
	}
	if d.Placement != nil {
		errs = append(errs, validateTargets(field.NewPath("placement", "clusters"), d.Placement.Clusters)...)
	}
	for key := range d.Annotations {
		if key != wellknown.AppliedPlacementAnnotation && !strings.HasPrefix(key, annotationPrefix) {
			errs = append(errs, field.Forbidden(field.NewPath("annotations").Key(key),
				"a decision sets "+wellknown.AppliedPlacementAnnotation+" and what begins with "+annotationPrefix+"; patch the binding to set others"))
		}
	}
	if d.Condition != nil {
		path := field.NewPath("condition")
		if d.Condition.Type != workv1alpha2.Scheduled {
			errs = append(errs, field.NotSupported(path.Child("type"), d.Condition.Type, []string{workv1alpha2.Scheduled}))
		}
		errs = append(errs, metav1validation.ValidateCondition(*d.Condition, path)...)
	}
	return errs
}

func validateTargets(path *field.Path, targets []workv1alpha2.TargetCluster) field.ErrorList {
	var errs field.ErrorList
	seen := make(sets.Set[string], len(targets))
	for i, target := range targets {
		at := path.Index(i)
		switch {
		case target.Name == "":
			errs = append(errs, field.Required(at.Child("name"), "must be the name of a Cluster"))
		case seen.Has(target.Name):
			errs = append(errs, field.Duplicate(at.Child("name"), target.Name))
		}
		seen.Insert(target.Name)
		if target.Replicas < 0 {
			errs = append(errs, field.Invalid(at.Child("replicas"), target.Replicas, "must be 0 or more"))
		}
	}
	return errs
}
