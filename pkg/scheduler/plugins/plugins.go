package plugins

import (
	"context"
	"encoding/json"

	"atoll.dev/atoll/pkg/scheduler/framework"
	"atoll.dev/atoll/pkg/scheduler/plugins/apienablement"
	"atoll.dev/atoll/pkg/scheduler/plugins/clusteraffinity"
	"atoll.dev/atoll/pkg/scheduler/plugins/clustereviction"
	"atoll.dev/atoll/pkg/scheduler/plugins/clusterlocality"
	"atoll.dev/atoll/pkg/scheduler/plugins/spreadconstraint"
	"atoll.dev/atoll/pkg/scheduler/plugins/tainttoleration"
)

// inTree are the plugins that come with the scheduler, in the order in which they
// are asked. All of them run unless the configuration says otherwise; a score
// plugin counts with its weight, which is 0 for all others.
func inTree() []entry {
	return []entry{
		{clusteraffinity.Name, 0, plain(clusteraffinity.Plugin{})},
		{clustereviction.Name, 0, plain(clustereviction.Plugin{})},
		{tainttoleration.Name, 0, plain(tainttoleration.Plugin{})},
		{spreadconstraint.Name, 0, plain(spreadconstraint.Plugin{})},
		{apienablement.Name, 0, plain(apienablement.Plugin{})},
		{clusterlocality.Name, 1, plain(clusterlocality.Plugin{})},
	}
}

type entry struct {
	name    string
	weight  int32
	factory framework.Factory
}

// Registry returns the in-tree plugins; the caller may add its own.
func Registry() framework.Registry {
	r := framework.Registry{}
	for _, e := range inTree() {
		r[e.name] = e.factory
	}
	return r
}

// Default returns the plugins in the order in which they are asked.
func Default() []framework.Plugin {
	return []framework.Plugin{
		clusteraffinity.Plugin{},
		clustereviction.Plugin{},
		tainttoleration.Plugin{},
		spreadconstraint.Plugin{},
		apienablement.Plugin{},
		clusterlocality.Plugin{},
	}
}

// plain is the factory of a plugin that needs neither arguments nor a Handle.
func plain(p framework.Plugin) framework.Factory {
	return func(_ context.Context, args json.RawMessage, _ framework.Handle) (framework.Plugin, error) {
		return p, framework.NoArgs(args)
	}
}
