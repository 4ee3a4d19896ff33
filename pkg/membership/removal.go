package membership

import (
	"context"
	"fmt"
	"slices"
	"time"

	clusterv1alpha1 "github.com/karmada-io/karmada/pkg/apis/cluster/v1alpha1"
	workv1alpha1 "github.com/karmada-io/karmada/pkg/apis/work/v1alpha1"
	workv1alpha2 "github.com/karmada-io/karmada/pkg/apis/work/v1alpha2"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/klog/v2"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/controller/controllerutil"
	"sigs.k8s.io/controller-runtime/pkg/reconcile"

	"atoll.dev/atoll/apis/karmada/wellknown"
)

// lookAgainAfter paces the waiting of a removal for what no watch of ours tells.
const lookAgainAfter = 500 * time.Millisecond

// remove takes a deleted Cluster down, one step each time it is called:
//
//  1. The execution namespace is deleted first, which keeps new works from being made for the member,
//     and its works are deleted; their own finalizers hold them until the member is clean.
//  2. No binding may name the cluster any more: the scheduler drops a cluster that is being deleted.
//  3. The finalizer goes, and with it the Cluster and the Secrets that it owns.
func (c *clusterController) remove(ctx context.Context, cluster *clusterv1alpha1.Cluster) (reconcile.Result, error) {
	if !controllerutil.ContainsFinalizer(cluster, wellknown.ClusterControllerFinalizer) {
		return reconcile.Result{}, nil
	}
	gone, err := c.removeExecutionNamespace(ctx, cluster)
	if err != nil {
		c.recorder.Event(cluster, corev1.EventTypeWarning, reasonNamespaceRemoveFailed, err.Error())
		return reconcile.Result{}, err
	}
	if !gone {
		return reconcile.Result{RequeueAfter: lookAgainAfter}, nil
	}
	bound, err := c.bindingTo(ctx, cluster.Name)
	if err != nil {
		return reconcile.Result{}, fmt.Errorf("looking for bindings to Cluster %s: %w", cluster.Name, err)
	}
	if bound != "" {
		klog.FromContext(ctx).V(2).Info("Cluster waits to leave its bindings", "cluster", cluster.Name, "for", bound)
		return reconcile.Result{RequeueAfter: lookAgainAfter}, nil
	}
	updated := cluster.DeepCopy()
	controllerutil.RemoveFinalizer(updated, wellknown.ClusterControllerFinalizer)
	if err := c.client.Patch(ctx, updated, client.MergeFromWithOptions(cluster, client.MergeFromWithOptimisticLock{})); err != nil {
		if apierrors.IsConflict(err) {
			return reconcile.Result{RequeueAfter: lookAgainAfter}, nil
		}
		return reconcile.Result{}, client.IgnoreNotFound(err)
	}
	c.recorder.Eventf(cluster, corev1.EventTypeNormal, reasonNamespaceRemoved, "Removed execution space for cluster(%s).", cluster.Name)
	return reconcile.Result{}, nil
}

// removeExecutionNamespace returns true when the namespace and its works are gone.
func (c *clusterController) removeExecutionNamespace(ctx context.Context, cluster *clusterv1alpha1.Cluster) (bool, error) {
	name := wellknown.ExecutionNamespace(cluster.Name)
	ns := &metav1.PartialObjectMetadata{}
	ns.SetGroupVersionKind(corev1.SchemeGroupVersion.WithKind("Namespace"))
	if err := c.client.Get(ctx, client.ObjectKey{Name: name}, ns); err != nil {
		return apierrors.IsNotFound(err), client.IgnoreNotFound(err)
	}
	if ns.DeletionTimestamp == nil {
		err := c.client.Delete(ctx, &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: name}}, client.Preconditions{UID: &ns.UID})
		if client.IgnoreNotFound(err) != nil {
			return false, fmt.Errorf("deleting execution namespace %s: %w", name, err)
		}
	}
	works := &workv1alpha1.WorkList{}
	if err := c.client.List(ctx, works, client.InNamespace(name), client.UnsafeDisableDeepCopy); err != nil {
		return false, fmt.Errorf("listing the works in %s: %w", name, err)
	}
	for i := range works.Items {
		w := &works.Items[i]
		if w.DeletionTimestamp != nil {
			continue
		}
		if err := c.client.Delete(ctx, &workv1alpha1.Work{ObjectMeta: metav1.ObjectMeta{Namespace: w.Namespace, Name: w.Name}}); client.IgnoreNotFound(err) != nil {
			return false, fmt.Errorf("deleting Work %s/%s: %w", w.Namespace, w.Name, err)
		}
	}
	return false, nil
}

// bindingTo returns one binding that still names the cluster as a target, or an empty string.
func (c *clusterController) bindingTo(ctx context.Context, cluster string) (string, error) {
	targets := func(tc workv1alpha2.TargetCluster) bool { return tc.Name == cluster }
	rbs := &workv1alpha2.ResourceBindingList{}
	if err := c.client.List(ctx, rbs, client.UnsafeDisableDeepCopy); err != nil {
		return "", err
	}
	for i := range rbs.Items {
		if slices.ContainsFunc(rbs.Items[i].Spec.Clusters, targets) {
			return "ResourceBinding " + rbs.Items[i].Namespace + "/" + rbs.Items[i].Name, nil
		}
	}
	crbs := &workv1alpha2.ClusterResourceBindingList{}
	if err := c.client.List(ctx, crbs, client.UnsafeDisableDeepCopy); err != nil {
		return "", err
	}
	for i := range crbs.Items {
		if slices.ContainsFunc(crbs.Items[i].Spec.Clusters, targets) {
			return "ClusterResourceBinding " + crbs.Items[i].Name, nil
		}
	}
	return "", nil
}
