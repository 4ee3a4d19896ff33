package review

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"github.com/go-logr/logr"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/klog/v2"
	"k8s.io/utils/clock"
	"k8s.io/utils/ptr"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/controller"
	"sigs.k8s.io/controller-runtime/pkg/handler"
	"sigs.k8s.io/controller-runtime/pkg/manager"
	"sigs.k8s.io/controller-runtime/pkg/reconcile"
	"sigs.k8s.io/controller-runtime/pkg/source"

	"atoll.dev/atoll/apis/scheduling/v1alpha1"
	"atoll.dev/atoll/pkg/propagation/interpret"
	"atoll.dev/atoll/pkg/scheduler/binding"
	"atoll.dev/atoll/pkg/scheduler/explain"
	"atoll.dev/atoll/pkg/scheduler/snapshot"
)

const (
	// Keep is how long a review stays, answered or not.
	Keep = 10 * time.Minute
	// workers is how many reviews are answered at a time. They take the time of decisions.
	workers = 2
)

// Kind is what is answered. A manager whose scheme does not know it cannot be set up.
var Kind = v1alpha1.SchemeGroupVersion.WithKind("PlacementReview")

// Scheduler is what answers are made with. It is safe for concurrent use.
type Scheduler interface {
	// Known waits until all clusters and bindings that there are have been taken in.
	Known(ctx context.Context) error
	// Snapshot is every cluster as it is now.
	Snapshot() *snapshot.Snapshot
	// Binding returns a binding, or nil.
	Binding(key binding.Key) *binding.Binding
	// Leaves says why the scheduler does not place a binding; empty if it does.
	Leaves(b *binding.Binding) string
	// Decide makes the decision that the binding gives cause for, and writes nothing. It
	// returns why a decision is due, as a continuation of "decided because"; empty if none is.
	Decide(ctx context.Context, b *binding.Binding, clusters *snapshot.Snapshot) (decision explain.Decision, due string)
	// Suppose returns a Decide whose decisions take room that the later ones among them
	// miss, and nobody else.
	Suppose() func(ctx context.Context, b *binding.Binding, clusters *snapshot.Snapshot) explain.Decision
}

// Options of Setup; all fields are required.
type Options struct {
	Scheduler Scheduler
	// Interpreter tells the replicas of templates that are simulated.
	Interpreter interpret.Interpreter
	Clock       clock.PassiveClock
}

// Reviewer answers reviews. It implements reconcile.TypedReconciler.
type Reviewer struct {
	Options
	client client.Client
	// live reads from the API server: policies are read for simulations only and not worth a watch.
	live client.Reader
}

// Setup adds the answering of reviews to the manager of the scheduler.
func Setup(ctx context.Context, mgr manager.Manager, opts Options) error {
	r := &Reviewer{Options: opts, client: mgr.GetClient(), live: mgr.GetAPIReader()}
	log := klog.FromContext(ctx).WithName("review")
	c, err := controller.NewTyped("placementreview", mgr, controller.TypedOptions[types.NamespacedName]{
		Reconciler:              reconcile.TypedFunc[types.NamespacedName](r.Reconcile),
		MaxConcurrentReconciles: workers,
		SkipNameValidation:      ptr.To(true),
		LogConstructor:          func(*types.NamespacedName) logr.Logger { return log },
	})
	if err != nil {
		return fmt.Errorf("creating the queue of reviews: %w", err)
	}
	if err := c.Watch(source.TypedKind(mgr.GetCache(), &v1alpha1.PlacementReview{}, byName())); err != nil {
		return fmt.Errorf("watching reviews: %w", err)
	}
	return nil
}

func byName() handler.TypedEventHandler[*v1alpha1.PlacementReview, types.NamespacedName] {
	return handler.TypedEnqueueRequestsFromMapFunc(func(_ context.Context, r *v1alpha1.PlacementReview) []types.NamespacedName {
		return []types.NamespacedName{{Name: r.Name}}
	})
}

// Reconcile answers one review, or deletes it when its time has come.
func (r *Reviewer) Reconcile(ctx context.Context, key types.NamespacedName) (reconcile.Result, error) {
	review := &v1alpha1.PlacementReview{}
	if err := r.client.Get(ctx, key, review); err != nil {
		return reconcile.Result{}, client.IgnoreNotFound(err)
	}
	if !review.DeletionTimestamp.IsZero() {
		return reconcile.Result{}, nil
	}
	left := review.CreationTimestamp.Add(Keep).Sub(r.Clock.Now())
	if left <= 0 {
		err := r.client.Delete(ctx, review, client.Preconditions{UID: &review.UID})
		if apierrors.IsNotFound(err) || apierrors.IsConflict(err) { // gone, or another one of the same name
			return reconcile.Result{}, nil
		}
		return reconcile.Result{}, err
	}
	if review.Status.Phase == "" || review.Status.Phase == v1alpha1.ReviewPending {
		if err := r.Scheduler.Known(ctx); err != nil {
			return reconcile.Result{}, err
		}
		if err := r.write(ctx, review, r.answer(ctx, review)); err != nil {
			return reconcile.Result{}, err
		}
	}
	return reconcile.Result{RequeueAfter: left}, nil
}

// write puts the answer into the status, unless somebody answered meanwhile.
func (r *Reviewer) write(ctx context.Context, review *v1alpha1.PlacementReview, status v1alpha1.PlacementReviewStatus) error {
	status.CompletionTime = ptr.To(metav1.NewTime(r.Clock.Now()))
	body, err := json.Marshal(map[string]any{
		"metadata": map[string]any{"uid": review.UID, "resourceVersion": review.ResourceVersion},
		"status":   status,
	})
	if err != nil {
		return err
	}
	answered := &v1alpha1.PlacementReview{ObjectMeta: metav1.ObjectMeta{Name: review.Name}}
	err = r.client.Status().Patch(ctx, answered, client.RawPatch(types.MergePatchType, body))
	if apierrors.IsNotFound(err) || apierrors.IsConflict(err) { // the watch tells what became of it
		return nil
	}
	if err != nil {
		return fmt.Errorf("answering review %s: %w", review.Name, err)
	}
	return nil
}
