package status

import (
	"context"
	"time"

	clusterv1alpha1 "github.com/karmada-io/karmada/pkg/apis/cluster/v1alpha1"
	"k8s.io/utils/clock"
	"sigs.k8s.io/controller-runtime/pkg/builder"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/controller"
	"sigs.k8s.io/controller-runtime/pkg/controller/controllerutil"
	"sigs.k8s.io/controller-runtime/pkg/event"
	"sigs.k8s.io/controller-runtime/pkg/manager"
	"sigs.k8s.io/controller-runtime/pkg/predicate"
	"sigs.k8s.io/controller-runtime/pkg/reconcile"

	"atoll.dev/atoll/apis/karmada/wellknown"
	"atoll.dev/atoll/pkg/membership/connection"
	"atoll.dev/atoll/pkg/membership/views"
)

// Options are the knobs of the status controller; zero values give the defaults.
type Options struct {
	// ProbeInterval is how often a member's health is probed. Default 10s.
	ProbeInterval time.Duration
	// FailureThreshold is how long a Ready member must fail its probes before it is not Ready. Default 30s.
	FailureThreshold time.Duration
	// SuccessThreshold is how long a member that was lost must pass its probes before it is Ready again. Default 30s.
	SuccessThreshold time.Duration
	// SummaryInterval is the least time between two writes that only follow nodes, pods or APIs. Default 5s.
	SummaryInterval time.Duration
	// Ledgers are where members are summed up; roles that share them share their watches. Default: own ones.
	Ledgers *views.Ledgers
	// Clock defaults to the real one.
	Clock clock.WithTicker
}

func (o *Options) setDefaults() {
	orDefault := func(d *time.Duration, value time.Duration) {
		if *d <= 0 {
			*d = value
		}
	}
	orDefault(&o.ProbeInterval, 10*time.Second)
	orDefault(&o.FailureThreshold, 30*time.Second)
	orDefault(&o.SuccessThreshold, 30*time.Second)
	orDefault(&o.SummaryInterval, 5*time.Second)
	if o.Clock == nil {
		o.Clock = clock.RealClock{}
	}
	if o.Ledgers == nil {
		o.Ledgers = views.NewLedgers(o.Clock)
	}
}

// Setup adds the status controller to a manager. It runs on the leader only.
func Setup(mgr manager.Manager, pool *connection.Pool, opts Options) error {
	opts.setDefaults()
	s := newSupervisor(mgr.GetClient(), pool, opts)
	if err := mgr.Add(s); err != nil {
		return err
	}
	return builder.ControllerManagedBy(mgr).Named("cluster-status-controller").
		For(&clusterv1alpha1.Cluster{}, builder.WithPredicates(relevantChange())).
		WithOptions(controller.Options{MaxConcurrentReconciles: 4}).
		Complete(reconcile.Func(func(ctx context.Context, req reconcile.Request) (reconcile.Result, error) {
			return reconcile.Result{}, follow(ctx, mgr.GetClient(), s, req.Name)
		}))
}

// relevantChange keeps this controller's own writes from waking it.
func relevantChange() predicate.Predicate {
	return predicate.Funcs{UpdateFunc: func(e event.UpdateEvent) bool {
		return e.ObjectOld.GetGeneration() != e.ObjectNew.GetGeneration() || e.ObjectOld.GetUID() != e.ObjectNew.GetUID() ||
			len(e.ObjectOld.GetFinalizers()) != len(e.ObjectNew.GetFinalizers())
	}}
}

// follow makes a Cluster have a watcher exactly while it should.
func follow(ctx context.Context, r client.Reader, s *supervisor, name string) error {
	cluster := &clusterv1alpha1.Cluster{}
	if err := r.Get(ctx, client.ObjectKey{Name: name}, cluster, client.UnsafeDisableDeepCopy); err != nil {
		if client.IgnoreNotFound(err) == nil {
			s.stop(name)
			return nil
		}
		return err
	}
	// Before the finalizer the Cluster may vanish at any moment.
	if cluster.Spec.SyncMode == clusterv1alpha1.Pull || !controllerutil.ContainsFinalizer(cluster, wellknown.ClusterControllerFinalizer) {
		s.stop(name)
		return nil
	}
	return s.ensure(ctx, name, cluster.UID)
}
