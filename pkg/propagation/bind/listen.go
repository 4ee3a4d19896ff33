package bind

import (
	"context"

	clusterv1alpha1 "github.com/karmada-io/karmada/pkg/apis/cluster/v1alpha1"
	workv1alpha1 "github.com/karmada-io/karmada/pkg/apis/work/v1alpha1"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"atoll.dev/atoll/pkg/propagation/changes"
	"atoll.dev/atoll/pkg/propagation/twin"
)

// listen queues what changes. Overrides and Works come first, so that both are known when bindings are handled.
func (b *Binder) listen(ctx context.Context) error {
	if b.opts.Overrides != nil {
		if err := b.opts.Overrides.Listen(ctx, b.overridesChanged); err != nil {
			return err
		}
	}
	for _, watch := range []struct {
		obj client.Object
		f   func(old, new client.Object)
	}{
		{&workv1alpha1.Work{}, b.workChanged},
		{twin.NewBinding("").Object, b.bindingChanged},
		{twin.NewBinding("any").Object, b.bindingChanged},
		{&corev1.Namespace{}, b.namespaceChanged},
		{&clusterv1alpha1.Cluster{}, b.clusterChanged},
	} {
		if _, err := changes.Of(ctx, b.opts.Cache, watch.obj, watch.f); err != nil {
			return err
		}
	}
	return nil
}

func (b *Binder) bindingChanged(old, new client.Object) {
	if new == nil {
		return
	}
	if old != nil && old.GetGeneration() == new.GetGeneration() &&
		old.GetDeletionTimestamp().IsZero() == new.GetDeletionTimestamp().IsZero() &&
		twin.BindingOf(old).PermanentID() == twin.BindingOf(new).PermanentID() {
		return // status, or metadata that Works do not show
	}
	b.queue.Add(client.ObjectKeyFromObject(new))
}

// Reinterpret has a binding looked at, since what is known of its template's kind has changed.
func (b *Binder) Reinterpret(binding types.NamespacedName) { b.queue.Add(binding) }

// workChanged heals Works that others changed or deleted, and goes on where a deletion was waited for.
func (b *Binder) workChanged(old, new client.Object) {
	if old == nil {
		b.created.Delete(client.ObjectKeyFromObject(new))
		return // the binding's own event has it looked at
	}
	if new != nil {
		key := client.ObjectKeyFromObject(new)
		if version, ok := b.written.Load(key); ok && version == new.GetResourceVersion() {
			b.written.Delete(key)
			return
		}
		if old.GetGeneration() == new.GetGeneration() && new.GetDeletionTimestamp().IsZero() {
			return // status
		}
	} else {
		b.written.Delete(client.ObjectKeyFromObject(old))
	}
	if binding, ok := twin.BindingOfWork(old.GetAnnotations()); ok {
		b.queue.Add(binding)
		return
	}
	for _, owner := range old.GetOwnerReferences() {
		if owner.Kind == "Namespace" && owner.APIVersion == "v1" {
			b.namespaces.Add(owner.Name)
		}
	}
}

func (b *Binder) namespaceChanged(old, new client.Object) {
	if new == nil {
		return // the garbage collector takes its Works
	}
	if old != nil && old.GetResourceVersion() == new.GetResourceVersion() {
		return
	}
	b.namespaces.Add(new.GetName())
}

// clusterChanged sends all namespaces to a cluster that joined.
func (b *Binder) clusterChanged(old, new client.Object) {
	if old != nil || new == nil {
		return
	}
	ctx := context.Background() // a read from the cache
	var all corev1.NamespaceList
	if err := b.opts.Client.List(ctx, &all, client.UnsafeDisableDeepCopy); err != nil {
		return // not synced: the namespaces' own events are still to come
	}
	for i := range all.Items {
		b.namespaces.Add(all.Items[i].Name)
	}
}
