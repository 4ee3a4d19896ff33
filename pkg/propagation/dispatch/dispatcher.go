package dispatch

import (
	"context"
	"fmt"
	"sync"

	clusterv1alpha1 "github.com/karmada-io/karmada/pkg/apis/cluster/v1alpha1"
	workv1alpha1 "github.com/karmada-io/karmada/pkg/apis/work/v1alpha1"
	"k8s.io/apimachinery/pkg/api/equality"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/tools/record"
	"k8s.io/klog/v2"
	"k8s.io/utils/clock"
	"sigs.k8s.io/controller-runtime/pkg/cache"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"atoll.dev/atoll/apis/karmada/wellknown"
	"atoll.dev/atoll/pkg/membership/connection"
	"atoll.dev/atoll/pkg/propagation/changes"
	"atoll.dev/atoll/pkg/propagation/compact"
	"atoll.dev/atoll/pkg/propagation/interpret"
	"atoll.dev/atoll/pkg/propagation/settle"
	"atoll.dev/atoll/pkg/propagation/work"
)

// Connections gives links to members; connection.Pool does.
type Connections interface {
	For(ctx context.Context, cluster string) (*connection.Connection, error)
}

// Options of a Dispatcher. Required but where said.
type Options struct {
	// Cache and Client of the control plane; the client reads from the cache.
	Cache       cache.Cache
	Client      client.Client
	Connections Connections
	Interpreter interpret.Interpreter
	Recorder    record.EventRecorder
	// Reflect is told of every Work whose verdict or whose objects may have changed. It must
	// return quickly.
	Reflect func(work types.NamespacedName)
	// WorkersPerMember is how many Works are brought into one member at a time. Default 8.
	WorkersPerMember int
	// Clock defaults to the real one.
	Clock clock.WithTicker
}

// Dispatcher is the controller. It implements manager.Runnable.
type Dispatcher struct {
	opts Options

	mu      sync.Mutex
	ctx     context.Context // from Start; nil before
	members map[string]*member
	group   sync.WaitGroup
}

// New returns a dispatcher.
func New(opts Options) *Dispatcher {
	if opts.WorkersPerMember == 0 {
		opts.WorkersPerMember = 8
	}
	if opts.Clock == nil {
		opts.Clock = clock.RealClock{}
	}
	return &Dispatcher{opts: opts, members: map[string]*member{}}
}

// Start runs until ctx ends.
func (d *Dispatcher) Start(ctx context.Context) error {
	ctx = klog.NewContext(ctx, klog.FromContext(ctx).WithName("dispatch"))
	d.mu.Lock()
	d.ctx = ctx
	d.mu.Unlock()
	for obj, changed := range map[client.Object]func(old, new client.Object){
		&workv1alpha1.Work{}:       d.workChanged,
		&clusterv1alpha1.Cluster{}: d.clusterChanged,
	} {
		if _, err := changes.Of(ctx, d.opts.Cache, obj, changed); err != nil {
			return err
		}
	}
	<-ctx.Done()
	d.group.Wait()
	return nil
}

// lifetime is the context of the dispatcher, which its observers and workers live in.
func (d *Dispatcher) lifetime() context.Context {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.ctx
}

// member returns a member's share, making it if there is none; nil when the dispatcher does not run.
func (d *Dispatcher) member(cluster string) *member {
	d.mu.Lock()
	defer d.mu.Unlock()
	if m := d.members[cluster]; m != nil {
		return m
	}
	if d.ctx == nil || d.ctx.Err() != nil {
		return nil
	}
	ctx, stop := context.WithCancel(klog.NewContext(d.ctx, klog.FromContext(d.ctx).WithValues("cluster", cluster)))
	m := &member{
		d: d, cluster: cluster, stop: stop,
		queue: settle.New[string](settle.Options{Name: "dispatch", Clock: d.opts.Clock}),
		works: map[string]*known{}, parked: map[string]struct{}{}, unseen: map[string]struct{}{},
	}
	d.members[cluster] = m
	d.group.Go(func() { m.queue.Run(ctx, d.opts.WorkersPerMember, m.reconcile) })
	return m
}

func (d *Dispatcher) workChanged(old, new client.Object) {
	obj := new
	if obj == nil {
		obj = old
	}
	cluster, ok := wellknown.ClusterOfExecutionNamespace(obj.GetNamespace())
	if !ok {
		return
	}
	if old != nil && new != nil && old.GetGeneration() == new.GetGeneration() &&
		old.GetDeletionTimestamp().IsZero() == new.GetDeletionTimestamp().IsZero() {
		return // status
	}
	if m := d.member(cluster); m != nil {
		m.queue.Add(obj.GetName())
	}
}

