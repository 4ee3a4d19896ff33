package unsupported

import (
	"context"
	"fmt"
	"strings"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/client-go/tools/record"
	"k8s.io/utils/clock"
	"sigs.k8s.io/controller-runtime/pkg/builder"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/event"
	"sigs.k8s.io/controller-runtime/pkg/manager"
	"sigs.k8s.io/controller-runtime/pkg/predicate"
	"sigs.k8s.io/controller-runtime/pkg/reconcile"
)

// Condition is the type of the condition, and the reason of the event.
const Condition = "Unsupported"

const reason = "NoController"

// kind is served and not acted upon.
type kind struct {
	schema.GroupVersionKind
	// conditions tells whether its status has any.
	conditions bool
}

func (k kind) message() string {
	return fmt.Sprintf("%s is stored and validated, but this version of Atoll does not act on it yet", k.Kind)
}

var kinds = []kind{
	{schema.GroupVersionKind{Group: "autoscaling.karmada.io", Version: "v1alpha1", Kind: "FederatedHPA"}, true},
	{schema.GroupVersionKind{Group: "autoscaling.karmada.io", Version: "v1alpha1", Kind: "CronFederatedHPA"}, false},
	{schema.GroupVersionKind{Group: "policy.karmada.io", Version: "v1alpha1", Kind: "FederatedResourceQuota"}, false},
	{schema.GroupVersionKind{Group: "networking.karmada.io", Version: "v1alpha1", Kind: "MultiClusterService"}, true},
	{schema.GroupVersionKind{Group: "networking.karmada.io", Version: "v1alpha1", Kind: "MultiClusterIngress"}, false},
	{schema.GroupVersionKind{Group: "search.karmada.io", Version: "v1alpha1", Kind: "ResourceRegistry"}, true},
}

// Setup adds one controller a kind to a manager.
func Setup(mgr manager.Manager) error {
	// Karmada's clients read core events, hence the deprecated recorder.
	recorder := mgr.GetEventRecorderFor("unsupported")
	for _, k := range kinds {
		example := &unstructured.Unstructured{}
		example.SetGroupVersionKind(k.GroupVersionKind)
		c := &controller{client: mgr.GetClient(), recorder: recorder, clock: clock.RealClock{}, kind: k}
		err := builder.ControllerManagedBy(mgr).Named("unsupported-"+strings.ToLower(k.Kind)).
			For(example, builder.WithPredicates(predicate.Funcs{
				UpdateFunc: func(e event.UpdateEvent) bool { return false }, // said once is enough
				DeleteFunc: func(event.DeleteEvent) bool { return false },
			})).Complete(c)
		if err != nil {
			return fmt.Errorf("setting up the notice for %s: %w", k.Kind, err)
		}
	}
	return nil
}

type controller struct {
	client   client.Client
	recorder record.EventRecorder
	clock    clock.PassiveClock
	kind     kind
}

func (c *controller) Reconcile(ctx context.Context, req reconcile.Request) (reconcile.Result, error) {
	obj := &unstructured.Unstructured{}
	obj.SetGroupVersionKind(c.kind.GroupVersionKind)
	if err := c.client.Get(ctx, req.NamespacedName, obj); err != nil {
		return reconcile.Result{}, client.IgnoreNotFound(err)
	}
	if !c.kind.conditions {
		// Events expire, so that a restart tells again; equal ones are counted, not repeated.
		c.recorder.Event(obj, corev1.EventTypeWarning, Condition, c.kind.message())
		return reconcile.Result{}, nil
	}
	conditions, _, err := unstructured.NestedSlice(obj.Object, "status", "conditions")
	if err != nil {
		return reconcile.Result{}, fmt.Errorf("reading the conditions of %s %s: %w", c.kind.Kind, req.NamespacedName, err)
	}
	for _, existing := range conditions {
		if m, ok := existing.(map[string]any); ok && m["type"] == Condition {
			return reconcile.Result{}, nil
		}
	}
	updated := obj.DeepCopy()
	conditions = append(conditions, map[string]any{"type": Condition, "status": string(corev1.ConditionTrue), "reason": reason,
		"message": c.kind.message(), "lastTransitionTime": c.clock.Now().UTC().Format("2006-01-02T15:04:05Z")})
	if err := unstructured.SetNestedSlice(updated.Object, conditions, "status", "conditions"); err != nil {
		return reconcile.Result{}, err
	}
	patch := client.MergeFromWithOptions(obj, client.MergeFromWithOptimisticLock{})
	if err := c.client.Status().Patch(ctx, updated, patch); err != nil {
		return reconcile.Result{}, client.IgnoreNotFound(err)
	}
	return reconcile.Result{}, nil
}
