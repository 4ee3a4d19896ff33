package validation

import (
	"fmt"
	"math"

	"k8s.io/apimachinery/pkg/util/validation/field"

	"github.com/karmada-io/karmada/pkg/apis/cluster"
)

// resourceModels checks the models of a cluster's nodes, which are in the order
// of their grades: each divides the same resources, the first from zero, the last
// without end, and each begins where the one before ends.
func resourceModels(path *field.Path, models []cluster.ResourceModel) field.ErrorList {
	var errs field.ErrorList
	for i := range models {
		at := path.Index(i).Child("ranges")
		if len(models[i].Ranges) == 0 {
			errs = append(errs, field.Required(at, "must have at least one resource"))
		}
		for j := range models[i].Ranges {
			errs = append(errs, modelRange(at.Index(j), &models[i].Ranges[j], i == 0, i == len(models)-1)...)
		}
		if i == 0 {
			continue
		}
		before := &models[i-1]
		if models[i].Grade == before.Grade {
			errs = append(errs, field.Duplicate(path.Index(i).Child("grade"), models[i].Grade))
		}
		if len(models[i].Ranges) != len(before.Ranges) {
			errs = append(errs, field.Invalid(at, len(models[i].Ranges), fmt.Sprintf("must have the same resources as the model before, which has %d", len(before.Ranges))))
			continue
		}
		for j := range models[i].Ranges {
			r, previous := &models[i].Ranges[j], &before.Ranges[j]
			if r.Name != previous.Name {
				errs = append(errs, field.Invalid(at.Index(j).Child("name"), r.Name, "must be "+string(previous.Name)+" as in the model before"))
			} else if r.Min.Cmp(previous.Max) != 0 {
				errs = append(errs, field.Invalid(at.Index(j).Child("min"), r.Min.String(), "must be max of the model before, "+previous.Max.String()))
			}
		}
	}
	return errs
}

func modelRange(path *field.Path, r *cluster.ResourceModelRange, first, last bool) field.ErrorList {
	errs := required(path.Child("name"), r.Name, "must be the name of a resource, such as cpu")
	if r.Max.Cmp(r.Min) <= 0 {
		errs = append(errs, field.Invalid(path.Child("max"), r.Max.String(), "must be greater than min, "+r.Min.String()))
	}
	if first && !r.Min.IsZero() {
		errs = append(errs, field.Invalid(path.Child("min"), r.Min.String(), "must be 0 in the first model"))
	}
	if last && r.Max.Value() != math.MaxInt64 {
		errs = append(errs, field.Invalid(path.Child("max"), r.Max.String(), fmt.Sprintf("must be %d in the last model", int64(math.MaxInt64))))
	}
	return errs
}