// Reinterpret has a Work looked at, since what is known of a kind that it carries has changed.
func (d *Dispatcher) Reinterpret(w types.NamespacedName) {
	cluster, ok := wellknown.ClusterOfExecutionNamespace(w.Namespace)
	if !ok {
		return
	}
	if m := d.member(cluster); m != nil {
		m.queue.Add(w.Name)
	}
}

// clusterChanged wakes what waits for a member, and ends the share of one that is gone.
func (d *Dispatcher) clusterChanged(old, new client.Object) {
	if new == nil {
		d.mu.Lock()
		m := d.members[old.GetName()]
		d.mu.Unlock()
		if m != nil {
			m.wake(m.parked) // their Works are released, since the member does not exist any more
		}
		return
	}
	m := d.member(new.GetName())
	if m == nil {
		return
	}
	now := stateOf(new.(*clusterv1alpha1.Cluster))
	if now.ready || now.leaving {
		m.wake(m.parked)
	}
	if old == nil || !sameWay(old.(*clusterv1alpha1.Cluster), new.(*clusterv1alpha1.Cluster)) {
		d.enqueueAll(m) // what failed for want of a way need not wait for its backoff
	}
}

// endIfGone ends the share of a member whose Cluster and last Work are gone. One that joins under the
// same name gets another, and all its Works are looked at then.
func (d *Dispatcher) endIfGone(ctx context.Context, m *member) {
	if state, err := d.stateOf(ctx, m.cluster); err != nil || state.exists {
		return
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	m.mu.Lock()
	defer m.mu.Unlock()
	if len(m.works)+len(m.parked)+len(m.unseen) == 0 && d.members[m.cluster] == m {
		delete(d.members, m.cluster)
		m.stop()
	}
}

// sameWay tells whether two states of a Cluster are reached alike.
func sameWay(a, b *clusterv1alpha1.Cluster) bool {
	way := func(c *clusterv1alpha1.Cluster) clusterv1alpha1.ClusterSpec {
		s := c.Spec
		return clusterv1alpha1.ClusterSpec{SyncMode: s.SyncMode, APIEndpoint: s.APIEndpoint, SecretRef: s.SecretRef,
			InsecureSkipTLSVerification: s.InsecureSkipTLSVerification, ProxyURL: s.ProxyURL, ProxyHeader: s.ProxyHeader}
	}
	return equality.Semantic.DeepEqual(way(a), way(b))
}

// enqueueAll has every Work of a member looked at.
func (d *Dispatcher) enqueueAll(m *member) {
	var all workv1alpha1.WorkList
	err := d.opts.Client.List(d.lifetime(), &all, client.InNamespace(wellknown.ExecutionNamespace(m.cluster)), client.UnsafeDisableDeepCopy)
	if err != nil {
		klog.FromContext(d.lifetime()).Error(err, "Listing the Works of a member whose connection ended", "cluster", m.cluster)
		return
	}
	for i := range all.Items {
		m.queue.Add(all.Items[i].Name)
	}
}

// clusterState is what dispatching needs to know of a Cluster.
type clusterState struct {
	exists, ready, leaving, pull bool
}

// stateOf: a cluster that nobody has judged yet is tried.
func stateOf(c *clusterv1alpha1.Cluster) clusterState {
	ready := meta.FindStatusCondition(c.Status.Conditions, clusterv1alpha1.ClusterConditionReady)
	return clusterState{
		exists: true, leaving: !c.DeletionTimestamp.IsZero(), pull: c.Spec.SyncMode == clusterv1alpha1.Pull,
		ready: ready == nil || ready.Status == metav1.ConditionTrue,
	}
}

func (d *Dispatcher) stateOf(ctx context.Context, name string) (clusterState, error) {
	var c clusterv1alpha1.Cluster
	err := d.opts.Client.Get(ctx, types.NamespacedName{Name: name}, &c, client.UnsafeDisableDeepCopy)
	if apierrors.IsNotFound(err) {
		return clusterState{}, nil
	}
	if err != nil {
		return clusterState{}, fmt.Errorf("reading Cluster %s: %w", name, err)
	}
	return stateOf(&c), nil
}

// Verdict returns the last verdict on a Work, nil if there has been none since the start.
func (d *Dispatcher) Verdict(w *workv1alpha1.Work) *Verdict {
	d.mu.Lock()
	m := d.members[work.Cluster(w)]
	d.mu.Unlock()
	if m == nil {
		return nil
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	if k := m.works[w.Name]; k != nil && k.verdict != nil && k.verdict.UID == w.UID {
		return k.verdict
	}
	return nil
}

// Observed returns the objects of a Work in its member, in the order of its manifests, nil where
// none is known.
func (d *Dispatcher) Observed(w *workv1alpha1.Work) []*compact.Object {
	d.mu.Lock()
	m := d.members[work.Cluster(w)]
	d.mu.Unlock()
	if m == nil {
		return nil
	}
	return m.observed(w)
}
