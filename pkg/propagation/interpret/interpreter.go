package interpret

import (
	"context"

	configv1alpha1 "github.com/karmada-io/karmada/pkg/apis/config/v1alpha1"
	workv1alpha2 "github.com/karmada-io/karmada/pkg/apis/work/v1alpha2"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
)

// Hooks are what is known about one kind. A nil hook is not known: its comment says what then holds.
// Hooks may be called concurrently. They may change and return an object that they are given first,
// and must not change one that they are given second.
type Hooks struct {
	// Replicas returns how many replicas a template asks for and what each needs (nil: nothing).
	// Without it a template has no replicas and is copied to every cluster whole.
	Replicas func(ctx context.Context, template *unstructured.Unstructured) (int32, *workv1alpha2.ReplicaRequirements, error)
	// Components returns the pod templates of a kind that has several. Where it is known it goes before Replicas.
	Components func(ctx context.Context, template *unstructured.Unstructured) ([]workv1alpha2.Component, error)
	// ReviseReplicas returns the manifest with so many replicas. Without it the manifest stays as it is.
	ReviseReplicas func(ctx context.Context, manifest *unstructured.Unstructured, replicas int64) (*unstructured.Unstructured, error)
	// Retain returns the desired object with the values that the member owns taken from the observed
	// one. Fields that the desired object leaves out stay as they are in the member and need no
	// retaining. Without it the desired object is applied as it is.
	Retain func(ctx context.Context, desired, observed *unstructured.Unstructured) (*unstructured.Unstructured, error)
	// ReflectStatus returns what a Work records of an object's status in a member, nil if there is
	// nothing yet. Without it the whole status is recorded.
	ReflectStatus func(ctx context.Context, observed *unstructured.Unstructured) (*runtime.RawExtension, error)
	// AggregateStatus returns the status that a template has given those in its clusters. The
	// template carries its present status. Without it a template's status is left alone.
	AggregateStatus func(ctx context.Context, template *unstructured.Unstructured, items []workv1alpha2.AggregatedStatusItem) (map[string]any, error)
	// Healthy tells whether an object is healthy in a member. Without it every object is.
	Healthy func(ctx context.Context, observed *unstructured.Unstructured) (bool, error)
	// Dependencies returns what a template needs in the clusters that it goes to. Without it, nothing.
	Dependencies func(ctx context.Context, template *unstructured.Unstructured) ([]configv1alpha1.DependentObjectReference, error)
}

// Interpreter knows some kinds.
type Interpreter interface {
	// Hooks returns what is known of a kind; the zero value if nothing is. It is called often
	// and must be quick: what takes time belongs into a hook.
	Hooks(kind schema.GroupVersionKind) Hooks
}

// Chain asks its interpreters in order: of each hook the first one known counts.
type Chain []Interpreter

// Hooks implements Interpreter.
func (c Chain) Hooks(kind schema.GroupVersionKind) Hooks {
	var all Hooks
	for _, i := range c {
		h := i.Hooks(kind)
		if all.Replicas == nil {
			all.Replicas = h.Replicas
		}
		if all.Components == nil {
			all.Components = h.Components
		}
		if all.ReviseReplicas == nil {
			all.ReviseReplicas = h.ReviseReplicas
		}
		if all.Retain == nil {
			all.Retain = h.Retain
		}
		if all.ReflectStatus == nil {
			all.ReflectStatus = h.ReflectStatus
		}
		if all.AggregateStatus == nil {
			all.AggregateStatus = h.AggregateStatus
		}
		if all.Healthy == nil {
			all.Healthy = h.Healthy
		}
		if all.Dependencies == nil {
			all.Dependencies = h.Dependencies
		}
	}
	return all
}
