package plugins

import (
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

// Default returns the plugins in the order in which they are asked.
func Default() []framework.Plugin {
	return []framework.Plugin{
		clusteraffinity.Plugin{},
		clustereviction.Plugin{},
		tainttoleration.Plugin{},
		spreadconstraint.Plugin{},
		apienablement.Plugin{},
		architecture.Plugin{},
		portconflict.Plugin{},
		workloadaffinity.Together(),
		workloadaffinity.Apart(),
		storagepinning.Plugin{},
		clusterlocality.Plugin{},
	}
}
