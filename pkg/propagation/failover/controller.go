package failover

import (
	"context"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	policyv1alpha1 "github.com/karmada-io/karmada/pkg/apis/policy/v1alpha1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/tools/record"
	"k8s.io/klog/v2"
	"k8s.io/utils/clock"
	"sigs.k8s.io/controller-runtime/pkg/cache"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"atoll.dev/atoll/pkg/propagation/settle"
)

// Defaults of Options.
const (
	// DefaultGracePeriod is how long an evicted copy waits for others to become healthy, as in Karmada.
	DefaultGracePeriod = 10 * time.Minute
	// DefaultReturnGrace is how long after the return of a cluster a copy in it is not deleted: its taints
	// are taken off in that time, and where they are, the copy stays.
	DefaultReturnGrace = 30 * time.Second
	// DefaultWorkers is how many bindings are handled at a time: so many writes share etcd's syncs.
	DefaultWorkers = 32
)

// Settings are what an operator may want to change; the zero value gives the defaults.
type Settings struct {
	// GracePeriod of evictions that do not say; default DefaultGracePeriod.
	GracePeriod time.Duration
	// PurgeMode of evictions for taints where the policy does not say: Gracefully, the default, or Directly.
	PurgeMode policyv1alpha1.PurgeMode
	// MassLossWindow and MassLossShare say what a mass loss is, Calm how long its end is not believed,
	// Confirmation how long a loss must last: see the defaults of these names. Negative: no time at all.
	MassLossWindow, Calm, Confirmation time.Duration
	MassLossShare                      float64
	// ReturnGrace: see DefaultReturnGrace. Negative: no time at all.
	ReturnGrace time.Duration
	// Workers is how many bindings are handled at a time. Default DefaultWorkers.
	Workers int
}

// Options of a Controller. Required but where said.
type Options struct {
	// Cache and Client of the control plane; the client reads from the cache.
	Cache    cache.Cache
	Client   client.Client
	Recorder record.EventRecorder
	Settings Settings
	// Clock defaults to the real one.
	Clock clock.WithTicker
}

// Controller is the controller of all kinds of failover. It implements manager.Runnable.
type Controller struct {
	opts     Options
	bindings *settle.Queue[types.NamespacedName]
	// sweeps has one key: look at the clusters that changed.
	sweeps   *settle.Queue[string]
	ailments *ailments

	// mu guards changed, the names of clusters that no sweep has looked at yet.
	mu      sync.Mutex
	changed map[string]bool
	// seen is how the clusters stand; written by sweeps only.
	seen atomic.Pointer[panorama]
	// told holds which copies were said to stay: no event is repeated.
	told sync.Map // copyKey → string
}

// New returns a controller.
func New(opts Options) *Controller {
	if opts.Clock == nil {
		opts.Clock = clock.RealClock{}
	}
	opts.Settings = opts.Settings.withDefaults()
	return &Controller{
		opts:     opts,
		bindings: settle.New[types.NamespacedName](settle.Options{Name: "failover", Clock: opts.Clock}),
		sweeps:   settle.New[string](settle.Options{Name: "failover-clusters", Clock: opts.Clock}),
		ailments: &ailments{episodes: map[types.NamespacedName]map[string]episode{}},
		changed:  map[string]bool{},
	}
}

func (s Settings) withDefaults() Settings {
	for _, d := range []struct {
		value    *time.Duration
		standard time.Duration
	}{
		{&s.GracePeriod, DefaultGracePeriod}, {&s.MassLossWindow, DefaultMassLossWindow}, {&s.Calm, DefaultCalm},
		{&s.Confirmation, DefaultConfirmation}, {&s.ReturnGrace, DefaultReturnGrace},
	} {
		if *d.value == 0 {
			*d.value = d.standard
		}
		*d.value = max(*d.value, 0)
	}
	if s.PurgeMode == "" {
		s.PurgeMode = policyv1alpha1.PurgeModeGracefully
	}
	if s.MassLossShare == 0 {
		s.MassLossShare = DefaultMassLossShare
	}
	if s.Workers == 0 {
		s.Workers = DefaultWorkers
	}
	return s
}

// Start runs until ctx ends.
func (f *Controller) Start(ctx context.Context) error {
	ctx = klog.NewContext(ctx, klog.FromContext(ctx).WithName("failover"))
	if err := f.listen(ctx); err != nil {
		return fmt.Errorf("starting failover: %w", err)
	}
	var group sync.WaitGroup
	group.Go(func() { f.sweeps.Run(ctx, 1, f.sweep) })
	group.Go(func() { f.bindings.Run(ctx, f.opts.Settings.Workers, f.reconcile) })
	group.Wait()
	return nil
}
