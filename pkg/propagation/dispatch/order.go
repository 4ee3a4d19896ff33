package dispatch

import (
	"context"
	"fmt"
	"slices"
	"time"

	workv1alpha1 "github.com/karmada-io/karmada/pkg/apis/work/v1alpha1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"atoll.dev/atoll/apis/karmada/wellknown"
	"atoll.dev/atoll/pkg/propagation/work"
)

// A namespace or a kind takes what is in it along when it is deleted: it waits for the deletion of
// what was dispatched into it, no longer than this, but for as long as such deletions are held.
const (
	longestOrder = 5 * time.Minute
	orderPoll    = 200 * time.Millisecond
)

// contents returns what a manifest holds of others: a test of references; nil if nothing.
func contents(m *unstructured.Unstructured) func(work.Reference) bool {
	switch m.GroupVersionKind().GroupKind() {
	case schema.GroupKind{Kind: "Namespace"}:
		return func(ref work.Reference) bool { return ref.Namespace == m.GetName() }
	case schema.GroupKind{Group: "apiextensions.k8s.io", Kind: "CustomResourceDefinition"}:
		group, _, _ := unstructured.NestedString(m.Object, "spec", "group")
		kind, _, _ := unstructured.NestedString(m.Object, "spec", "names", "kind")
		return func(ref work.Reference) bool { return ref.Group == group && ref.Kind == kind }
	}
	return nil
}

// waitsFor returns how long the deletion of a Work still has to wait for those of others; 0: not at all.
func (m *member) waitsFor(ctx context.Context, w *workv1alpha1.Work) (time.Duration, error) {
	manifests, err := work.Manifests(w)
	if err != nil {
		return 0, nil // it is let go without touching the member
	}
	var holds []func(work.Reference) bool
	for _, manifest := range manifests {
		if of := contents(manifest); of != nil {
			holds = append(holds, of)
		}
	}
	if holds == nil {
		return 0, nil
	}
	var all workv1alpha1.WorkList
	if err := m.d.opts.Client.List(ctx, &all, client.InNamespace(wellknown.ExecutionNamespace(m.cluster)), client.UnsafeDisableDeepCopy); err != nil {
		return 0, fmt.Errorf("looking for what is to be deleted in cluster %s first: %w", m.cluster, err)
	}
	late := m.d.opts.Clock.Since(w.DeletionTimestamp.Time) >= longestOrder
	for i := range all.Items {
		other := &all.Items[i]
		if other.DeletionTimestamp.IsZero() || other.UID == w.UID || late && !m.isHeld(other.Name) {
			continue
		}
		for _, ref := range work.References(other) {
			if slices.ContainsFunc(holds, func(of func(work.Reference) bool) bool { return of(ref) }) {
				return orderPoll, nil
			}
		}
	}
	return 0, nil
}

func (m *member) isHeld(name string) bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	_, held := m.held[name]
	return held
}
