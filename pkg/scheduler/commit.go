package scheduler

import (
	"context"
	"slices"
	"time"

	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	workv1alpha2 "github.com/karmada-io/karmada/pkg/apis/work/v1alpha2"

	"atoll.dev/atoll/apis/scheduling/decision"
	"atoll.dev/atoll/pkg/scheduler/binding"
	"atoll.dev/atoll/pkg/scheduler/cycle"
)

// commit writes a decision and its outcome into the binding, as far as they say
// something new, and then tells of it.
func (s *Scheduler) commit(ctx context.Context, b *binding.Binding, q question, result cycle.Result, failure error) error {
	d := &decision.Decision{}
	if decides(failure) {
		var clusters []workv1alpha2.TargetCluster
		if failure == nil {
			clusters = result.Clusters
		}
		if !sameTargets(b.Spec.Clusters, clusters) {
			d.Placement = &decision.Placement{Clusters: clusters}
		}
		d.Annotations = s.noted(b, q, result, clusters)
	}
	told := s.tell(d, b, q, result, failure)
	if d.Placement == nil && len(d.Annotations) == 0 && !told {
		return nil
	}
	if err := s.write(ctx, b, d); err != nil {
		return err
	}
	if d.Placement != nil || told {
		s.announce(b, result.Clusters, failure)
	}
	return nil
}

// confirm records that nothing is due for the binding as it is.
func (s *Scheduler) confirm(ctx context.Context, b *binding.Binding) error {
	if b.Status.SchedulerObservedGeneration == b.Object.GetGeneration() {
		return nil
	}
	return s.write(ctx, b, &decision.Decision{Observed: true})
}

// tell says in d what the status has to say, and returns whether that is anything
// new. A failure leaves the observed generation behind: the binding as it is has not
// been placed.
func (s *Scheduler) tell(d *decision.Decision, b *binding.Binding, q question, result cycle.Result, failure error) (told bool) {
	now := metav1.NewTime(s.clock.Now()).Rfc3339Copy() // as precise as it is stored
	scheduled := condition(failure)
	scheduled.LastTransitionTime = now
	if conditions := slices.Clone(b.Status.Conditions); meta.SetStatusCondition(&conditions, scheduled) {
		d.Condition, told = &scheduled, true
	}
	if failure != nil {
		return told
	}
	if d.Placement != nil || b.Status.SchedulerObservedGeneration != b.Object.GetGeneration() {
		d.Observed, told = true, true
	}
	// Without groups the name of the last group stays, as Karmada leaves it.
	if result.AffinityName != "" && b.Status.SchedulerObservedAffinityName != result.AffinityName {
		d.AffinityName, told = result.AffinityName, true
	}
	if told || q.fresh {
		if t := b.Spec.RescheduleTriggeredAt; t != nil && t.Unix() >= now.Unix() { // just now, or by a clock ahead of ours: done all the same
			now = metav1.NewTime(t.Add(time.Second))
		}
		d.ScheduledTime, told = &now, true
	}
	return told
}

// sameTargets tells whether two assignments are the same but for their order.
func sameTargets(a, b []workv1alpha2.TargetCluster) bool {
	if len(a) != len(b) {
		return false
	}
	replicas := make(map[string]int32, len(a))
	for _, target := range a {
		replicas[target.Name] = target.Replicas
	}
	for _, target := range b {
		if n, ok := replicas[target.Name]; !ok || n != target.Replicas {
			return false
		}
	}
	return len(replicas) == len(b)
}
