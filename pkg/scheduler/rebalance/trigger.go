package rebalance

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"

	appsv1alpha1 "github.com/karmada-io/karmada/pkg/apis/apps/v1alpha1"

	"atoll.dev/atoll/apis/karmada/wellknown"
	"atoll.dev/atoll/pkg/scheduler/binding"
)

// errNoBinding says that the workload is not placed by any binding.
var errNoBinding = errors.New("no binding places the workload")

// trigger asks for a fresh decision about a workload, unless that was done already or
// somebody asked later. The time that it sets is that of the rebalancer's creation,
// as clients of Karmada expect; for a workload that was added to the rebalancer
// after it had finished it is now, since a decision may have been made meanwhile.
func (c *controller) trigger(ctx context.Context, rebalancer *appsv1alpha1.WorkloadRebalancer, workload appsv1alpha1.ObjectReference) error {
	b, err := c.bindingOf(ctx, workload)
	if err != nil {
		return err
	}
	at := rebalancer.CreationTimestamp
	if rebalancer.Status.FinishTime != nil {
		at = metav1.NewTime(c.clock.Now().Truncate(time.Second))
	}
	if last := b.Spec.RescheduleTriggeredAt; last != nil {
		recorded, who, _ := strings.Cut(b.Object.GetAnnotations()[wellknown.TriggeredByAnnotation], " ")
		ours := who == rebalancer.Name && recorded == stamp(*last) && !last.Before(&rebalancer.CreationTimestamp)
		if ours || !at.After(last.Time) {
			return nil
		}
	}
	patch, err := json.Marshal(map[string]any{
		"metadata": map[string]any{
			"resourceVersion": b.Object.GetResourceVersion(),
			"annotations":     map[string]string{wellknown.TriggeredByAnnotation: stamp(at) + " " + rebalancer.Name},
		},
		"spec": map[string]any{"rescheduleTriggeredAt": at},
	})
	if err != nil {
		return err
	}
	if err := c.client.Patch(ctx, b.Object, client.RawPatch(types.MergePatchType, patch)); err != nil {
		if apierrors.IsNotFound(err) {
			return errNoBinding
		}
		return fmt.Errorf("triggering the rescheduling of binding %s: %w", binding.KeyOf(b.Object), err)
	}
	return nil
}

// bindingOf finds the binding of a workload, or returns errNoBinding.
func (c *controller) bindingOf(ctx context.Context, workload appsv1alpha1.ObjectReference) (*binding.Binding, error) {
	key := binding.Key{Namespace: workload.Namespace, Name: wellknown.BindingName(workload.Kind, workload.Name)}
	b := binding.New(key)
	err := c.client.Get(ctx, client.ObjectKey(key), b.Object)
	if apierrors.IsNotFound(err) {
		err = c.reader.Get(ctx, client.ObjectKey(key), b.Object)
	}
	switch {
	case apierrors.IsNotFound(err):
		return nil, errNoBinding
	case err != nil:
		return nil, fmt.Errorf("reading binding %s: %w", key, err)
	}
	// The name says neither the group nor where one name ends and the other begins.
	wanted, bound := schema.FromAPIVersionAndKind(workload.APIVersion, workload.Kind), schema.FromAPIVersionAndKind(b.Spec.Resource.APIVersion, b.Spec.Resource.Kind)
	if wanted.GroupKind() != bound.GroupKind() || b.Spec.Resource.Name != workload.Name {
		return nil, errNoBinding
	}
	return b, nil
}

func stamp(t metav1.Time) string { return t.UTC().Format(time.RFC3339) }
