package views

import (
	"context"
	"time"

	clusterv1alpha1 "github.com/karmada-io/karmada/pkg/apis/cluster/v1alpha1"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/utils/ptr"
	"sigs.k8s.io/controller-runtime/pkg/builder"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/controller"
	"sigs.k8s.io/controller-runtime/pkg/event"
	"sigs.k8s.io/controller-runtime/pkg/manager"
	"sigs.k8s.io/controller-runtime/pkg/predicate"
	"sigs.k8s.io/controller-runtime/pkg/reconcile"
)

// watchClusters makes the follower follow exactly the members that it should.
func watchClusters(mgr manager.Manager, f *Follower) error {
	return builder.ControllerManagedBy(mgr).Named("member-views").
		For(&clusterv1alpha1.Cluster{}, builder.WithPredicates(relevantChange())).
		WithOptions(controller.Options{SkipNameValidation: ptr.To(true)}). // a process may run more than one manager
		Complete(reconcile.Func(func(ctx context.Context, req reconcile.Request) (reconcile.Result, error) {
			return reconcile.Result{}, f.follow(ctx, mgr.GetClient(), req.Name)
		}))
}

// relevantChange leaves out what only the numbers in a Cluster's status change.
func relevantChange() predicate.Predicate {
	return predicate.Funcs{UpdateFunc: func(e event.UpdateEvent) bool {
		before, after := e.ObjectOld.(*clusterv1alpha1.Cluster), e.ObjectNew.(*clusterv1alpha1.Cluster)
		return before.UID != after.UID || before.Generation != after.Generation ||
			before.DeletionTimestamp.IsZero() != after.DeletionTimestamp.IsZero() || readinessOf(before) != readinessOf(after)
	}}
}

func (f *Follower) follow(ctx context.Context, r client.Reader, name string) error {
	cluster := &clusterv1alpha1.Cluster{}
	if err := r.Get(ctx, client.ObjectKey{Name: name}, cluster, client.UnsafeDisableDeepCopy); err != nil {
		if client.IgnoreNotFound(err) == nil {
			f.forget(name)
			return nil
		}
		return err
	}
	if cluster.Spec.SyncMode == clusterv1alpha1.Pull || !cluster.DeletionTimestamp.IsZero() {
		f.forget(name)
		return nil
	}
	return f.observe(ctx, cluster)
}

// readiness is what a Cluster's condition Ready says.
type readiness struct {
	ready bool
	since time.Time
}

func readinessOf(cluster *clusterv1alpha1.Cluster) readiness {
	c := meta.FindStatusCondition(cluster.Status.Conditions, clusterv1alpha1.ClusterConditionReady)
	if c == nil {
		return readiness{}
	}
	return readiness{ready: c.Status == metav1.ConditionTrue, since: c.LastTransitionTime.Time}
}
