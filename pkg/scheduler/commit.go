package scheduler

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"time"

	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"

	workv1alpha2 "github.com/karmada-io/karmada/pkg/apis/work/v1alpha2"

	"atoll.dev/atoll/pkg/scheduler/binding"
	"atoll.dev/atoll/pkg/scheduler/cycle"
)

// fields is a part of a JSON object.
type fields map[string]any

// commit writes a decision into the binding's spec and its outcome into the status,
// each if it says something new, and then tells of it.
func (s *Scheduler) commit(ctx context.Context, b *binding.Binding, q question, decision cycle.Result, failure error) error {
	moved, told := false, false
	var err error
	if decides(failure) {
		var clusters []workv1alpha2.TargetCluster
		if failure == nil {
			clusters = decision.Clusters
		}
		if b, moved, err = s.writeSpec(ctx, b, s.noted(b, q, decision, clusters), clusters); err != nil {
			return err
		}
	}
	if told, err = s.writeStatus(ctx, b, s.outcome(b, q, decision, failure)); err != nil {
		return err
	}
	if moved || told {
		s.announce(b, decision.Clusters, failure)
	}
	return nil
}

// confirm records that nothing is due for the binding as it is.
func (s *Scheduler) confirm(ctx context.Context, b *binding.Binding) error {
	if b.Status.SchedulerObservedGeneration == b.Object.GetGeneration() {
		return nil
	}
	_, err := s.writeStatus(ctx, b, fields{"schedulerObservedGeneration": b.Object.GetGeneration()})
	return err
}

// outcome returns the fields of the status that a decision makes differ. A failure
// leaves the observed generation behind: the binding as it is has not been placed.
func (s *Scheduler) outcome(b *binding.Binding, q question, decision cycle.Result, failure error) fields {
	status := fields{}
	now := metav1.NewTime(s.clock.Now())
	scheduled := condition(failure)
	scheduled.LastTransitionTime = now
	conditions := slices.Clone(b.Status.Conditions)
	if meta.SetStatusCondition(&conditions, scheduled) {
		status["conditions"] = conditions
	}
	if failure != nil {
		return status
	}
	if b.Status.SchedulerObservedGeneration != b.Object.GetGeneration() {
		status["schedulerObservedGeneration"] = b.Object.GetGeneration()
	}
	// Without groups the name of the last group stays, as Karmada leaves it.
	if decision.AffinityName != "" && b.Status.SchedulerObservedAffinityName != decision.AffinityName {
		status["schedulerObservingAffinityName"] = decision.AffinityName
	}
	if len(status) > 0 || q.fresh {
		last := now
		if t := b.Spec.RescheduleTriggeredAt; t != nil && t.Unix() >= last.Unix() { // just now, or by a clock ahead of ours: done all the same
			last = metav1.NewTime(t.Add(time.Second))
		}
		status["lastScheduledTime"] = last
	}
	return status
}

// writeSpec writes where the workload goes, and the annotations that say why. It
// returns the binding as it is then, and whether the clusters differ from before.
func (s *Scheduler) writeSpec(ctx context.Context, b *binding.Binding, annotations map[string]string, clusters []workv1alpha2.TargetCluster) (*binding.Binding, bool, error) {
	metadata := fields{"resourceVersion": b.Object.GetResourceVersion()}
	patch := fields{"metadata": metadata}
	moved := !sameTargets(b.Spec.Clusters, clusters)
	if !moved && len(annotations) == 0 {
		return b, false, nil
	}
	if len(annotations) > 0 {
		metadata["annotations"] = annotations
	}
	if moved {
		if len(clusters) == 0 {
			clusters = nil
		}
		patch["spec"] = fields{"clusters": clusters}
	}
	written, err := s.patch(b, patch, func(o client.Object, p client.Patch) error { return s.writer.Patch(ctx, o, p) })
	if err != nil {
		return nil, false, fmt.Errorf("writing the clusters of binding %s: %w", binding.KeyOf(b.Object), err)
	}
	return written, moved, nil
}

// writeStatus writes fields of the status, and returns whether there were any.
func (s *Scheduler) writeStatus(ctx context.Context, b *binding.Binding, status fields) (bool, error) {
	if len(status) == 0 {
		return false, nil
	}
	patch := fields{"metadata": fields{"resourceVersion": b.Object.GetResourceVersion()}, "status": status}
	_, err := s.patch(b, patch, func(o client.Object, p client.Patch) error { return s.writer.Status().Patch(ctx, o, p) })
	if err != nil {
		return false, fmt.Errorf("writing the status of binding %s: %w", binding.KeyOf(b.Object), err)
	}
	return true, nil
}

// patch sends a merge patch and takes in the answer.
func (s *Scheduler) patch(b *binding.Binding, patch fields, send func(client.Object, client.Patch) error) (*binding.Binding, error) {
	body, err := json.Marshal(patch)
	if err != nil {
		return nil, err
	}
	answer := binding.New(binding.KeyOf(b.Object))
	if err := send(answer.Object, client.RawPatch(types.MergePatchType, body)); err != nil {
		return nil, err
	}
	s.bindings.Assume(answer.Object)
	return answer, nil
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
