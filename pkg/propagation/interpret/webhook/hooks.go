package webhook

import (
	"context"
	"fmt"
	"math"

	configv1alpha1 "github.com/karmada-io/karmada/pkg/apis/config/v1alpha1"
	workv1alpha2 "github.com/karmada-io/karmada/pkg/apis/work/v1alpha2"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"

	"atoll.dev/atoll/pkg/propagation/interpret"
)

func (h *hook) lacks(operation configv1alpha1.InterpreterOperation, field string) error {
	return fmt.Errorf("interpreter webhook %s: %s: response.%s is missing", h.name, operation, field)
}

func (h *hook) replicas(ctx context.Context, template *unstructured.Unstructured) (int32, *workv1alpha2.ReplicaRequirements, error) {
	q := question{operation: configv1alpha1.InterpreterOperationInterpretReplica, object: template}
	response, err := h.ask(ctx, q)
	if err != nil {
		return 0, nil, err
	}
	if response.Replicas == nil {
		return 0, nil, h.lacks(q.operation, "replicas")
	}
	return *response.Replicas, response.ReplicaRequirements, nil
}

func (h *hook) components(ctx context.Context, template *unstructured.Unstructured) ([]workv1alpha2.Component, error) {
	response, err := h.ask(ctx, question{operation: configv1alpha1.InterpreterOperationInterpretComponent, object: template})
	if err != nil {
		return nil, err
	}
	return response.Components, nil
}

func (h *hook) revise(ctx context.Context, manifest *unstructured.Unstructured, replicas int64) (*unstructured.Unstructured, error) {
	return h.patched(ctx, question{
		operation: configv1alpha1.InterpreterOperationReviseReplica, object: manifest, replicas: int32(min(replicas, math.MaxInt32)),
	})
}

func (h *hook) retain(ctx context.Context, desired, observed *unstructured.Unstructured) (*unstructured.Unstructured, error) {
	return h.patched(ctx, question{operation: configv1alpha1.InterpreterOperationRetain, object: desired, observed: observed})
}

func (h *hook) reflectStatus(ctx context.Context, observed *unstructured.Unstructured) (*runtime.RawExtension, error) {
	q := question{operation: configv1alpha1.InterpreterOperationInterpretStatus, object: observed}
	response, err := h.ask(ctx, q)
	if err != nil {
		return nil, err
	}
	if response.RawStatus == nil {
		return nil, h.lacks(q.operation, "rawStatus")
	}
	return response.RawStatus, nil
}

func (h *hook) aggregateStatus(ctx context.Context, template *unstructured.Unstructured, items []workv1alpha2.AggregatedStatusItem) (map[string]any, error) {
	object, err := h.patched(ctx, question{operation: configv1alpha1.InterpreterOperationAggregateStatus, object: template, items: items})
	if err != nil {
		return nil, err
	}
	status, _, err := unstructured.NestedMap(object.Object, "status")
	return status, err
}

func (h *hook) healthy(ctx context.Context, observed *unstructured.Unstructured) (bool, error) {
	q := question{operation: configv1alpha1.InterpreterOperationInterpretHealth, object: observed}
	response, err := h.ask(ctx, q)
	if err != nil {
		return false, err
	}
	if response.Healthy == nil {
		return false, h.lacks(q.operation, "healthy")
	}
	return *response.Healthy, nil
}

func (h *hook) dependencies(ctx context.Context, template *unstructured.Unstructured) ([]configv1alpha1.DependentObjectReference, error) {
	q := question{operation: configv1alpha1.InterpreterOperationInterpretDependency, object: template}
	response, err := h.ask(ctx, q)
	if err != nil {
		return nil, err
	}
	if err := interpret.CheckDependencies(response.Dependencies); err != nil {
		return nil, fmt.Errorf("interpreter webhook %s: %s: %w", h.name, q.operation, err)
	}
	return response.Dependencies, nil
}
