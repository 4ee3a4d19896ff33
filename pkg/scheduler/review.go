package scheduler

import (
	"context"
	"errors"
	"sync"

	"sigs.k8s.io/controller-runtime/pkg/manager"
	"sigs.k8s.io/controller-runtime/pkg/source"

	policyv1alpha1 "github.com/karmada-io/karmada/pkg/apis/policy/v1alpha1"

	"atoll.dev/atoll/pkg/propagation/interpret/native"
	"atoll.dev/atoll/pkg/scheduler/binding"
	"atoll.dev/atoll/pkg/scheduler/cycle"
	"atoll.dev/atoll/pkg/scheduler/estimator"
	"atoll.dev/atoll/pkg/scheduler/explain"
	"atoll.dev/atoll/pkg/scheduler/framework"
	"atoll.dev/atoll/pkg/scheduler/reservation"
	"atoll.dev/atoll/pkg/scheduler/review"
	"atoll.dev/atoll/pkg/scheduler/snapshot"
)

// reviewed lets package review see the scheduler.
type reviewed struct {
	*Scheduler
	// synced are closed once each source has delivered what was there at the start.
	synced []<-chan struct{}
}

var _ review.Scheduler = reviewed{}

// reviewed has the sources tell when they have delivered what was there at the start.
func (s *Scheduler) reviewed(sources []source.TypedSource[binding.Key]) reviewed {
	r := reviewed{Scheduler: s}
	for i, src := range sources {
		if syncing, ok := src.(source.TypedSyncingSource[binding.Key]); ok {
			signalled := signal(syncing)
			sources[i], r.synced = signalled, append(r.synced, signalled.synced)
		}
	}
	return r
}

// setup has the manager answer reviews: by one scheduler for all, and of a plane without reviews by none.
func (r reviewed) setup(ctx context.Context, mgr manager.Manager) error {
	if r.name != DefaultName || !mgr.GetScheme().Recognizes(review.Kind) {
		return nil
	}
	return review.Setup(ctx, mgr, review.Options{Scheduler: r, Interpreter: native.New(r.clock), Clock: r.clock})
}

// Known implements review.Scheduler.
func (r reviewed) Known(ctx context.Context) error {
	for _, synced := range r.synced {
		select {
		case <-synced:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	return nil
}

// Snapshot implements review.Scheduler.
func (r reviewed) Snapshot() *snapshot.Snapshot { return r.clusters.Snapshot() }

// Binding implements review.Scheduler.
func (r reviewed) Binding(key binding.Key) *binding.Binding { return r.bindings.Get(key) }

// Decide implements review.Scheduler.
func (r reviewed) Decide(ctx context.Context, b *binding.Binding, clusters *snapshot.Snapshot) (explain.Decision, string) {
	q, _, err := r.examine(b, clusters)
	if err != nil { // a placement that was decoded can be encoded
		return explain.Decision{Failure: err, Now: b.Spec.Clusters}, ""
	}
	tracing := r.tracing(r.cycle)
	q, result, failure := tracing.decide(ctx, b, q, clusters)
	if errors.Is(failure, errNowhere) { // what is stuck stays where it is
		result.Clusters, failure = b.Spec.Clusters, nil
	}
	due := ""
	if q.cause != "" && (q.cause != followsClusters || failure != nil || !sameTargets(b.Spec.Clusters, result.Clusters)) {
		due = because(b, q, result, result.Clusters)
	}
	d := explain.Decision{
		Result: result, Failure: failure, Answers: tracing.cycle.Limits(ctx, result), Interests: tracing.cycle.Interests(), Now: b.Spec.Clusters,
	}
	if failure == nil && explain.Redivides(result) {
		if afresh, failure := tracing.place(ctx, b, b.Spec, nil, true, clusters); failure == nil {
			d.Afresh = &afresh
		}
	}
	return d, due
}

// tracing returns a scheduler that decides as s does, with this cycle and for an
// explanation. It has nothing to write with.
func (s *Scheduler) tracing(c *cycle.Cycle) *Scheduler {
	return &Scheduler{name: s.name, cycle: c, clusters: s.clusters, bindings: s.bindings, stuck: s.stuck, asked: s.asked, clock: s.clock, trace: true}
}

// Suppose implements review.Scheduler.
func (r reviewed) Suppose() func(context.Context, *binding.Binding, *snapshot.Snapshot) explain.Decision {
	var (
		estimators []estimator.Estimator
		claims     []framework.ReservePlugin
	)
	for _, e := range r.cycle.Estimators() {
		if members, ok := e.(*estimator.Members); ok {
			fork := members.Fork()
			e, claims = fork, append(claims, reservation.New(fork, r.clock, nil))
		}
		estimators = append(estimators, e)
	}
	supposing := r.tracing(r.cycle.Supposing(estimators, claims...))
	return func(ctx context.Context, b *binding.Binding, clusters *snapshot.Snapshot) explain.Decision {
		decision, _ := reviewed{Scheduler: supposing}.Decide(ctx, b, clusters)
		if decision.Failure == nil {
			if release, ok := supposing.cycle.Reserve(ctx, decision.Result); ok {
				release(true)
			}
		}
		return decision
	}
}

// Leaves implements review.Scheduler.
func (r reviewed) Leaves(b *binding.Binding) string {
	if r.responsible(b) {
		return ""
	}
	labels := b.Object.GetLabels()
	switch {
	case !b.Object.GetDeletionTimestamp().IsZero():
		return "the binding is being deleted"
	case b.Spec.SchedulingSuspended():
		return "scheduling is suspended: see spec.suspension of the binding"
	case b.Spec.SchedulerName != "" && b.Spec.SchedulerName != r.name:
		return "it is left to scheduler " + b.Spec.SchedulerName + ", which its policy names"
	case b.Spec.Placement == nil:
		return "it follows the bindings that depend on it: see spec.requiredBy of the binding"
	case labels[policyv1alpha1.PropagationPolicyPermanentIDLabel] == "" && labels[policyv1alpha1.ClusterPropagationPolicyPermanentIDLabel] == "":
		return "its policy is gone: it keeps the clusters that it has"
	}
	return "the scheduler is not responsible for it"
}

// signalling closes synced once the source has delivered what was there at the start.
type signalling struct {
	source.TypedSyncingSource[binding.Key]
	once   *sync.Once
	synced chan struct{}
}

func signal(s source.TypedSyncingSource[binding.Key]) signalling {
	return signalling{s, &sync.Once{}, make(chan struct{})}
}

// WaitForSync implements source.TypedSyncingSource.
func (s signalling) WaitForSync(ctx context.Context) error {
	err := s.TypedSyncingSource.WaitForSync(ctx)
	if err == nil && ctx.Err() == nil {
		s.once.Do(func() { close(s.synced) })
	}
	return err
}
