package scheduler

import (
	"cmp"
	"container/heap"
	"context"
	"sync"
	"time"

	"k8s.io/utils/clock"

	"atoll.dev/atoll/pkg/scheduler/binding"
)

const (
	// retriesAtOnce is how many bindings that wait for room are tried again at once
	// when some cluster has more of it, and retriesPerSecond how many more a second
	// after that. One that is placed does not count: as long as there is room, there
	// is no limit. So ten thousand that wait for a cluster which is full and busy cost
	// this many decisions a second, and each gets its turn within a minute.
	retriesAtOnce    = 500
	retriesPerSecond = 200
)

// retries lets bindings that wait for room have another try, at a bounded rate: the
// highest priority first, and within one priority whoever has waited longest since its
// last try.
type retries struct {
	clock clock.PassiveClock

	mu  sync.Mutex
	due retryHeap
	// allowance is how many may try at the time since.
	allowance float64
	since     time.Time
	// more holds a token whenever due is not empty.
	more chan struct{}
}

// retry is a binding that may have another try.
type retry struct {
	binding *binding.Binding
	// parked is the turn at which it was parked.
	parked uint64
}

func newRetries(clock clock.PassiveClock) *retries {
	return &retries{clock: clock, allowance: retriesAtOnce, since: clock.Now(), more: make(chan struct{}, 1)}
}

// add makes bindings due, and hands those that may try at once to admit.
func (r *retries) add(all []retry, admit func(*binding.Binding)) {
	if len(all) == 0 {
		return
	}
	r.mu.Lock()
	r.due = append(r.due, all...)
	heap.Init(&r.due)
	r.mu.Unlock()
	r.admit(admit)
}

// admit hands out who may try now, and returns in how long the next one may, 0 if there is none.
func (r *retries) admit(admit func(*binding.Binding)) (next time.Duration) {
	r.mu.Lock()
	defer r.mu.Unlock()
	now := r.clock.Now()
	r.allowance = min(retriesAtOnce, r.allowance+now.Sub(r.since).Seconds()*retriesPerSecond)
	r.since = now
	for ; len(r.due) > 0 && r.allowance >= 1; r.allowance-- {
		admit(heap.Pop(&r.due).(retry).binding)
	}
	if len(r.due) == 0 {
		return 0
	}
	select {
	case r.more <- struct{}{}:
	default:
	}
	return max(time.Duration((1-r.allowance)/retriesPerSecond*float64(time.Second)), time.Millisecond)
}

// placed gives back what a binding took that was placed at its try.
func (r *retries) placed() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.allowance = min(retriesAtOnce, r.allowance+1)
}

// run admits who is due until the context ends.
func (r *retries) run(ctx context.Context, admit func(*binding.Binding)) {
	for {
		select {
		case <-ctx.Done():
			return
		case <-r.more:
		}
		next := r.admit(admit)
		if next == 0 {
			continue
		}
		select {
		case <-ctx.Done():
			return
		case <-time.After(next):
		}
	}
}

// retryHeap has on top who may try first.
type retryHeap []retry

func (h retryHeap) Len() int { return len(h) }

func (h retryHeap) Less(i, j int) bool {
	return cmp.Or(
		-cmp.Compare(h[i].binding.Spec.SchedulePriorityValue(), h[j].binding.Spec.SchedulePriorityValue()),
		cmp.Compare(h[i].parked, h[j].parked),
	) < 0
}

func (h retryHeap) Swap(i, j int) { h[i], h[j] = h[j], h[i] }

func (h *retryHeap) Push(x any) { *h = append(*h, x.(retry)) }

func (h *retryHeap) Pop() any {
	old := *h
	last := old[len(old)-1]
	old[len(old)-1] = retry{}
	*h = old[:len(old)-1]
	return last
}
