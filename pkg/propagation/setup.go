package propagation

import (
	"context"
	"fmt"
	"time"

	workv1alpha2 "github.com/karmada-io/karmada/pkg/apis/work/v1alpha2"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/discovery"
	"k8s.io/client-go/dynamic"
	"k8s.io/utils/clock"
	"sigs.k8s.io/controller-runtime/pkg/manager"

	"atoll.dev/atoll/pkg/membership/connection"
	"atoll.dev/atoll/pkg/propagation/aggregate"
	"atoll.dev/atoll/pkg/propagation/bind"
	"atoll.dev/atoll/pkg/propagation/dependencies"
	"atoll.dev/atoll/pkg/propagation/dispatch"
	"atoll.dev/atoll/pkg/propagation/failover"
	"atoll.dev/atoll/pkg/propagation/interpret"
	"atoll.dev/atoll/pkg/propagation/match"
	"atoll.dev/atoll/pkg/propagation/override"
	"atoll.dev/atoll/pkg/propagation/reflect"
	"atoll.dev/atoll/pkg/propagation/settle"
	"atoll.dev/atoll/pkg/propagation/templates"
	"atoll.dev/atoll/pkg/propagation/work"
)

// DefaultSettleWindow is how long a status rests after it was written.
const DefaultSettleWindow = 100 * time.Millisecond

// Options of the propagation. The zero value is what `atolld server` uses.
type Options struct {
	// SkippedAPIs are never propagated, in addition to Karmada's and Atoll's own, events and leases:
	// a list in the form of Karmada's --skipped-propagating-apis.
	SkippedAPIs string
	// SkippedNamespaces are regular expressions of namespaces that nothing is propagated from, in
	// addition to the reserved ones. nil: templates.DefaultSkippedNamespaces.
	SkippedNamespaces []string
	// SettleWindow is how long a status rests after it was written. Default DefaultSettleWindow.
	SettleWindow time.Duration
	// Workers is how many objects each stage handles at a time, and each member's dispatching too. Default 8.
	Workers int
	// Interpreters are asked before all others, in order: before customizations, webhooks, the
	// third-party kinds and the native ones.
	Interpreters []interpret.Interpreter
	// Failover says when and how workloads leave clusters.
	Failover failover.Settings
	// Deletions limits what may be deleted in one member at once; see dispatch.DeletionLimit for the defaults.
	Deletions dispatch.DeletionLimit
	// Clock defaults to the real one.
	Clock clock.WithTicker
}

// Setup adds the stages to a manager. They run on the leader only.
func Setup(ctx context.Context, mgr manager.Manager, pool *connection.Pool, opts Options) error {
	if opts.Clock == nil {
		opts.Clock = clock.RealClock{}
	}
	if opts.SettleWindow == 0 {
		opts.SettleWindow = DefaultSettleWindow
	}
	if opts.SkippedNamespaces == nil {
		opts.SkippedNamespaces = templates.DefaultSkippedNamespaces
	}
	skip, err := templates.NewSkip(opts.SkippedAPIs, opts.SkippedNamespaces)
	if err != nil {
		return err
	}
	dyn, err := dynamic.NewForConfigAndClient(mgr.GetConfig(), mgr.GetHTTPClient())
	if err != nil {
		return fmt.Errorf("building the dynamic client: %w", err)
	}
	disc, err := discovery.NewDiscoveryClientForConfigAndClient(mgr.GetConfig(), mgr.GetHTTPClient())
	if err != nil {
		return fmt.Errorf("building the discovery client: %w", err)
	}
	if err := work.Index(ctx, mgr.GetFieldIndexer()); err != nil {
		return err
	}
	store := templates.NewStore(templates.Options{Dynamic: dyn, Discovery: disc, Skip: skip, Clock: opts.Clock})
	again := newReinterpretation(mgr.GetClient(), store, opts.Clock)
	interpreter, err := newInterpreters(mgr.GetCache(), opts.Interpreters, again.changed, opts.Clock)
	if err != nil {
		return err
	}
	statuses := settle.New[types.NamespacedName](settle.Options{Name: "reflect", Window: opts.SettleWindow, Clock: opts.Clock})

	matcher := match.New(match.Options{
		Cache: mgr.GetCache(), Client: mgr.GetClient(), Dynamic: dyn, Templates: store, Interpreter: interpreter,
		Recorder: mgr.GetEventRecorderFor("resource-detector"), Workers: opts.Workers, Clock: opts.Clock,
	})
	distributor := dependencies.New(dependencies.Options{
		Cache: mgr.GetCache(), Client: mgr.GetClient(), Templates: store, Interpreter: interpreter,
		Recorder: mgr.GetEventRecorderFor("dependencies-distributor"), Workers: opts.Workers, Clock: opts.Clock,
	})
	var aggregator *aggregate.Aggregator
	binder := bind.New(bind.Options{
		Cache: mgr.GetCache(), Client: mgr.GetClient(), Live: mgr.GetAPIReader(), Templates: store, Interpreter: interpreter,
		Recorder: mgr.GetEventRecorderFor("binding-controller"), Skip: skip, Overrides: override.New(mgr.GetCache()), Workers: opts.Workers, Clock: opts.Clock,
		Refused: func(binding types.NamespacedName) { aggregator.Refused(binding) },
	})
	dispatcher := dispatch.New(dispatch.Options{
		Cache: mgr.GetCache(), Client: mgr.GetClient(), Connections: pool, Interpreter: interpreter,
		Recorder: mgr.GetEventRecorderFor("execution-controller"), Reflect: statuses.Add, WorkersPerMember: opts.Workers, Deletions: opts.Deletions, Clock: opts.Clock,
	})
	reflector := reflect.New(reflect.Options{
		Client: mgr.GetClient(), Source: dispatcher, Interpreter: interpreter,
		Recorder: mgr.GetEventRecorderFor("work-status-controller"), Queue: statuses, Workers: opts.Workers, Clock: opts.Clock,
	})
	aggregator = aggregate.New(aggregate.Options{
		Cache: mgr.GetCache(), Client: mgr.GetClient(), Dynamic: dyn, Templates: store, Interpreter: interpreter,
		Recorder: mgr.GetEventRecorderFor("resource-binding-status-controller"),
		Clusters: func(spec *workv1alpha2.ResourceBindingSpec) []string { return bind.Clusters(spec).UnsortedList() },
		Refusals: binder.Refusals, Window: opts.SettleWindow, Workers: opts.Workers, Clock: opts.Clock,
	})
	moving := failover.New(failover.Options{
		Cache: mgr.GetCache(), Client: mgr.GetClient(), Recorder: mgr.GetEventRecorderFor(workv1alpha2.EvictionProducerTaintManager),
		Settings: opts.Failover, Clock: opts.Clock,
	})
	again.ofTemplates = []func(templates.Key){matcher.Reinterpret}
	again.ofBindings = []func(types.NamespacedName){distributor.Reinterpret, binder.Reinterpret, aggregator.Reinterpret}
	again.ofWorks = []func(types.NamespacedName){dispatcher.Reinterpret, statuses.Add}
	for _, stage := range []manager.Runnable{interpreter, store, matcher, distributor, binder, dispatcher, reflector, aggregator, moving, again} {
		if err := mgr.Add(stage); err != nil {
			return fmt.Errorf("adding %T to the manager: %w", stage, err)
		}
	}
	return nil
}
