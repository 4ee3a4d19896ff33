package membership

import (
	"context"
	"fmt"
	"time"

	clusterv1alpha1 "github.com/karmada-io/karmada/pkg/apis/cluster/v1alpha1"
	corev1 "k8s.io/api/core/v1"
	apiequality "k8s.io/apimachinery/pkg/api/equality"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/tools/record"
	"k8s.io/utils/clock"
	"sigs.k8s.io/controller-runtime/pkg/builder"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/controller"
	"sigs.k8s.io/controller-runtime/pkg/controller/controllerutil"
	"sigs.k8s.io/controller-runtime/pkg/event"
	"sigs.k8s.io/controller-runtime/pkg/handler"
	"sigs.k8s.io/controller-runtime/pkg/manager"
	"sigs.k8s.io/controller-runtime/pkg/predicate"
	"sigs.k8s.io/controller-runtime/pkg/reconcile"

	"atoll.dev/atoll/apis/karmada/wellknown"
	"atoll.dev/atoll/pkg/membership/connection"
)

// clusterController owns, of a Cluster, its finalizer, the two taints that follow from conditions,
// the execution namespace and the Works for an impersonator that karmadactl made. It never talks to a member.
type clusterController struct {
	client   client.Client
	secrets  client.Reader // live: Secrets are not for a cache of all kinds
	pool     *connection.Pool
	recorder record.EventRecorder
	clock    clock.PassiveClock
}

// Event reasons are Karmada's.
const (
	reasonNamespaceCreated      = "CreateExecutionSpaceSucceed"
	reasonNamespaceCreateFailed = "CreateExecutionSpaceFailed"
	reasonNamespaceRemoved      = "RemoveExecutionSpaceSucceed"
	reasonNamespaceRemoveFailed = "RemoveExecutionSpaceFailed"
	reasonTainted               = "TaintClusterSucceed"
	reasonTaintFailed           = "TaintClusterFailed"
)

func setupClusterController(mgr manager.Manager, pool *connection.Pool, clk clock.PassiveClock) error {
	c := &clusterController{client: mgr.GetClient(), secrets: mgr.GetAPIReader(), pool: pool, clock: clk,
		// Karmada's clients read core events, hence the deprecated recorder.
		recorder: mgr.GetEventRecorderFor("cluster-controller")}
	return builder.ControllerManagedBy(mgr).Named("cluster-controller").
		For(&clusterv1alpha1.Cluster{}, builder.WithPredicates(relevantChange())).
		// An execution namespace that somebody deletes comes back; one that is gone lets a removal go on.
		Watches(&corev1.Namespace{}, handler.EnqueueRequestsFromMapFunc(clusterOfNamespace), builder.OnlyMetadata).
		WithOptions(controller.Options{MaxConcurrentReconciles: 8}).
		Complete(c)
}

// relevantChange passes what the controller acts on: the spec, deletion, the finalizers and the Ready condition.
// Cluster.status is by far the most frequent change, and of no concern here otherwise.
func relevantChange() predicate.Predicate {
	return predicate.Funcs{UpdateFunc: func(e event.UpdateEvent) bool {
		was, ok1 := e.ObjectOld.(*clusterv1alpha1.Cluster)
		is, ok2 := e.ObjectNew.(*clusterv1alpha1.Cluster)
		return !ok1 || !ok2 || was.Generation != is.Generation || (was.DeletionTimestamp == nil) != (is.DeletionTimestamp == nil) ||
			len(was.Finalizers) != len(is.Finalizers) || readyStatus(was) != readyStatus(is)
	}}
}

func clusterOfNamespace(_ context.Context, ns client.Object) []reconcile.Request {
	if name, ok := wellknown.ClusterOfExecutionNamespace(ns.GetName()); ok {
		return []reconcile.Request{{NamespacedName: client.ObjectKey{Name: name}}}
	}
	return nil
}

