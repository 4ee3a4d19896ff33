package settle

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	utilruntime "k8s.io/apimachinery/pkg/util/runtime"
	"k8s.io/client-go/util/workqueue"
	"k8s.io/klog/v2"
	"k8s.io/utils/clock"
)

// Default backoff of a key that keeps failing.
const (
	DefaultBackoff    = 5 * time.Millisecond
	DefaultMaxBackoff = time.Minute
)

// Options of a Queue.
type Options struct {
	// Name appears in logs.
	Name string
	// Window is how long a key rests after a handling that changed something. 0: not at all.
	Window time.Duration
	// Backoff is the delay after the first failure of a key; it doubles with each, up to MaxBackoff.
	// Default DefaultBackoff and DefaultMaxBackoff.
	Backoff, MaxBackoff time.Duration
	// Clock defaults to the real one.
	Clock clock.WithTicker
}

// Outcome is what a handler did.
type Outcome struct {
	// Changed starts the window: something was written, more changes wait until it has passed.
	Changed bool
	// Rest is how long the key rests if it Changed, should that be longer than the window.
	Rest time.Duration
	// After, if positive, hands the key out again after that time.
	After time.Duration
}

// Handler brings what the key stands for to its wanted state. An error has the key handed out
// again with backoff, whatever the outcome says of After.
type Handler[K comparable] func(ctx context.Context, key K) (Outcome, error)

// Queue hands out keys of type K. The zero value is not usable, see New.
type Queue[K comparable] struct {
	name    string
	window  time.Duration
	clock   clock.WithTicker
	keys    workqueue.TypedDelayingInterface[K]
	backoff workqueue.TypedRateLimiter[K]

	mu sync.Mutex
	// resting holds until when keys that changed rest; entries that are past are swept.
	resting map[K]time.Time
	swept   time.Time
}

// New returns a queue. It holds a goroutine until Run returns or Shutdown is called.
func New[K comparable](opts Options) *Queue[K] {
	if opts.Clock == nil {
		opts.Clock = clock.RealClock{}
	}
	if opts.Backoff == 0 {
		opts.Backoff = DefaultBackoff
	}
	if opts.MaxBackoff == 0 {
		opts.MaxBackoff = DefaultMaxBackoff
	}
	return &Queue[K]{
		name: opts.Name, window: opts.Window, clock: opts.Clock,
		keys:    workqueue.NewTypedDelayingQueueWithConfig(workqueue.TypedDelayingQueueConfig[K]{Clock: opts.Clock}),
		backoff: workqueue.NewTypedItemExponentialFailureRateLimiter[K](opts.Backoff, opts.MaxBackoff),
		resting: map[K]time.Time{},
	}
}

// Add hands key out as soon as a worker is free and the key has rested.
func (q *Queue[K]) Add(key K) { q.keys.Add(key) }

// AddAfter hands key out after d.
func (q *Queue[K]) AddAfter(key K, d time.Duration) { q.keys.AddAfter(key, d) }

// Failures returns how often the key failed in a row.
func (q *Queue[K]) Failures(key K) int { return q.backoff.NumRequeues(key) }

// Forget ends the backoff of a key, so that its next failure counts as the first.
func (q *Queue[K]) Forget(key K) { q.backoff.Forget(key) }

// Len is the number of keys that wait for a worker; those that rest or back off are not counted.
func (q *Queue[K]) Len() int { return q.keys.Len() }

// Shutdown ends the queue: Run returns when its workers have finished what they hold.
func (q *Queue[K]) Shutdown() { q.keys.ShutDown() }

// Run handles keys with so many workers until ctx ends or the queue is shut down.
func (q *Queue[K]) Run(ctx context.Context, workers int, handle Handler[K]) {
	stop := context.AfterFunc(ctx, q.keys.ShutDown)
	defer stop()
	var group sync.WaitGroup
	for range workers {
		group.Go(func() {
			for q.next(ctx, handle) {
			}
		})
	}
	group.Wait()
}

// next handles one key; false when the queue is shut down.
func (q *Queue[K]) next(ctx context.Context, handle Handler[K]) bool {
	key, down := q.keys.Get()
	if down {
		return false
	}
	defer q.keys.Done(key)
	if ctx.Err() != nil {
		return true // drains
	}
	if rest := q.rest(key); rest > 0 {
		q.keys.AddAfter(key, rest)
		return true
	}
	outcome, err := q.call(ctx, key, handle)
	if outcome.Changed {
		q.mark(key, max(q.window, outcome.Rest))
	}
	switch {
	case err != nil && ctx.Err() != nil: // stopping
	case err != nil:
		delay := q.backoff.When(key)
		klog.FromContext(ctx).V(2).Info("Will try again", "queue", q.name, "key", key, "after", delay, "err", err)
		q.keys.AddAfter(key, delay)
	default:
		q.backoff.Forget(key)
		if outcome.After > 0 {
			q.keys.AddAfter(key, outcome.After)
		}
	}
	return true
}

// call turns a handler's panic into an error of its key: one poisonous object must not stop the others.
func (q *Queue[K]) call(ctx context.Context, key K, handle Handler[K]) (outcome Outcome, err error) {
	defer func() {
		if r := recover(); r != nil {
			utilruntime.HandleErrorWithContext(ctx, errors.New("handler panicked"), "Handling a key", "queue", q.name, "key", key, "panic", r)
			err = fmt.Errorf("handling %v panicked: %v", key, r)
		}
	}()
	return handle(ctx, key)
}

// rest is how long the key still has to wait.
func (q *Queue[K]) rest(key K) time.Duration {
	q.mu.Lock()
	defer q.mu.Unlock()
	until, ok := q.resting[key]
	if !ok {
		return 0
	}
	return until.Sub(q.clock.Now())
}

func (q *Queue[K]) mark(key K, rest time.Duration) {
	if rest == 0 {
		return
	}
	q.mu.Lock()
	defer q.mu.Unlock()
	now := q.clock.Now()
	if now.Sub(q.swept) > 10*max(q.window, time.Millisecond) {
		for k, until := range q.resting {
			if !until.After(now) {
				delete(q.resting, k)
			}
		}
		q.swept = now
	}
	q.resting[key] = now.Add(rest)
}
