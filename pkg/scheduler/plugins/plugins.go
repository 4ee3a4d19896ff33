package plugins

import (
	"context"
	"encoding/json"

	"atoll.dev/atoll/pkg/scheduler/config"
	"atoll.dev/atoll/pkg/scheduler/framework"
	"atoll.dev/atoll/pkg/scheduler/plugins/apienablement"
	"atoll.dev/atoll/pkg/scheduler/plugins/architecture"
	"atoll.dev/atoll/pkg/scheduler/plugins/clusteraffinity"
	"atoll.dev/atoll/pkg/scheduler/plugins/clustereviction"
	"atoll.dev/atoll/pkg/scheduler/plugins/clusterlocality"
	"atoll.dev/atoll/pkg/scheduler/plugins/portconflict"
	"atoll.dev/atoll/pkg/scheduler/plugins/spreadconstraint"
	"atoll.dev/atoll/pkg/scheduler/plugins/storagepinning"
	"atoll.dev/atoll/pkg/scheduler/plugins/tainttoleration"
	"atoll.dev/atoll/pkg/scheduler/plugins/workloadaffinity"
)

// entry is a plugin that comes with the scheduler.
type entry struct {
	name string
	// weight of the scores of a score plugin; 0 for all others.
	weight  int64
	factory framework.Factory
}

// inTree are the plugins that come with the scheduler, in the order in which they
// are asked. All of them run unless the configuration says otherwise.
func inTree() []entry {
	return []entry{
		{clusteraffinity.Name, 0, always(clusteraffinity.Plugin{})},
		{clustereviction.Name, 0, always(clustereviction.Plugin{})},
		{tainttoleration.Name, 0, always(tainttoleration.Plugin{})},
		{spreadconstraint.Name, 0, always(spreadconstraint.Plugin{})},
		{apienablement.Name, 0, always(apienablement.Plugin{})},
		{architecture.Name, 0, always(architecture.Plugin{})},
		{portconflict.Name, 0, always(portconflict.Plugin{})},
		{workloadaffinity.Name, 0, always(workloadaffinity.Together())},
		{workloadaffinity.AntiName, 0, always(workloadaffinity.Apart())},
		{storagepinning.Name, 0, always(storagepinning.Plugin{})},
		{clusterlocality.Name, 1, always(clusterlocality.Plugin{})},
	}
}

// Registry returns the in-tree plugins; the caller may add its own.
func Registry() framework.Registry {
	r := framework.Registry{}
	for _, e := range inTree() {
		r[e.name] = e.factory
	}
	return r
}

// Default makes the in-tree plugins for decisions without a scheduler, in the order in which they are asked.
func Default() []framework.Plugin {
	set, err := Build(context.Background(), config.Plugins{}, Registry(), nil)
	if err != nil {
		panic(err) // of a table that is wrong
	}
	return set.Plugins
}

// always is the factory of a plugin that needs neither arguments nor a Handle.
func always(p framework.Plugin) framework.Factory {
	return func(_ context.Context, args json.RawMessage, _ framework.Handle) (framework.Plugin, error) {
		return p, framework.NoArgs(args)
	}
}