func (c *clusterController) Reconcile(ctx context.Context, req reconcile.Request) (reconcile.Result, error) {
	c.pool.Refresh(ctx, req.Name)
	cluster := &clusterv1alpha1.Cluster{}
	if err := c.client.Get(ctx, req.NamespacedName, cluster); err != nil {
		return reconcile.Result{}, client.IgnoreNotFound(err)
	}
	if cluster.DeletionTimestamp != nil {
		return c.remove(ctx, cluster)
	}
	// The finalizer precedes the namespace: a Cluster that is deleted in between leaves none behind.
	if err := c.ensureFinalizerAndTaints(ctx, cluster); err != nil {
		if apierrors.IsConflict(err) { // somebody wrote meanwhile; their version is on its way to the cache
			return reconcile.Result{RequeueAfter: 50 * time.Millisecond}, nil
		}
		return reconcile.Result{}, client.IgnoreNotFound(err)
	}
	going, err := c.ensureExecutionNamespace(ctx, cluster)
	if err != nil {
		c.recorder.Event(cluster, corev1.EventTypeWarning, reasonNamespaceCreateFailed, err.Error())
		return reconcile.Result{}, err
	}
	if going { // nothing can be made in a namespace on its way out
		return reconcile.Result{RequeueAfter: lookAgainAfter}, nil
	}
	if err := c.ensureImpersonatorRights(ctx, cluster); err != nil {
		return reconcile.Result{}, fmt.Errorf("giving the impersonator of cluster %s its rights: %w", cluster.Name, err)
	}
	return reconcile.Result{}, nil
}

// ensureExecutionNamespace makes the namespace for the member's works. It returns true while a
// former one, of a Cluster of the same name or deleted by hand, is still going.
func (c *clusterController) ensureExecutionNamespace(ctx context.Context, cluster *clusterv1alpha1.Cluster) (going bool, err error) {
	name := wellknown.ExecutionNamespace(cluster.Name)
	ns := &metav1.PartialObjectMetadata{}
	ns.SetGroupVersionKind(corev1.SchemeGroupVersion.WithKind("Namespace"))
	err = c.client.Get(ctx, client.ObjectKey{Name: name}, ns)
	if !apierrors.IsNotFound(err) {
		return err == nil && ns.DeletionTimestamp != nil, err
	}
	err = c.client.Create(ctx, &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{
		Name: name, Labels: map[string]string{wellknown.SystemLabel: wellknown.LabelValueTrue}}})
	if apierrors.IsAlreadyExists(err) {
		return false, nil // the cache lags behind our own write
	}
	if err != nil {
		return false, fmt.Errorf("creating execution namespace %s: %w", name, err)
	}
	c.recorder.Eventf(cluster, corev1.EventTypeNormal, reasonNamespaceCreated, "Created execution space(%s) for cluster(%s).", name, cluster.Name)
	return false, nil
}

// ensureFinalizerAndTaints writes both in one go, guarded by resourceVersion since users write taints too.
func (c *clusterController) ensureFinalizerAndTaints(ctx context.Context, cluster *clusterv1alpha1.Cluster) error {
	updated := cluster.DeepCopy()
	controllerutil.AddFinalizer(updated, wellknown.ClusterControllerFinalizer)
	updated.Spec.Taints = taintsByCondition(cluster.Spec.Taints, readyStatus(cluster), metav1.NewTime(c.clock.Now()))
	tainted := !apiequality.Semantic.DeepEqual(updated.Spec.Taints, cluster.Spec.Taints)
	if !tainted && len(updated.Finalizers) == len(cluster.Finalizers) {
		return nil
	}
	patch := client.MergeFromWithOptions(cluster, client.MergeFromWithOptimisticLock{})
	if err := c.client.Patch(ctx, updated, patch); err != nil {
		if tainted && !apierrors.IsConflict(err) {
			c.recorder.Event(cluster, corev1.EventTypeWarning, reasonTaintFailed, err.Error())
		}
		return fmt.Errorf("writing finalizer and taints of Cluster %s: %w", cluster.Name, err)
	}
	if tainted {
		c.recorder.Eventf(cluster, corev1.EventTypeNormal, reasonTainted, "Taint cluster succeed: %s.", describeTaints(updated.Spec.Taints))
	}
	return nil
}
