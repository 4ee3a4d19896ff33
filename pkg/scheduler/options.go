package scheduler

import (
	"fmt"

	"k8s.io/utils/clock"

	"atoll.dev/atoll/pkg/membership/capacity"
	"atoll.dev/atoll/pkg/scheduler/config"
	"atoll.dev/atoll/pkg/scheduler/deschedule"
	"atoll.dev/atoll/pkg/scheduler/estimator"
	"atoll.dev/atoll/pkg/scheduler/framework"
	"atoll.dev/atoll/pkg/scheduler/plugins"
)

// DefaultName is the scheduler that places bindings which name none.
const DefaultName = config.DefaultSchedulerName

const defaultWorkers = 32

// Options of Setup. The zero value is the default scheduler.
type Options struct {
	// SchedulerName selects the bindings to place: those with this spec.schedulerName.
	// A binding that names none is the default scheduler's. Defaults to DefaultName.
	SchedulerName string
	// Workers is how many bindings are decided and written at the same time. A worker
	// spends most of its time waiting for the API server, and etcd commits together what
	// comes together. Defaults to 32.
	Workers int
	// EmptyWorkloads sends a workload also to those of the chosen clusters that get
	// none of its replicas.
	EmptyWorkloads bool
	// Plugins chooses among those of the Registry. The zero value is all in-tree plugins.
	Plugins config.Plugins
	// Registry holds the plugins that are compiled in. Defaults to plugins.Registry.
	Registry framework.Registry
	// Estimators of which the lowest answer counts. Defaults to estimator.Members. If it
	// is among them, what decisions take is claimed of it: see package reservation.
	Estimators []estimator.Estimator
	// Deschedule says when replicas that a member cannot run are placed elsewhere.
	Deschedule deschedule.Options
	// Views tells of the members' nodes. Without it nothing is known of them but what
	// the Clusters' status sums up.
	Views capacity.Source
	// Clock defaults to the machine's.
	Clock clock.PassiveClock
}

// complete fills in defaults, or says what is wrong with an option.
func (o Options) complete() (Options, error) {
	if o.SchedulerName == "" {
		o.SchedulerName = DefaultName
	}
	if o.Workers < 0 {
		return o, fmt.Errorf("scheduler workers: %d is negative; give the number of bindings to place at once, or 0 for the default of %d", o.Workers, defaultWorkers)
	}
	if o.Workers == 0 {
		o.Workers = defaultWorkers
	}
	if o.Registry == nil {
		o.Registry = plugins.Registry()
	}
	if o.Estimators == nil {
		o.Estimators = []estimator.Estimator{&estimator.Members{}}
	}
	o.Deschedule = o.Deschedule.Complete()
	if o.Clock == nil {
		o.Clock = clock.RealClock{}
	}
	return o, nil
}
