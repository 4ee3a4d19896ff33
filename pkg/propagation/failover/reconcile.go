package failover

import (
	"context"
	"errors"
	"fmt"
	"time"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/equality"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/klog/v2"

	"atoll.dev/atoll/pkg/propagation/mergepatch"
	"atoll.dev/atoll/pkg/propagation/settle"
	"atoll.dev/atoll/pkg/propagation/twin"
)

// Reasons of events that are Karmada's.
const (
	reasonEvicted     = "EvictWorkloadFromClusterSucceed"
	reasonEvictFailed = "EvictWorkloadFromClusterFailed"
)

// Reasons of events that Karmada has no equal of.
const (
	reasonWithdrawn = "EvictionWithdrawn"
	reasonHeld      = "EvictionHeld"
)

// copyKey is a copy that is being evicted.
type copyKey struct {
	binding types.NamespacedName
	cluster string
}

// reconcile decides about one binding and writes what it decided.
func (f *Controller) reconcile(ctx context.Context, key types.NamespacedName) (settle.Outcome, error) {
	was, err := twin.GetBinding(ctx, f.opts.Client, key)
	switch {
	case apierrors.IsNotFound(err):
		f.ailments.forget(key)
		return settle.Outcome{}, nil
	case err != nil:
		return settle.Outcome{}, fmt.Errorf("reading binding %s: %w", key, err)
	case !was.GetDeletionTimestamp().IsZero():
		return settle.Outcome{}, nil
	}
	now := f.opts.Clock.Now()
	f.ailments.observe(was, now)
	seen, s := f.seen.Load(), f.opts.Settings
	v, err := decide(was, circumstances{
		now: now, place: func(name string) *place { return seen.places[name] }, stopped: seen.stopped,
		gracePeriod: s.GracePeriod, returnGrace: s.ReturnGrace, confirmation: s.Confirmation, purgeMode: s.PurgeMode,
		failing: f.ailments.failing(was),
	})
	var blocked *evictError
	if errors.As(err, &blocked) {
		f.event(was, corev1.EventTypeWarning, reasonEvictFailed, "Evict from cluster %s failed: %v", blocked.cluster, blocked.cause)
	}
	if err != nil {
		return settle.Outcome{}, err
	}
	wanted := was.Copy()
	wanted.Spec.Clusters, wanted.Spec.GracefulEvictionTasks = v.clusters, v.tasks
	if !equality.Semantic.DeepEqual(was.Spec, wanted.Spec) {
		if _, err := mergepatch.Apply(ctx, f.opts.Client, was.Object, wanted.Object, true); err != nil {
			return settle.Outcome{}, f.failed(was, v, err)
		}
		f.wrote(ctx, was, v, now)
	}
	f.tellHeld(was, v)
	if v.again.IsZero() {
		return settle.Outcome{}, nil
	}
	// Times are compared to the nanosecond: at their very moment they have come.
	return settle.Outcome{After: max(v.again.Sub(now), time.Millisecond)}, nil
}

// failed tells of a write that did not succeed, unless the binding is gone or has merely changed meanwhile.
func (f *Controller) failed(b twin.Binding, v verdict, err error) error {
	if apierrors.IsNotFound(err) {
		return nil
	}
	if !apierrors.IsConflict(err) {
		for _, cluster := range append(v.evicted, v.finished...) {
			f.event(b, corev1.EventTypeWarning, reasonEvictFailed, "Evict from cluster %s failed.", cluster)
		}
	}
	return fmt.Errorf("writing the evictions of %s: %w", b, err)
}

func (f *Controller) wrote(ctx context.Context, b twin.Binding, v verdict, now time.Time) {
	log := klog.FromContext(ctx).V(2)
	if log.Enabled() {
		log.Info("Wrote evictions", "binding", b, "evicted", v.evicted, "finished", v.finished, "withdrawn", v.withdrawn)
	}
	for _, cluster := range v.finished {
		f.event(b, corev1.EventTypeNormal, reasonEvicted, "Evict from cluster %s succeed.", cluster)
	}
	for _, cluster := range v.withdrawn {
		f.event(b, corev1.EventTypeNormal, reasonWithdrawn, "The eviction from cluster %s is withdrawn: the workload stays there.", cluster)
	}
	for _, cluster := range v.nothingElse {
		f.ailments.inVain(b.Key(), cluster, now)
	}
}

// tellHeld says once of each copy that it stays beyond its grace period, and why.
func (f *Controller) tellHeld(b twin.Binding, v verdict) {
	for _, t := range v.tasks {
		key := copyKey{b.Key(), t.FromCluster}
		why, held := v.held[t.FromCluster]
		if !held {
			f.told.Delete(key)
			continue
		}
		if before, ok := f.told.Swap(key, why); !ok || before != why {
			f.event(b, corev1.EventTypeWarning, reasonHeld, "The copy in cluster %s stays: %s.", t.FromCluster, why)
		}
	}
	for _, cluster := range append(v.finished, v.withdrawn...) {
		f.told.Delete(copyKey{b.Key(), cluster})
	}
}

// event records something about a binding and its template.
func (f *Controller) event(b twin.Binding, kind, reason, format string, args ...any) {
	ref := b.Spec.Resource
	f.opts.Recorder.Eventf(b.Object, kind, reason, format, args...)
	f.opts.Recorder.Eventf(&corev1.ObjectReference{
		APIVersion: ref.APIVersion, Kind: ref.Kind, Namespace: ref.Namespace, Name: ref.Name, UID: ref.UID,
	}, kind, reason, format, args...)
}
