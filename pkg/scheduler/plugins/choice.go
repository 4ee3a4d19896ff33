package plugins

import (
	"encoding/json"
	"slices"

	"k8s.io/apimachinery/pkg/util/validation/field"

	"atoll.dev/atoll/pkg/scheduler/config"
	"atoll.dev/atoll/pkg/scheduler/framework"
)

// defaultWeight is that of plugins that are not in-tree.
const defaultWeight = 1

// choice is a plugin that is to run.
type choice struct {
	name   string
	weight int64
	args   json.RawMessage
	// at is its entry in plugins.enabled, nil if it has none.
	at *field.Path
	// weighted is set if the configuration gives its weight.
	weighted bool
}

// Validate returns what is wrong with the choice of plugins at the path at, as far
// as that can be told without making them.
func Validate(c config.Plugins, r framework.Registry, at *field.Path) field.ErrorList {
	_, errs := choose(c, r, at)
	return errs
}

// choose returns the plugins to run in the order in which they are asked.
func choose(c config.Plugins, r framework.Registry, at *field.Path) ([]choice, field.ErrorList) {
	if errs := c.Validate(at, r.Names()); len(errs) > 0 {
		return nil, errs
	}
	var chosen []choice
	for _, e := range inTree() {
		if !slices.Contains(c.Disabled, e.name) && !slices.Contains(c.Disabled, config.All) {
			chosen = append(chosen, choice{name: e.name, weight: e.weight})
		}
	}
	for i, p := range c.Enabled {
		one := indexOf(chosen, p.Name)
		if one < 0 {
			one = len(chosen)
			chosen = append(chosen, choice{name: p.Name, weight: weightOf(p.Name)})
		}
		chosen[one].args, chosen[one].at = p.Args, at.Child("enabled").Index(i)
		if p.Weight != nil {
			chosen[one].weight, chosen[one].weighted = int64(*p.Weight), true
		}
	}
	var errs field.ErrorList
	for i, name := range slices.Backward(c.Order) {
		one := indexOf(chosen, name)
		if one < 0 {
			errs = append(errs, field.Invalid(at.Child("order").Index(i), name, "does not run: name it in plugins.enabled, or leave it out here"))
			continue
		}
		first := chosen[one]
		chosen = slices.Insert(slices.Delete(chosen, one, one+1), 0, first)
	}
	slices.Reverse(errs)
	return chosen, errs
}

// weightOf is the weight of a plugin of which the configuration gives none.
func weightOf(name string) int64 {
	for _, e := range inTree() {
		if e.name == name {
			return e.weight
		}
	}
	return defaultWeight
}

func indexOf(chosen []choice, name string) int {
	return slices.IndexFunc(chosen, func(c choice) bool { return c.name == name })
}
