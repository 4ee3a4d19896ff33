package aggregate

import (
	"context"
	"fmt"
	"sync"
	"time"

	clusterv1alpha1 "github.com/karmada-io/karmada/pkg/apis/cluster/v1alpha1"
	workv1alpha1 "github.com/karmada-io/karmada/pkg/apis/work/v1alpha1"
	workv1alpha2 "github.com/karmada-io/karmada/pkg/apis/work/v1alpha2"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/equality"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/dynamic"
	"k8s.io/client-go/tools/record"
	"k8s.io/klog/v2"
	"k8s.io/utils/clock"
	"sigs.k8s.io/controller-runtime/pkg/cache"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"atoll.dev/atoll/pkg/propagation/changes"
	"atoll.dev/atoll/pkg/propagation/interpret"
	"atoll.dev/atoll/pkg/propagation/mergepatch"
	"atoll.dev/atoll/pkg/propagation/settle"
	"atoll.dev/atoll/pkg/propagation/templates"
	"atoll.dev/atoll/pkg/propagation/twin"
	"atoll.dev/atoll/pkg/propagation/work"
)

// Options of an Aggregator. Required but where said.
type Options struct {
	// Cache and Client of the control plane; the client reads from the cache.
	Cache  cache.Cache
	Client client.Client
	// Dynamic writes the status of templates.
	Dynamic     dynamic.Interface
	Templates   *templates.Store
	Interpreter interpret.Interpreter
	Recorder    record.EventRecorder
	// Clusters returns the clusters that a binding's Works should be in.
	Clusters func(*workv1alpha2.ResourceBindingSpec) []string
	// Refusals returns why Works of a binding are not as they should be, by cluster, and whether there
	// has been any such reason since the start. May be nil.
	Refusals func(binding types.NamespacedName) (byCluster map[string]string, ever bool)
	// Window is the settle window.
	Window time.Duration
	// Workers is how many bindings are looked at at a time. Default 8.
	Workers int
	// Clock defaults to the real one.
	Clock clock.WithTicker
}

// Aggregator is the controller. It implements manager.Runnable.
type Aggregator struct {
	opts  Options
	queue *settle.Queue[types.NamespacedName]

	// started is when Start was called, to the second below, as conditions are dated.
	started time.Time

	mu sync.Mutex
	// held is since when a binding's first status is held back, see hold.
	held map[types.NamespacedName]time.Time
}

// New returns an aggregator.
func New(opts Options) *Aggregator {
	if opts.Workers == 0 {
		opts.Workers = 8
	}
	if opts.Clock == nil {
		opts.Clock = clock.RealClock{}
	}
	return &Aggregator{
		opts:  opts,
		queue: settle.New[types.NamespacedName](settle.Options{Name: "aggregate", Window: opts.Window, Clock: opts.Clock}),
		held:  map[types.NamespacedName]time.Time{},
	}
}

// Start runs until ctx ends.
func (a *Aggregator) Start(ctx context.Context) error {
	a.started = a.opts.Clock.Now().Truncate(time.Second)
	for obj, changed := range map[client.Object]func(old, new client.Object){
		&workv1alpha1.Work{}:          a.workChanged,
		twin.NewBinding("").Object:    a.bindingChanged,
		twin.NewBinding("any").Object: a.bindingChanged,
		&clusterv1alpha1.Cluster{}:    func(old, new client.Object) { a.clusterChanged(ctx, old, new) },
	} {
		if _, err := changes.Of(ctx, a.opts.Cache, obj, changed); err != nil {
			return err
		}
	}
	a.queue.Run(klog.NewContext(ctx, klog.FromContext(ctx).WithName("aggregate")), a.opts.Workers, a.reconcile)
	return nil
}

// Refused has a binding looked at, since its Refusals have changed.
func (a *Aggregator) Refused(binding types.NamespacedName) { a.queue.Add(binding) }

func (a *Aggregator) workChanged(old, new client.Object) {
	if old == nil {
		return // it has no status yet, or its binding's own event has it looked at
	}
	if new != nil {
		was, is := old.(*workv1alpha1.Work), new.(*workv1alpha1.Work)
		if was.DeletionTimestamp.IsZero() == is.DeletionTimestamp.IsZero() && equality.Semantic.DeepEqual(was.Status, is.Status) {
			return
		}
	}
	if key, ok := twin.BindingOfWork(old.GetAnnotations()); ok {
		a.queue.Add(key)
	}
}

