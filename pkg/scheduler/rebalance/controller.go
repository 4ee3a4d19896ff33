package rebalance

import (
	"context"
	"errors"
	"fmt"
	"time"

	"k8s.io/apimachinery/pkg/api/equality"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/utils/clock"
	"k8s.io/utils/ptr"
	"sigs.k8s.io/controller-runtime/pkg/builder"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/manager"
	"sigs.k8s.io/controller-runtime/pkg/predicate"
	"sigs.k8s.io/controller-runtime/pkg/reconcile"

	appsv1alpha1 "github.com/karmada-io/karmada/pkg/apis/apps/v1alpha1"
)

// Setup adds the controller to a manager.
func Setup(mgr manager.Manager) error {
	c := &controller{client: mgr.GetClient(), reader: mgr.GetAPIReader(), clock: clock.RealClock{}}
	err := builder.ControllerManagedBy(mgr).Named("workload-rebalancer").
		For(&appsv1alpha1.WorkloadRebalancer{}, builder.WithPredicates(predicate.GenerationChangedPredicate{})).
		Complete(c)
	if err != nil {
		return fmt.Errorf("setting up the controller of WorkloadRebalancers: %w", err)
	}
	return nil
}

type controller struct {
	client client.Client
	// reader reads from the API server: a binding that the cache does not know may be a new one.
	reader client.Reader
	clock  clock.PassiveClock
}

// Reconcile carries out one WorkloadRebalancer.
func (c *controller) Reconcile(ctx context.Context, req reconcile.Request) (reconcile.Result, error) {
	rebalancer := &appsv1alpha1.WorkloadRebalancer{}
	if err := c.client.Get(ctx, req.NamespacedName, rebalancer); err != nil {
		return reconcile.Result{}, client.IgnoreNotFound(err)
	}
	if !rebalancer.DeletionTimestamp.IsZero() {
		return reconcile.Result{}, nil
	}

	// 1. Ask for a fresh decision about each workload that has no result yet.
	status := observe(rebalancer)
	var failed []error
	for i := range status.ObservedWorkloads {
		w := &status.ObservedWorkloads[i]
		if w.Result != "" {
			continue
		}
		switch err := c.trigger(ctx, rebalancer, w.Workload); {
		case err == nil:
			w.Result = appsv1alpha1.RebalanceSuccessful
		case errors.Is(err, errNoBinding):
			w.Result, w.Reason = appsv1alpha1.RebalanceFailed, appsv1alpha1.RebalanceObjectNotFound
		default:
			failed = append(failed, err)
		}
	}

	// 2. Say what came of it.
	if len(failed) == 0 && (status.FinishTime == nil || !equality.Semantic.DeepEqual(status.ObservedWorkloads, rebalancer.Status.ObservedWorkloads)) {
		status.FinishTime = ptr.To(metav1.NewTime(c.clock.Now()))
	}
	if err := c.writeStatus(ctx, rebalancer, status); err != nil {
		return reconcile.Result{}, client.IgnoreNotFound(err)
	}
	if len(failed) > 0 {
		return reconcile.Result{}, errors.Join(failed...)
	}

	// 3. When its time is over it goes.
	return c.expire(ctx, rebalancer)
}

func (c *controller) writeStatus(ctx context.Context, rebalancer *appsv1alpha1.WorkloadRebalancer, status appsv1alpha1.WorkloadRebalancerStatus) error {
	if equality.Semantic.DeepEqual(rebalancer.Status, status) {
		return nil
	}
	before := rebalancer.DeepCopy()
	rebalancer.Status = status
	if err := c.client.Status().Patch(ctx, rebalancer, client.MergeFromWithOptions(before, client.MergeFromWithOptimisticLock{})); err != nil {
		return fmt.Errorf("writing the status of WorkloadRebalancer %s: %w", rebalancer.Name, err)
	}
	rebalancer.Status = status // with the times as they are now, not as they are stored
	return nil
}

// expire deletes a finished WorkloadRebalancer whose time to live is over, or returns when that will be.
func (c *controller) expire(ctx context.Context, rebalancer *appsv1alpha1.WorkloadRebalancer) (reconcile.Result, error) {
	ttl := rebalancer.Spec.TTLSecondsAfterFinished
	if ttl == nil || rebalancer.Status.FinishTime == nil {
		return reconcile.Result{}, nil
	}
	end := rebalancer.Status.FinishTime.Add(time.Duration(*ttl) * time.Second)
	if left := end.Sub(c.clock.Now()); left > 0 {
		return reconcile.Result{RequeueAfter: left}, nil
	}
	err := c.client.Delete(ctx, rebalancer, client.Preconditions{UID: &rebalancer.UID, ResourceVersion: &rebalancer.ResourceVersion})
	if err != nil && !apierrors.IsNotFound(err) {
		return reconcile.Result{}, fmt.Errorf("deleting WorkloadRebalancer %s, whose time to live is over: %w", rebalancer.Name, err)
	}
	return reconcile.Result{}, nil
}
