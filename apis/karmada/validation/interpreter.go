package validation

import (
	"slices"

	"k8s.io/apimachinery/pkg/util/validation/field"

	configv1alpha1 "github.com/karmada-io/karmada/pkg/apis/config/v1alpha1"
)

// ResourceInterpreterCustomization checks the structure of a
// ResourceInterpreterCustomization. Its scripts are not compiled.
func ResourceInterpreterCustomization(c *configv1alpha1.ResourceInterpreterCustomization) field.ErrorList {
	path := field.NewPath("spec")
	errs := apiVersion(path.Child("target", "apiVersion"), c.Spec.Target.APIVersion)
	errs = append(errs, required(path.Child("target", "kind"), c.Spec.Target.Kind, "must be the kind that is interpreted")...)
	for _, s := range scripts(&c.Spec.Customizations) {
		if s.set {
			errs = append(errs, required(path.Child("customizations", s.field, "luaScript"), s.lua, "must be a Lua script; leave "+s.field+" out to have none")...)
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
	own := scripts(&c.Spec.Customizations)
	for i := range all {
		other := &all[i]
		if other.Name == c.Name || other.Spec.Target != c.Spec.Target {
			continue
		}
		theirs := scripts(&other.Spec.Customizations)
		for j := range own {
			if own[j].lua != "" && theirs[j].lua != "" && !own[j].many {
				errs = append(errs, field.Forbidden(path.Child(own[j].field), "is already customized for "+c.Spec.Target.Kind+" by "+other.Name+"; change that one"))
			}
		}
	}
	return errs
}

// script is one operation of a customization.
type script struct {
	field string // name in spec.customizations
	set   bool
	lua   string
	many  bool // whether several customizations may have it for the same kind
}

func scripts(c *configv1alpha1.CustomizationRules) []script {
	all := []script{
		{field: "retention"}, {field: "replicaResource"}, {field: "componentResource"}, {field: "replicaRevision"},
		{field: "statusReflection"}, {field: "statusAggregation"}, {field: "healthInterpretation"}, {field: "dependencyInterpretation", many: true},
	}
	set := func(name, lua string) {
		i := slices.IndexFunc(all, func(s script) bool { return s.field == name })
		all[i].set, all[i].lua = true, lua
	}
	if c.Retention != nil {
		set("retention", c.Retention.LuaScript)
	}
	if c.ReplicaResource != nil {
		set("replicaResource", c.ReplicaResource.LuaScript)
	}
	if c.ComponentResource != nil {
		set("componentResource", c.ComponentResource.LuaScript)
	}
	if c.ReplicaRevision != nil {
		set("replicaRevision", c.ReplicaRevision.LuaScript)
	}
	if c.StatusReflection != nil {
		set("statusReflection", c.StatusReflection.LuaScript)
	}
	if c.StatusAggregation != nil {
		set("statusAggregation", c.StatusAggregation.LuaScript)
	}
	if c.HealthInterpretation != nil {
		set("healthInterpretation", c.HealthInterpretation.LuaScript)
	}
	if c.DependencyInterpretation != nil {
		set("dependencyInterpretation", c.DependencyInterpretation.LuaScript)
	}
	return all
}
