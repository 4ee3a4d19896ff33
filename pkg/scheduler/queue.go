package scheduler

import (
	"k8s.io/client-go/util/workqueue"
	"k8s.io/utils/ptr"
	"sigs.k8s.io/controller-runtime/pkg/controller/priorityqueue"

	"atoll.dev/atoll/pkg/scheduler/binding"
)

// queue holds the bindings to look at: those of higher spec.schedulePriority first;
// of one priority those that something happened to before those that only try again;
// of these the one that came first. A binding that is queued again keeps the better
// of its places. Low priorities may wait as long as higher ones keep coming.
type queue = workqueue.TypedRateLimitingInterface[binding.Key]

// enqueue adds a binding that something happened to.
func enqueue(q queue, b *binding.Binding) { add(q, b, 2*int(b.Spec.SchedulePriorityValue())+1) }

// enqueueAgain adds a binding that could not be placed and may have a chance now.
func enqueueAgain(q queue, b *binding.Binding) { add(q, b, 2*int(b.Spec.SchedulePriorityValue())) }

func add(q queue, b *binding.Binding, priority int) {
	key := binding.KeyOf(b.Object)
	if ordered, ok := q.(priorityqueue.PriorityQueue[binding.Key]); ok {
		ordered.AddWithOpts(priorityqueue.AddOpts{Priority: ptr.To(priority)}, key)
		return
	}
	q.Add(key)
}
