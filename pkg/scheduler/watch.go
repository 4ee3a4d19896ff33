package scheduler

import (
	"context"

	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/event"
	"sigs.k8s.io/controller-runtime/pkg/handler"

	clusterv1alpha1 "github.com/karmada-io/karmada/pkg/apis/cluster/v1alpha1"

	"atoll.dev/atoll/pkg/scheduler/binding"
	"atoll.dev/atoll/pkg/scheduler/snapshot"
)

// bindingEvents takes in bindings and queues those whose spec is not what it was when last looked at.
func bindingEvents[T client.Object](s *Scheduler) handler.TypedFuncs[T, binding.Key] {
	observe := func(object T, q queue) {
		before, news := s.bindings.Observe(object)
		if now := binding.Of(object); news && s.worthLooking(before, now) {
			enqueue(q, now)
		}
	}
	return handler.TypedFuncs[T, binding.Key]{
		CreateFunc: func(_ context.Context, e event.TypedCreateEvent[T], q queue) {
			if e.IsInInitialList && s.claims != nil {
				s.claims.Recover(binding.Of(e.Object))
			}
			observe(e.Object, q)
		},
		UpdateFunc: func(_ context.Context, e event.TypedUpdateEvent[T], q queue) { observe(e.ObjectNew, q) },
		DeleteFunc: func(_ context.Context, e event.TypedDeleteEvent[T], _ queue) {
			s.bindings.Forget(e.Object)
			s.parked.Leave(binding.KeyOf(e.Object))
		},
	}
}

// worthLooking tells whether a binding may need a decision since it was last seen.
// Nothing in the status gives cause for one, and what the scheduler wrote itself it has seen.
func (s *Scheduler) worthLooking(before, now *binding.Binding) bool {
	if before == nil || before.Object.GetUID() != now.Object.GetUID() {
		return s.responsible(now)
	}
	return before.Object.GetGeneration() != now.Object.GetGeneration() && (s.responsible(now) || s.responsible(before)) ||
		s.responsible(before) != s.responsible(now)
}

// clusterEvents takes in clusters and tells alarm what changed.
func clusterEvents(s *Scheduler, alarm *alarm) handler.TypedFuncs[*clusterv1alpha1.Cluster, binding.Key] {
	set := func(object *clusterv1alpha1.Cluster) snapshot.Event { return s.clusters.Set(object) }
	return handler.TypedFuncs[*clusterv1alpha1.Cluster, binding.Key]{
		CreateFunc: func(_ context.Context, e event.TypedCreateEvent[*clusterv1alpha1.Cluster], _ queue) {
			if change := set(e.Object); !e.IsInInitialList { // no decision was made before the first list was in
				alarm.raise(change)
			}
		},
		UpdateFunc: func(_ context.Context, e event.TypedUpdateEvent[*clusterv1alpha1.Cluster], _ queue) {
			alarm.offer(set(e.ObjectNew))
		},
		DeleteFunc: func(_ context.Context, e event.TypedDeleteEvent[*clusterv1alpha1.Cluster], _ queue) {
			alarm.raise(s.clusters.Delete(e.Object.GetName()))
		},
	}
}
