package scheduler

import (
	"context"
	"errors"
	"slices"

	"k8s.io/apimachinery/pkg/util/wait"

	policyv1alpha1 "github.com/karmada-io/karmada/pkg/apis/policy/v1alpha1"
	workv1alpha2 "github.com/karmada-io/karmada/pkg/apis/work/v1alpha2"

	"atoll.dev/atoll/pkg/scheduler/binding"
	"atoll.dev/atoll/pkg/scheduler/cycle"
	"atoll.dev/atoll/pkg/scheduler/deschedule"
	"atoll.dev/atoll/pkg/scheduler/framework"
	"atoll.dev/atoll/pkg/scheduler/snapshot"
)

// errNowhere says that no other cluster has room for a replica that is stuck.
var errNowhere = errors.New("no other cluster has room for the replicas that could not be scheduled")

// decide makes the decision that a question asks for. The question that it returns
// holds the limits that the decision set and the replicas that it took off.
func (s *Scheduler) decide(ctx context.Context, b *binding.Binding, q question, clusters *snapshot.Snapshot) (question, cycle.Result, error) {
	if q.cause == stuckReplicas {
		return s.relocate(ctx, b, q, clusters)
	}
	if len(q.limits) > 0 && !q.fresh {
		decision, failure := s.place(ctx, b, inUse(b), q.limits, false, clusters)
		if failure == nil {
			return q, decision, nil
		}
		// A limit is worth neither a failure nor falling back to another cluster group.
	}
	decision, failure := s.place(ctx, b, b.Spec, nil, q.fresh, clusters)
	return q, decision, failure
}

func (s *Scheduler) place(ctx context.Context, b *binding.Binding, spec *workv1alpha2.ResourceBindingSpec, limits deschedule.Limits, fresh bool, clusters *snapshot.Snapshot) (cycle.Result, error) {
	return s.cycle.Place(ctx, framework.Question{
		Binding: binding.KeyOf(b.Object), Annotations: b.Object.GetAnnotations(), Spec: spec, Peers: s.bindings.Peers(),
		Group: b.Status.SchedulerObservedAffinityName, Fresh: fresh, Limits: limits.AtMost(), Trace: s.trace,
	}, clusters)
}

// relocate places replicas that are stuck elsewhere: all of them, or as many as other
// clusters have room for. It fails rather than take off a replica that has no other
// place, or touch one that is not stuck.
func (s *Scheduler) relocate(ctx context.Context, b *binding.Binding, q question, clusters *snapshot.Snapshot) (question, cycle.Result, error) {
	var decision cycle.Result
	for range 2 { // all that are stuck, then what the first attempt found room for
		var failure error
		limits := q.limits.With(q.stuck, s.clock.Now(), s.stuck.Avoid)
		decision, failure = s.place(ctx, b, inUse(b), limits, false, clusters)
		if failure == nil && onlyMoves(b.Spec.Clusters, decision.Clusters, q.stuck) {
			q.limits = limits
			return q, decision, nil
		}
		room := min(roomOutside(decision.Candidates, limits), deschedule.Total(q.stuck)-1)
		if q.stuck = deschedule.Fewer(q.stuck, room); len(q.stuck) == 0 {
			break
		}
	}
	return q, decision, errNowhere
}

// askMembers asks members for replicas that are stuck, again and again until the
// context ends, and queues the bindings that have some.
func (s *Scheduler) askMembers(ctx context.Context, asker deschedule.Asker, q queue) {
	wait.UntilWithContext(ctx, func(ctx context.Context) {
		var ours []*binding.Binding
		for _, b := range s.bindings.All() {
			if s.responsible(b) {
				ours = append(ours, b)
			}
		}
		s.asked.Round(ctx, asker, s.stuck, ours, s.clusters.Snapshot(), func(key binding.Key) { q.Add(key) })
	}, deschedule.AskEvery)
}

// inUse returns the spec with no cluster group to fall back to: that a few replicas
// are stuck is no reason to move all of them.
func inUse(b *binding.Binding) *workv1alpha2.ResourceBindingSpec {
	groups := b.Spec.Placement.ClusterAffinities
	if len(groups) < 2 {
		return b.Spec
	}
	spec, placement := *b.Spec, *b.Spec.Placement
	placement.ClusterAffinities = []policyv1alpha1.ClusterAffinityTerm{groups[cycle.ObservedGroup(groups, b.Status.SchedulerObservedAffinityName)]}
	spec.Placement = &placement
	return &spec
}

// onlyMoves tells whether an assignment differs from the one before by just the
// replicas that are stuck, all of them being placed elsewhere.
func onlyMoves(before, after []workv1alpha2.TargetCluster, stuck []deschedule.Finding) bool {
	var sum int64
	now := make(map[string]int32, len(after))
	for _, t := range after {
		now[t.Name] = t.Replicas
		sum += int64(t.Replicas)
	}
	for _, t := range before {
		sum -= int64(t.Replicas)
		i := slices.IndexFunc(stuck, func(f deschedule.Finding) bool { return f.Cluster == t.Name })
		if i >= 0 {
			if now[t.Name] != t.Replicas-stuck[i].Stuck {
				return false
			}
		} else if now[t.Name] < t.Replicas {
			return false
		}
	}
	return sum == 0
}

// roomOutside returns how many more replicas the candidates without a limit can take.
func roomOutside(candidates []cycle.Candidate, limits deschedule.Limits) (room int64) {
	for i := range candidates {
		if _, limited := limits[candidates[i].Name]; !limited {
			room += int64(candidates[i].Room)
		}
	}
	return room
}
