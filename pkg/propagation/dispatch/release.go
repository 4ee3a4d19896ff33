package dispatch

import (
	"context"
	"errors"
	"fmt"
	"slices"

	workv1alpha1 "github.com/karmada-io/karmada/pkg/apis/work/v1alpha1"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/meta"
	"k8s.io/klog/v2"
	"k8s.io/utils/ptr"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"atoll.dev/atoll/apis/karmada/wellknown"
	"atoll.dev/atoll/pkg/propagation/mergepatch"
	"atoll.dev/atoll/pkg/propagation/settle"
)

// finish removes what a Work dispatched and lets the Work go.
func (m *member) finish(ctx context.Context, w *workv1alpha1.Work, state clusterState) (settle.Outcome, error) {
	if !slices.Contains(w.Finalizers, wellknown.ExecutionControllerFinalizer) {
		return settle.Outcome{}, nil
	}
	switch {
	case !state.exists, state.leaving && !state.ready:
		// There is no member to remove anything from, or it is leaving and cannot be reached.
	case !state.ready:
		return settle.Outcome{}, m.parkUntil(ctx, w.Name, func(s clusterState) bool { return !s.exists || s.ready || s.leaving })
	default:
		if !state.leaving && !ptr.Deref(w.Spec.PreserveResourcesOnDeletion, false) {
			rest, err := m.waitsFor(ctx, w)
			if err != nil || rest > 0 {
				return settle.Outcome{After: rest}, err
			}
			if may, err := m.mayDelete(ctx, w); err != nil || !may {
				return settle.Outcome{}, err
			}
		}
		err := m.remove(ctx, w)
		if err != nil && !state.leaving {
			m.d.opts.Recorder.Eventf(w, corev1.EventTypeWarning, "SyncFailed", "Failed to remove work(%s/%s) from cluster(%s), err: %v", w.Namespace, w.Name, m.cluster, err)
		}
		if err != nil {
			return settle.Outcome{}, err
		}
	}
	released := w.DeepCopy()
	released.Finalizers = slices.DeleteFunc(slices.Clone(w.Finalizers), func(f string) bool { return f == wellknown.ExecutionControllerFinalizer })
	if _, err := mergepatch.Apply(ctx, m.d.opts.Client, w, released, true); client.IgnoreNotFound(err) != nil {
		return settle.Outcome{}, fmt.Errorf("releasing Work %s/%s: %w", w.Namespace, w.Name, err)
	}
	m.forget(w.Name)
	return settle.Outcome{}, nil
}

func (m *member) remove(ctx context.Context, w *workv1alpha1.Work) error {
	manifests, err := manifestsOf(w)
	if err != nil {
		klog.FromContext(ctx).Error(err, "A Work that cannot be read is deleted without touching the member", "work", klog.KObj(w))
		return nil
	}
	o, err := m.observe(ctx)
	if err != nil {
		return err
	}
	var errs []error
	for _, manifest := range manifests {
		a, err := m.applier(ctx, o, manifest)
		if meta.IsNoMatchError(err) {
			continue // the kind is gone, and its objects with it
		}
		if err == nil {
			err = a.remove(ctx, w, ptr.Deref(w.Spec.PreserveResourcesOnDeletion, false))
		}
		if err != nil {
			errs = append(errs, fmt.Errorf("removing %s %s from cluster %s: %w", manifest.GetKind(), manifest.key(), m.cluster, err))
		}
	}
	return errors.Join(errs...)
}
