package plugins

import (
	"context"
	"fmt"
	"slices"

	"k8s.io/apimachinery/pkg/util/validation/field"

	"atoll.dev/atoll/pkg/scheduler/config"
	"atoll.dev/atoll/pkg/scheduler/framework"
)

// Path of the choice of plugins in the configuration file.
var Path = field.NewPath("scheduler", "plugins")

// Set is the plugins of a scheduler.
type Set struct {
	// Plugins in the order in which they are asked.
	Plugins []framework.Plugin
	// Weights multiply the scores of score plugins, by name.
	Weights map[string]int64
}

// Build makes the plugins that the configuration chooses of the registry. The error
// names every field of the configuration that is wrong by its Path.
func Build(ctx context.Context, c config.Plugins, r framework.Registry, h framework.Handle) (Set, error) {
	chosen, errs := choose(c, r, Path)
	set := Set{Weights: map[string]int64{}}
	for _, one := range chosen {
		plugin, err := r[one.name](ctx, one.args, h)
		if err != nil {
			errs = append(errs, argsError(one, err))
			continue
		}
		if problem := fault(one, plugin); problem != nil {
			errs = append(errs, problem)
			continue
		}
		set.Plugins = append(set.Plugins, plugin)
		if _, scores := plugin.(framework.ScorePlugin); scores {
			set.Weights[one.name] = one.weight
		}
	}
	if len(errs) == 0 {
		errs = missing(set.Plugins, c)
	}
	if err := errs.ToAggregate(); err != nil {
		return Set{}, fmt.Errorf("invalid configuration: %w", err)
	}
	return set, nil
}

// argsError blames a factory's error on the arguments, if there can be any.
func argsError(c choice, err error) *field.Error {
	if len(c.args) > 0 {
		return field.Invalid(c.at.Child("args"), string(c.args), err.Error())
	}
	if c.at == nil {
		return field.InternalError(Path, fmt.Errorf("making plugin %s: %w", c.name, err))
	}
	return field.Required(c.at.Child("args"), err.Error())
}

// fault is what is wrong with a plugin as it was made.
func fault(c choice, plugin framework.Plugin) *field.Error {
	if plugin == nil {
		return field.InternalError(Path, fmt.Errorf("the factory of plugin %s made none and said no error", c.name))
	}
	if name := plugin.Name(); name != c.name {
		return field.InternalError(Path, fmt.Errorf("the plugin registered as %s calls itself %s: give it one name", c.name, name))
	}
	_, filters := plugin.(framework.FilterPlugin)
	_, scores := plugin.(framework.ScorePlugin)
	_, reserves := plugin.(framework.ReservePlugin)
	_, pins := plugin.(framework.PinPlugin)
	if !filters && !scores && !reserves && !pins {
		return field.InternalError(Path, fmt.Errorf("plugin %s is neither a FilterPlugin, nor a ScorePlugin, nor a ReservePlugin, nor a PinPlugin: it would never be called", c.name))
	}
	if c.weighted && !scores {
		return field.Invalid(c.at.Child("weight"), c.weight, fmt.Sprintf("plugin %s does not score: leave the weight out", c.name))
	}
	return nil
}

// missing tells of plugins that others need and that do not run.
func missing(running []framework.Plugin, c config.Plugins) (errs field.ErrorList) {
	runs := map[string]bool{}
	for _, p := range running {
		runs[p.Name()] = true
	}
	for _, p := range running {
		dependent, ok := p.(framework.DependentPlugin)
		if !ok {
			continue
		}
		for _, name := range dependent.Needs() {
			if runs[name] {
				continue
			}
			if i := slices.IndexFunc(c.Disabled, func(d string) bool { return d == name || d == config.All }); i >= 0 {
				errs = append(errs, field.Invalid(Path.Child("disabled").Index(i), c.Disabled[i], fmt.Sprintf("plugin %s needs %s: let that run, or disable %s too", p.Name(), name, p.Name())))
				continue
			}
			errs = append(errs, field.Required(Path.Child("enabled"), fmt.Sprintf("plugin %s needs %s: name that too", p.Name(), name)))
		}
	}
	return errs
}
