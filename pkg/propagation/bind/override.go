package bind

import (
	"context"
	"errors"
	"time"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"atoll.dev/atoll/pkg/propagation/override"
	"atoll.dev/atoll/pkg/propagation/templates"
	"atoll.dev/atoll/pkg/propagation/twin"
)

// withdrawal is how long the removal of overrides is waited with. Who deletes a policy together with
// its overrides wants what runs in members left alone, not changed back first (karmada-io/karmada#3873).
const withdrawal = time.Second

// overridesChanged has everything rendered again that the change concerns.
func (b *Binder) overridesChanged(change override.Change) {
	var delay time.Duration
	if change.Removed {
		delay = withdrawal
	}
	concerns := func(kind schema.GroupVersionKind, name types.NamespacedName) bool {
		t, ok := b.opts.Templates.Get(templates.Key{GroupVersionKind: kind, NamespacedName: name})
		return ok && change.Concerns(t)
	}
	ctx := context.Background() // reads from the cache
	// A list that is not there yet concerns nobody: its objects' own events are still to come.
	_ = twin.EachBinding(ctx, b.opts.Client, func(binding twin.Binding) {
		ref := binding.Spec.Resource
		if concerns(schema.FromAPIVersionAndKind(ref.APIVersion, ref.Kind), types.NamespacedName{Namespace: ref.Namespace, Name: ref.Name}) {
			b.queue.AddAfter(client.ObjectKeyFromObject(binding), delay)
		}
	})
	var namespaces corev1.NamespaceList
	if err := b.opts.Client.List(ctx, &namespaces, client.UnsafeDisableDeepCopy); err != nil {
		return
	}
	for i := range namespaces.Items {
		name := namespaces.Items[i].Name
		if concerns(corev1.SchemeGroupVersion.WithKind("Namespace"), types.NamespacedName{Name: name}) {
			b.namespaces.AddAfter(name, delay)
		}
	}
}

// override makes of a manifest what the cluster gets of it.
func (b *Binder) override(template *corev1.ObjectReference, manifest *unstructured.Unstructured, cluster string) (override.Result, error) {
	if b.opts.Overrides == nil {
		return override.Result{Manifest: manifest}, nil
	}
	result, err := b.opts.Overrides.Apply(manifest, cluster)
	var failed *override.Error
	if errors.As(err, &failed) {
		b.opts.Recorder.Eventf(template, corev1.EventTypeWarning, "ApplyOverridePolicyFailed", "Apply %s for cluster(%s) failed: %v", failed.Policy, cluster, errors.Unwrap(failed))
	}
	return result, err
}

// overridden tells of the overrides that a Work was written with.
func (b *Binder) overridden(template *corev1.ObjectReference, policies []string, cluster string) {
	for _, policy := range policies {
		b.opts.Recorder.Eventf(template, corev1.EventTypeNormal, "ApplyOverridePolicySucceed", "Apply %s for cluster(%s) succeed.", policy, cluster)
	}
}
