package validation

import (
	"strings"

	"k8s.io/apimachinery/pkg/util/validation/field"

	configv1alpha1 "github.com/karmada-io/karmada/pkg/apis/config/v1alpha1"

	"atoll.dev/atoll/apis/karmada/customization"
)

// ResourceInterpreterCustomization checks the structure of a
// ResourceInterpreterCustomization. Scripts must compile and define their function; they are not run.
func ResourceInterpreterCustomization(c *configv1alpha1.ResourceInterpreterCustomization) field.ErrorList {
	path := field.NewPath("spec")
	errs := apiVersion(path.Child("target", "apiVersion"), c.Spec.Target.APIVersion)
	errs = append(errs, required(path.Child("target", "kind"), c.Spec.Target.Kind, "must be the kind that is interpreted")...)
	for _, rule := range customization.Rules() {
		script, set := rule.Script(&c.Spec.Customizations)
		if !set {
			continue
		}
		at := path.Child("customizations", rule.Field, "luaScript")
		if script == "" {
			errs = append(errs, field.Required(at, "must be a Lua script; leave "+rule.Field+" out to have none"))
		} else if err := customization.Check(script, rule.Function); err != nil {
			errs = append(errs, field.Invalid(at, opening(script), "must be Lua that defines function "+rule.Function+": "+err.Error()))
		}
	}
	return errs
}

// ResourceInterpreterCustomizationAmong refuses a customization that interprets
// the same kind by the same operation as another one: only one could take effect.
// Dependencies may be interpreted by several.
func ResourceInterpreterCustomizationAmong(c *configv1alpha1.ResourceInterpreterCustomization, all []configv1alpha1.ResourceInterpreterCustomization) field.ErrorList {
	var errs field.ErrorList
	path := field.NewPath("spec", "customizations")
	for i := range all {
		other := &all[i]
		if other.Name == c.Name || other.Spec.Target != c.Spec.Target {
			continue
		}
		for _, rule := range customization.Rules() {
			own, _ := rule.Script(&c.Spec.Customizations)
			theirs, _ := rule.Script(&other.Spec.Customizations)
			if own != "" && theirs != "" && !rule.Many {
				errs = append(errs, field.Forbidden(path.Child(rule.Field), "is already customized for "+c.Spec.Target.Kind+" by "+other.Name+"; change that one"))
			}
		}
	}
	return errs
}

// opening is how a long script begins: a refusal need not repeat it all.
func opening(script string) string {
	const enough = 60
	line, _, more := strings.Cut(strings.TrimSpace(script), "\n")
	if len(line) > enough {
		line, more = line[:enough], true
	}
	if more {
		line += "…"
	}
	return line
}
