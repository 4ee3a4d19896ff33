package scheduler

import (
	"context"
	"errors"
	"fmt"
	"sync/atomic"
	"time"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/client-go/tools/record"
	"k8s.io/klog/v2"
	"k8s.io/utils/clock"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/reconcile"

	"atoll.dev/atoll/pkg/scheduler/binding"
	"atoll.dev/atoll/pkg/scheduler/cycle"
	"atoll.dev/atoll/pkg/scheduler/deschedule"
	"atoll.dev/atoll/pkg/scheduler/parking"
	"atoll.dev/atoll/pkg/scheduler/reservation"
	"atoll.dev/atoll/pkg/scheduler/snapshot"
)

const (
	// maxConflicts is how often in a row a decision is made again because its binding changed meanwhile.
	maxConflicts = 5
	// again is after how long a binding is looked at again when clusters changed while
	// it was decided, or another decision took what it needed.
	again = time.Millisecond
)

// Scheduler places bindings. All its parts are safe for concurrent use.
type Scheduler struct {
	name     string
	cycle    *cycle.Cycle
	clusters *snapshot.Store
	bindings *binding.Store
	parked   *parking.Lot
	retries  *retries
	applier  applier
	// alarm is raised by what happens to clusters.
	alarm *alarm
	// claims keep parallel decisions from taking the same room twice; nil if no estimator holds any.
	claims *reservation.Book
	writer client.Client
	// reader reads from the API server, not from a cache.
	reader client.Reader
	events record.EventRecorder
	stuck  deschedule.Options
	// asked is what members answered about pods that are stuck.
	asked *deschedule.Asked
	clock clock.PassiveClock
	// trace is set for decisions that are made for an explanation only.
	trace bool
	// passes counts how often it was looked through who is concerned by changes. Offers of room
	// are so many that they do not count as a Generation: who is decided meanwhile goes by this.
	passes atomic.Int64
}

// Reconcile looks at one binding and places it if that is due.
func (s *Scheduler) Reconcile(ctx context.Context, key binding.Key) (reconcile.Result, error) {
	ctx = klog.NewContext(ctx, klog.FromContext(ctx).WithValues("binding", key))
	var (
		result reconcile.Result
		err    error
	)
	for range maxConflicts {
		result, err = s.schedule(ctx, key)
		if !apierrors.IsConflict(err) {
			break
		}
		if err := s.refresh(ctx, key); err != nil {
			return reconcile.Result{}, err
		}
	}
	if apierrors.IsNotFound(err) || apierrors.HasStatusCause(err, corev1.NamespaceTerminatingCause) {
		return reconcile.Result{}, nil // deleted meanwhile, or about to be: the watch will tell
	}
	return result, err
}

// schedule is one decision.
func (s *Scheduler) schedule(ctx context.Context, key binding.Key) (reconcile.Result, error) {
	log := klog.FromContext(ctx)

	// 1. Is it ours to place?
	b := s.bindings.Get(key)
	if b == nil || !s.responsible(b) {
		s.parked.Leave(key)
		return reconcile.Result{}, nil
	}

	// 2. Is a decision due?
	passes := s.passes.Load()
	clusters := s.clusters.Snapshot()
	question, look, err := s.examine(b, clusters)
	if err != nil {
		return reconcile.Result{}, err
	}
	if question.cause == "" {
		s.parked.Leave(key)
		return reconcile.Result{RequeueAfter: look}, s.confirm(ctx, b)
	}

	// 3. Decide.
	question, decision, failure := s.decide(ctx, b, question, clusters)
	log.V(4).Info("Decided", "cause", question.cause, "clusters", decision.Clusters, "group", decision.AffinityName,
		"refused", len(decision.Refused), "failure", failure)
	if errors.Is(failure, errNowhere) { // what is stuck stays until there is room for it
		s.parked.Park(key, snapshot.Any)
		if s.passes.Load() != passes { // as in step 7
			look = again
		}
		return reconcile.Result{RequeueAfter: look}, s.confirm(ctx, b)
	}

	// 4. Claim what others that decide at this moment must not take too.
	release := func(bool) {}
	if failure == nil {
		var ok bool
		if release, ok = s.cycle.Reserve(ctx, decision); !ok {
			return reconcile.Result{RequeueAfter: again}, nil
		}
	}

	// 5. Write the decision down, then what became of it.
	err = s.commit(ctx, b, question, decision, failure)
	if err != nil && !apierrors.IsConflict(err) && !apierrors.IsNotFound(err) {
		_ = s.refresh(ctx, key) // it may be written all the same: to be known before the claim is given back
	}
	release(err == nil)
	if err != nil {
		return reconcile.Result{}, err
	}

	// 6. What cannot be placed waits for a cluster to change.
	if failure != nil {
		s.parked.Park(key, cycle.Wakes(failure))
	} else if s.parked.Leave(key) {
		s.retries.placed()
	}

	// 7. Whoever told of a cluster that changed since step 2 did not know of this decision yet.
	if s.clusters.Generation() != clusters.Generation || s.passes.Load() != passes {
		return reconcile.Result{RequeueAfter: again}, nil
	}
	return reconcile.Result{RequeueAfter: look}, nil
}

// examine finds out whether a decision is due, and in how long replicas that are stuck
// may make one due although nothing changes, 0 if there are none.
func (s *Scheduler) examine(b *binding.Binding, clusters *snapshot.Snapshot) (question, time.Duration, error) {
	q, err := ask(b, clusters)
	if err != nil || !deschedule.Concerns(b.Spec) {
		return q, 0, err
	}
	now := s.clock.Now()
	if !q.fresh { // who asks for a fresh decision has mended the clusters, or wants to know
		q.limits = deschedule.LimitsOf(b.Object.GetAnnotations(), now)
	}
	stuck, next := s.stuck.Examine(b, clusters, s.asked, now)
	if q.cause == "" && len(stuck) > 0 {
		q.cause, q.stuck, q.dwell = stuckReplicas, stuck, s.stuck.Dwell
		next = deschedule.Earliest(next, q.limits.NextEnd()) // by then a cluster may be tried again
	}
	var look time.Duration
	if !next.IsZero() {
		look = max(next.Sub(now), again)
	}
	return q, look, nil
}

// refresh reads the binding again, past the watch that has yet to deliver what the conflict was about.
func (s *Scheduler) refresh(ctx context.Context, key binding.Key) error {
	b := binding.New(key)
	if err := s.reader.Get(ctx, client.ObjectKey(key), b.Object); err != nil {
		if apierrors.IsNotFound(err) {
			return nil
		}
		return fmt.Errorf("reading binding %s again after a conflict: %w", key, err)
	}
	s.bindings.Assume(b.Object)
	return nil
}
