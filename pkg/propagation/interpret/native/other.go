package native

import (
	"context"

	workv1alpha2 "github.com/karmada-io/karmada/pkg/apis/work/v1alpha2"
	autoscalingv2 "k8s.io/api/autoscaling/v2"
	corev1 "k8s.io/api/core/v1"
	policyv1 "k8s.io/api/policy/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/util/sets"
)

// worst returns the first of the phases, given from bad to good, that some cluster is in. A
// cluster that has not reported counts as unreported.
func worst[P ~string](items []workv1alpha2.AggregatedStatusItem, seen sets.Set[P], unreported P, phases ...P) P {
	for _, item := range items {
		if item.Status == nil {
			seen.Insert(unreported)
		}
	}
	for _, phase := range phases {
		if seen.Has(phase) {
			return phase
		}
	}
	return ""
}

// aggregatePod takes the worst phase and lists the containers of all clusters.
func aggregatePod(_ context.Context, template *unstructured.Unstructured, items []workv1alpha2.AggregatedStatusItem) (map[string]any, error) {
	var status corev1.PodStatus
	if len(items) == 0 {
		return with(template, &status)
	}
	members, err := memberStatuses[corev1.PodStatus](items)
	if err != nil {
		return nil, err
	}
	seen := sets.New[corev1.PodPhase]()
	brief := func(all []corev1.ContainerStatus) (briefs []corev1.ContainerStatus) {
		for _, c := range all {
			briefs = append(briefs, corev1.ContainerStatus{Ready: c.Ready, State: c.State})
		}
		return briefs
	}
	for _, m := range members {
		seen.Insert(m.status.Phase)
		status.ContainerStatuses = append(status.ContainerStatuses, brief(m.status.ContainerStatuses)...)
		status.InitContainerStatuses = append(status.InitContainerStatuses, brief(m.status.InitContainerStatuses)...)
	}
	status.Phase = worst(items, seen, corev1.PodPending, corev1.PodFailed, corev1.PodPending, corev1.PodRunning, corev1.PodSucceeded)
	return with(template, &status, "phase", "containerStatuses", "initContainerStatuses")
}

func aggregateVolume(_ context.Context, template *unstructured.Unstructured, items []workv1alpha2.AggregatedStatusItem) (map[string]any, error) {
	members, err := memberStatuses[corev1.PersistentVolumeStatus](items)
	if err != nil {
		return nil, err
	}
	seen := sets.New[corev1.PersistentVolumePhase]()
	for _, m := range members {
		seen.Insert(m.status.Phase)
	}
	status := corev1.PersistentVolumeStatus{Phase: worst(items, seen, corev1.VolumePending,
		corev1.VolumeFailed, corev1.VolumePending, corev1.VolumeAvailable, corev1.VolumeBound, corev1.VolumeReleased)}
	return with(template, &status, "phase")
}

// aggregateClaim is Lost if one is, else any phase that is not Bound, else Bound. Karmada says Bound
// as long as nobody has said anything; here a cluster that has not reported counts as Pending, as
// with Pods and volumes.
func aggregateClaim(_ context.Context, template *unstructured.Unstructured, items []workv1alpha2.AggregatedStatusItem) (map[string]any, error) {
	members, err := memberStatuses[corev1.PersistentVolumeClaimStatus](items)
	if err != nil {
		return nil, err
	}
	status := corev1.PersistentVolumeClaimStatus{Phase: corev1.ClaimBound}
	if len(members) < len(items) {
		status.Phase = corev1.ClaimPending
	}
	for _, m := range members {
		if m.status.Phase == corev1.ClaimLost {
			status.Phase = corev1.ClaimLost
			break
		}
		if m.status.Phase != corev1.ClaimBound {
			status.Phase = m.status.Phase
		}
	}
	return with(template, &status, "phase")
}

func aggregateDisruptionBudget(_ context.Context, template *unstructured.Unstructured, items []workv1alpha2.AggregatedStatusItem) (map[string]any, error) {
	members, err := memberStatuses[policyv1.PodDisruptionBudgetStatus](items)
	if err != nil {
		return nil, err
	}
	status := policyv1.PodDisruptionBudgetStatus{DisruptedPods: map[string]metav1.Time{}}
	for _, m := range members {
		status.CurrentHealthy += m.status.CurrentHealthy
		status.DesiredHealthy += m.status.DesiredHealthy
		status.ExpectedPods += m.status.ExpectedPods
		status.DisruptionsAllowed += m.status.DisruptionsAllowed
		for pod, evicted := range m.status.DisruptedPods {
			status.DisruptedPods[m.cluster+"/"+pod] = evicted
		}
	}
	return with(template, &status, "currentHealthy", "desiredHealthy", "expectedPods", "disruptionsAllowed", "disruptedPods")
}

func aggregateAutoscaler(_ context.Context, template *unstructured.Unstructured, items []workv1alpha2.AggregatedStatusItem) (map[string]any, error) {
	members, err := memberStatuses[autoscalingv2.HorizontalPodAutoscalerStatus](items)
	if err != nil {
		return nil, err
	}
	var status autoscalingv2.HorizontalPodAutoscalerStatus
	for _, m := range members {
		status.CurrentReplicas += m.status.CurrentReplicas
		status.DesiredReplicas += m.status.DesiredReplicas
	}
	return with(template, &status, "currentReplicas", "desiredReplicas")
}
