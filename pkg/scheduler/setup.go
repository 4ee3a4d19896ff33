package scheduler

import (
	"context"
	"fmt"
	"time"

	"github.com/go-logr/logr"
	"k8s.io/client-go/tools/record"
	"k8s.io/client-go/util/workqueue"
	"k8s.io/klog/v2"
	"k8s.io/utils/clock"
	"k8s.io/utils/ptr"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/controller"
	"sigs.k8s.io/controller-runtime/pkg/manager"
	"sigs.k8s.io/controller-runtime/pkg/source"

	clusterv1alpha1 "github.com/karmada-io/karmada/pkg/apis/cluster/v1alpha1"
	workv1alpha2 "github.com/karmada-io/karmada/pkg/apis/work/v1alpha2"

	"atoll.dev/atoll/pkg/membership/capacity"
	"atoll.dev/atoll/pkg/scheduler/announce"
	"atoll.dev/atoll/pkg/scheduler/binding"
	"atoll.dev/atoll/pkg/scheduler/cycle"
	"atoll.dev/atoll/pkg/scheduler/deschedule"
	"atoll.dev/atoll/pkg/scheduler/parking"
	"atoll.dev/atoll/pkg/scheduler/plugins"
	"atoll.dev/atoll/pkg/scheduler/snapshot"
)

// A decision whose write fails is tried again after a time that doubles from shortest to longest.
const (
	shortestRetry = 5 * time.Millisecond
	longestRetry  = 10 * time.Second
)

// Setup adds the scheduler to the manager. It starts with the manager, once it is
// elected and knows all clusters and bindings. An invalid option is refused.
func Setup(ctx context.Context, mgr manager.Manager, opts Options) error {
	opts, err := opts.complete()
	if err != nil {
		return err
	}
	log := klog.FromContext(ctx).WithName("scheduler")
	sink, err := announce.NewSink(mgr.GetConfig(), mgr.GetHTTPClient())
	if err != nil {
		return err
	}
	recorder := announce.NewRecorder(opts.SchedulerName, mgr.GetScheme(), sink, clock.RealClock{}, log)
	if err := mgr.Add(recorder); err != nil {
		return fmt.Errorf("adding what tells of decisions: %w", err)
	}
	applier, err := newRESTApplier(mgr.GetConfig(), mgr.GetHTTPClient())
	if err != nil {
		return err
	}
	s, err := newScheduler(ctx, opts, mgr.GetClient(), mgr.GetAPIReader(), applier, recorder)
	if err != nil {
		return err
	}
	c, err := controller.NewTyped("scheduler", mgr, controller.TypedOptions[binding.Key]{
		Reconciler:              s,
		MaxConcurrentReconciles: opts.Workers,
		UsePriorityQueue:        ptr.To(true),
		RateLimiter:             workqueue.NewTypedItemExponentialFailureRateLimiter[binding.Key](shortestRetry, longestRetry),
		SkipNameValidation:      ptr.To(true),
		LogConstructor:          func(*binding.Key) logr.Logger { return log },
	})
	if err != nil {
		return fmt.Errorf("creating the scheduler's queue: %w", err)
	}
	if err := mgr.Add(s.endClaims()); err != nil {
		return fmt.Errorf("adding the end of claims: %w", err)
	}
	alarm := s.alarm
	sources := []source.TypedSource[binding.Key]{
		source.TypedKind(mgr.GetCache(), &clusterv1alpha1.Cluster{}, clusterEvents(s, alarm)),
		source.TypedKind(mgr.GetCache(), &workv1alpha2.ResourceBinding{}, bindingEvents[*workv1alpha2.ResourceBinding](s)),
		source.TypedKind(mgr.GetCache(), &workv1alpha2.ClusterResourceBinding{}, bindingEvents[*workv1alpha2.ClusterResourceBinding](s)),
		source.TypedFunc[binding.Key](func(ctx context.Context, q queue) error {
			go s.wake(ctx, alarm, q)
			for _, e := range opts.Estimators {
				if asker, ok := e.(deschedule.Asker); ok && !opts.Deschedule.Disabled {
					go s.askMembers(ctx, asker, q)
					break // what a second one answers would take the place of what this one does
				}
			}
			go s.retries.run(ctx, func(b *binding.Binding) { enqueueAgain(q, b) })
			return nil
		}),
	}
	if opts.Views != nil {
		opts.Views.Subscribe(func(cluster string, v *capacity.View) { alarm.offer(s.clusters.SetNodes(cluster, v)) })
	}
	known := s.reviewed(sources)
	for _, src := range sources {
		if err := c.Watch(src); err != nil {
			return fmt.Errorf("watching for the scheduler: %w", err)
		}
	}
	return known.setup(ctx, mgr)
}

// newScheduler makes a Scheduler that knows of no cluster and no binding yet. The options are complete.
func newScheduler(ctx context.Context, opts Options, writer client.Client, reader client.Reader, applier applier, recorder record.EventRecorder) (*Scheduler, error) {
	s := &Scheduler{
		name:     opts.SchedulerName,
		clusters: &snapshot.Store{},
		bindings: &binding.Store{},
		parked:   &parking.Lot{},
		alarm:    newAlarm(),
		retries:  newRetries(opts.Clock),
		writer:   writer,
		reader:   reader,
		applier:  applier,
		events:   recorder,
		clock:    opts.Clock,
		stuck:    opts.Deschedule,
		asked:    &deschedule.Asked{},
	}
	h := &handle{clusters: s.clusters, clock: opts.Clock}
	h.reader.Reader = writer
	set, err := plugins.Build(ctx, opts.Plugins, opts.Registry, h)
	if err != nil {
		return nil, err
	}
	if s.claims = newClaims(opts, s.bindings, s.roomFreed); s.claims != nil {
		set.Plugins = append(set.Plugins, s.claims)
	}
	s.cycle = cycle.New(cycle.Options{Plugins: set.Plugins, Weights: set.Weights, Estimators: opts.Estimators, EmptyWorkloads: opts.EmptyWorkloads})
	return s, nil
}
