package plugins

import (
	"atoll.dev/atoll/pkg/scheduler/framework"
	"atoll.dev/atoll/pkg/scheduler/plugins/apienablement"
	"atoll.dev/atoll/pkg/scheduler/plugins/clusteraffinity"
	"atoll.dev/atoll/pkg/scheduler/plugins/clustereviction"
	"atoll.dev/atoll/pkg/scheduler/plugins/clusterlocality"
	"atoll.dev/atoll/pkg/scheduler/plugins/spreadconstraint"
	"atoll.dev/atoll/pkg/scheduler/plugins/tainttoleration"
)

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
