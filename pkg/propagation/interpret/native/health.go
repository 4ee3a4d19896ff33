package native

import (
	"context"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
)

func statusInt(obj *unstructured.Unstructured, field string) int64 {
	n, _, _ := unstructured.NestedInt64(obj.Object, "status", field)
	return n
}

func observed(obj *unstructured.Unstructured) bool {
	return statusInt(obj, observedGenerationField) == obj.GetGeneration()
}

// rolloutHealthy: the generation is observed, the given count has reached the wanted replicas, and
// all updated replicas are available.
func rolloutHealthy(reached string) func(context.Context, *unstructured.Unstructured) (bool, error) {
	return func(_ context.Context, obj *unstructured.Unstructured) (bool, error) {
		return observed(obj) && statusInt(obj, reached) >= specInt(obj, "replicas") &&
			statusInt(obj, "availableReplicas") >= statusInt(obj, reached), nil
	}
}

func daemonSetHealthy(_ context.Context, obj *unstructured.Unstructured) (bool, error) {
	updated := statusInt(obj, "updatedNumberScheduled")
	return observed(obj) && updated >= statusInt(obj, "desiredNumberScheduled") && statusInt(obj, "numberAvailable") >= updated, nil
}

func serviceHealthy(ctx context.Context, obj *unstructured.Unstructured) (bool, error) {
	if !isLoadBalancer(obj) {
		return true, nil
	}
	return loadBalancerHealthy(ctx, obj)
}

// loadBalancerHealthy: there is an address.
func loadBalancerHealthy(_ context.Context, obj *unstructured.Unstructured) (bool, error) {
	ingresses, _, err := unstructured.NestedSlice(obj.Object, "status", "loadBalancer", "ingress")
	for _, i := range ingresses {
		ingress, _ := i.(map[string]any)
		if hostname, _ := ingress["hostname"].(string); hostname != "" {
			return true, nil
		}
		if ip, _ := ingress["ip"].(string); ip != "" {
			return true, nil
		}
	}
	return false, err
}

func claimHealthy(_ context.Context, obj *unstructured.Unstructured) (bool, error) {
	phase, _, err := unstructured.NestedString(obj.Object, "status", "phase")
	return phase == string(corev1.ClaimBound), err
}

// podHealthy: it succeeded, or runs and is ready.
func podHealthy(_ context.Context, obj *unstructured.Unstructured) (bool, error) {
	var status corev1.PodStatus
	if err := statusOf(obj, &status); err != nil {
		return false, err
	}
	if status.Phase == corev1.PodSucceeded {
		return true, nil
	}
	for _, c := range status.Conditions {
		if c.Type == corev1.PodReady {
			return status.Phase == corev1.PodRunning && c.Status == corev1.ConditionTrue, nil
		}
	}
	return false, nil
}

func disruptionBudgetHealthy(_ context.Context, obj *unstructured.Unstructured) (bool, error) {
	return statusInt(obj, "currentHealthy") >= statusInt(obj, "desiredHealthy"), nil
}
