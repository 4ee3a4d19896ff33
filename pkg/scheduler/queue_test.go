package scheduler

import (
	"fmt"
	"slices"
	"testing"

	"sigs.k8s.io/controller-runtime/pkg/controller/priorityqueue"
	"sigs.k8s.io/controller-runtime/pkg/event"

	workv1alpha2 "github.com/karmada-io/karmada/pkg/apis/work/v1alpha2"

	"atoll.dev/atoll/pkg/scheduler/binding"
	. "atoll.dev/atoll/pkg/scheduler/internal/fixture"
	"atoll.dev/atoll/pkg/scheduler/snapshot"
)

// TestOrderOfTheQueue has one worker take bindings off the queue in the order of their
// priority, then of what happened to them, then of their coming.
func TestOrderOfTheQueue(t *testing.T) {
	p := newPlane(t, Cluster("a", Pods(1)))
	q := priorityqueue.New[binding.Key]("test")
	t.Cleanup(q.ShutDown)
	prioritized := func(name string, priority int32) *workv1alpha2.ResourceBinding {
		b := ResourceBinding(name, Deployment(5, placement{ReplicaScheduling: Dynamic()}))
		if priority != 0 {
			b.Spec.SchedulePriority = &workv1alpha2.SchedulePriority{Priority: priority}
		}
		return b
	}
	// Parked ones that are woken by room, one of them of high priority.
	for i, name := range []string{"parked-0", "parked-high"} {
		b := prioritized(name, int32(10*i))
		p.scheduler.bindings.Observe(b)
		p.scheduler.parked.Park(binding.KeyOf(b), snapshot.MoreRoom)
	}
	p.alarm.raise(p.scheduler.clusters.Set(Cluster("a", Pods(2))))
	p.scheduler.queueConcerned(t.Context(), p.alarm.take(), q)
	handler := bindingEvents[*workv1alpha2.ResourceBinding](p.scheduler)
	for i, priority := range []int32{0, 10, -5, 0, 10} {
		handler.Create(t.Context(), event.TypedCreateEvent[*workv1alpha2.ResourceBinding]{Object: prioritized(fmt.Sprintf("new-%d", i), priority)}, q)
	}

	var got []string
	for q.Len() > 0 {
		key, _ := q.Get()
		got = append(got, key.Name)
		q.Done(key)
	}
	want := []string{"new-1", "new-4", "parked-high", "new-0", "new-3", "parked-0", "new-2"}
	if !slices.Equal(got, want) {
		t.Errorf("taken off the queue: %v, want %v", got, want)
	}
}
