package scheduler

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"

	"k8s.io/apimachinery/pkg/api/meta"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"atoll.dev/atoll/apis/scheduling/decision"
	"atoll.dev/atoll/pkg/scheduler/binding"
)

// fields is a part of a JSON object.
type fields map[string]any

// writeByPatches writes a decision as any scheduler can: first the placement, then the
// status, each based on the version that was read. A scheduler that dies between the
// two finds the status missing and completes it.
func (s *Scheduler) writeByPatches(ctx context.Context, b *binding.Binding, d *decision.Decision) error {
	b, err := s.patchSpec(ctx, b, d)
	if err != nil {
		return fmt.Errorf("writing the clusters of binding %s: %w", binding.KeyOf(b.Object), err)
	}
	if err := s.patchStatus(ctx, b, d); err != nil {
		return fmt.Errorf("writing the status of binding %s: %w", binding.KeyOf(b.Object), err)
	}
	return nil
}

// patchSpec returns the binding as it is then, and also with an error as it was.
func (s *Scheduler) patchSpec(ctx context.Context, b *binding.Binding, d *decision.Decision) (*binding.Binding, error) {
	metadata := fields{"resourceVersion": b.Object.GetResourceVersion()}
	patch := fields{"metadata": metadata}
	if len(d.Annotations) > 0 {
		metadata["annotations"] = d.Annotations
	}
	if d.Placement != nil {
		clusters := d.Placement.Clusters
		if len(clusters) == 0 {
			clusters = nil
		}
		patch["spec"] = fields{"clusters": clusters}
	}
	if len(d.Annotations) == 0 && d.Placement == nil {
		return b, nil
	}
	written, err := s.patch(b, patch, func(o client.Object, p client.Patch) error { return s.writer.Patch(ctx, o, p) })
	if err != nil {
		return b, err
	}
	return written, nil
}

func (s *Scheduler) patchStatus(ctx context.Context, b *binding.Binding, d *decision.Decision) error {
	status := fields{}
	if d.Condition != nil {
		conditions := slices.Clone(b.Status.Conditions)
		meta.SetStatusCondition(&conditions, *d.Condition)
		status["conditions"] = conditions
	}
	if d.Observed {
		status["schedulerObservedGeneration"] = b.Object.GetGeneration()
	}
	if d.AffinityName != "" {
		status["schedulerObservingAffinityName"] = d.AffinityName
	}
	if d.ScheduledTime != nil {
		status["lastScheduledTime"] = d.ScheduledTime
	}
	if len(status) == 0 {
		return nil
	}
	patch := fields{"metadata": fields{"resourceVersion": b.Object.GetResourceVersion()}, "status": status}
	_, err := s.patch(b, patch, func(o client.Object, p client.Patch) error { return s.writer.Status().Patch(ctx, o, p) })
	return err
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