func (a *Aggregator) bindingChanged(old, new client.Object) {
	if new == nil {
		a.mu.Lock()
		delete(a.held, client.ObjectKeyFromObject(old))
		a.mu.Unlock()
		return
	}
	if old == nil || old.GetGeneration() != new.GetGeneration() {
		a.queue.Add(client.ObjectKeyFromObject(new))
	}
}

// Reinterpret has a binding looked at, since what is known of its template's kind has changed.
func (a *Aggregator) Reinterpret(binding types.NamespacedName) { a.queue.Add(binding) }

func (a *Aggregator) reconcile(ctx context.Context, key types.NamespacedName) (settle.Outcome, error) {
	binding, err := twin.GetBinding(ctx, a.opts.Client, key)
	if apierrors.IsNotFound(err) {
		return settle.Outcome{}, nil
	}
	if err != nil {
		return settle.Outcome{}, fmt.Errorf("reading binding %s: %w", key, err)
	}
	if !binding.GetDeletionTimestamp().IsZero() {
		return settle.Outcome{}, nil
	}
	works, err := work.OfBinding(ctx, a.opts.Client, binding.PermanentID())
	if err != nil {
		return settle.Outcome{}, err
	}
	var refused map[string]string
	heard := true
	if a.opts.Refusals != nil {
		refused, heard = a.opts.Refusals(key)
	}
	if len(works)+len(refused) == 0 && len(binding.Status.AggregatedStatus) == 0 {
		return settle.Outcome{}, nil
	}
	if wait := a.hold(binding, works); wait > 0 {
		return settle.Outcome{After: wait}, nil
	}
	items := withRefusals(itemsOf(works, binding.Spec.Resource), refused)
	lost, err := a.lost(ctx, items)
	if err != nil {
		return settle.Outcome{}, err
	}
	markStale(items, lost)
	if !heard && a.opts.Clock.Since(a.started) < startup && unexplained(binding.Status.AggregatedStatus, items, works, a.clusters(binding), a.started) {
		return settle.Outcome{After: startupPause}, nil
	}
	wrote, err := a.writeBinding(ctx, binding, items)
	if err != nil {
		return settle.Outcome{Changed: wrote, Rest: rest(items)}, err
	}
	wroteTemplate, err := a.writeTemplate(ctx, binding.Spec.Resource, current(items, lost), news(binding.Status.AggregatedStatus, items))
	return settle.Outcome{Changed: wrote || wroteTemplate, Rest: rest(items)}, err
}

// hold keeps a binding's first status back, for one window at most, until every cluster has been
// heard of: "some are not there yet" would be out of date before it is read.
func (a *Aggregator) hold(binding twin.Binding, works []workv1alpha1.Work) time.Duration {
	a.mu.Lock()
	defer a.mu.Unlock()
	key := binding.Key()
	if len(binding.Status.AggregatedStatus) > 0 || !undecided(works, a.clusters(binding)) {
		delete(a.held, key)
		return 0
	}
	since, ok := a.held[key]
	if !ok {
		since = a.opts.Clock.Now()
		a.held[key] = since
	}
	return since.Add(a.opts.Window).Sub(a.opts.Clock.Now())
}

func (a *Aggregator) writeBinding(ctx context.Context, was twin.Binding, items []workv1alpha2.AggregatedStatusItem) (bool, error) {
	condition := fullyApplied(items, a.clusters(was))
	condition.LastTransitionTime = metav1.NewTime(a.opts.Clock.Now())
	to := was.Copy()
	conditionChanged := meta.SetStatusCondition(&to.Status.Conditions, condition)
	if equality.Semantic.DeepEqual(was.Status.AggregatedStatus, items) {
		if !conditionChanged {
			return false, nil
		}
	} else {
		to.Status.AggregatedStatus = items
	}
	// The list of conditions is the scheduler's as well: writing it must fail if it has moved.
	wrote, err := mergepatch.ApplyStatus(ctx, a.opts.Client, was.Object, to.Object, conditionChanged)
	if apierrors.IsNotFound(err) {
		return false, nil
	}
	if err != nil {
		if !apierrors.IsConflict(err) {
			a.opts.Recorder.Event(was.Object, corev1.EventTypeWarning, "AggregateStatusFailed", err.Error())
		}
		return false, fmt.Errorf("writing the status of %s: %w", was, err)
	}
	if wrote && news(was.Status.AggregatedStatus, items) {
		a.opts.Recorder.Eventf(was.Object, corev1.EventTypeNormal, "AggregateStatusSucceed", "Update %s with AggregatedStatus successfully.", was)
	}
	return wrote, nil
}
