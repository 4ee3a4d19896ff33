package native

import (
	"context"
	"fmt"

	workv1alpha2 "github.com/karmada-io/karmada/pkg/apis/work/v1alpha2"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/component-helpers/resource"
)

// templateReplicas reads the replicas from a field of the spec and their needs from spec.template.
func templateReplicas(field string) func(context.Context, *unstructured.Unstructured) (int32, *workv1alpha2.ReplicaRequirements, error) {
	return func(_ context.Context, template *unstructured.Unstructured) (int32, *workv1alpha2.ReplicaRequirements, error) {
		requirements, err := requirementsOf(template, "spec", "template", "spec")
		return int32(specInt(template, field)), requirements, err
	}
}

// jobReplicas is the parallelism, but no more than there are completions to reach.
func jobReplicas(ctx context.Context, template *unstructured.Unstructured) (int32, *workv1alpha2.ReplicaRequirements, error) {
	replicas, requirements, err := templateReplicas("parallelism")(ctx, template)
	if completions, ok, _ := unstructured.NestedInt64(template.Object, "spec", "completions"); ok && int64(replicas) > completions {
		replicas = int32(completions)
	}
	return replicas, requirements, err
}

func podReplicas(_ context.Context, template *unstructured.Unstructured) (int32, *workv1alpha2.ReplicaRequirements, error) {
	requirements, err := requirementsOf(template, "spec")
	return 1, requirements, err
}

func setSpec(field string) func(context.Context, *unstructured.Unstructured, int64) (*unstructured.Unstructured, error) {
	return func(_ context.Context, manifest *unstructured.Unstructured, replicas int64) (*unstructured.Unstructured, error) {
		return manifest, unstructured.SetNestedField(manifest.Object, replicas, "spec", field)
	}
}

// requirementsOf derives what one replica needs from a pod spec, nil if it needs nothing in particular.
// As in Karmada, limits stand in for requests that are not given.
func requirementsOf(obj *unstructured.Unstructured, path ...string) (*workv1alpha2.ReplicaRequirements, error) {
	raw, ok, err := unstructured.NestedFieldNoCopy(obj.Object, path...)
	fields, isMap := raw.(map[string]any)
	if err != nil || !ok || !isMap {
		return nil, err
	}
	var spec corev1.PodSpec
	if err := runtime.DefaultUnstructuredConverter.FromUnstructured(fields, &spec); err != nil {
		return nil, fmt.Errorf("reading the pod spec of %s %s/%s: %w", obj.GetKind(), obj.GetNamespace(), obj.GetName(), err)
	}
	return PodRequirements(&spec), nil
}

// PodRequirements derives what one replica needs from a pod spec, nil if it needs nothing in
// particular. Limits become requests in the spec.
func PodRequirements(spec *corev1.PodSpec) *workv1alpha2.ReplicaRequirements {
	requirements := workv1alpha2.ReplicaRequirements{NodeClaim: nodeClaimOf(spec), ResourceRequest: requestOf(spec)}
	if requirements.NodeClaim == nil && requirements.ResourceRequest == nil {
		return nil
	}
	return &requirements
}

func nodeClaimOf(spec *corev1.PodSpec) *workv1alpha2.NodeClaim {
	claim := &workv1alpha2.NodeClaim{NodeSelector: spec.NodeSelector, Tolerations: spec.Tolerations}
	if spec.Affinity != nil && spec.Affinity.NodeAffinity != nil {
		claim.HardNodeAffinity = spec.Affinity.NodeAffinity.RequiredDuringSchedulingIgnoredDuringExecution
	}
	if claim.NodeSelector == nil && claim.HardNodeAffinity == nil && len(claim.Tolerations) == 0 {
		return nil
	}
	return claim
}

func requestOf(spec *corev1.PodSpec) corev1.ResourceList {
	for _, containers := range [][]corev1.Container{spec.Containers, spec.InitContainers} {
		for i := range containers {
			for name, limit := range containers[i].Resources.Limits {
				if _, given := containers[i].Resources.Requests[name]; given {
					continue
				}
				if containers[i].Resources.Requests == nil {
					containers[i].Resources.Requests = corev1.ResourceList{}
				}
				containers[i].Resources.Requests[name] = limit
			}
		}
	}
	request := resource.PodRequests(&corev1.Pod{Spec: *spec}, resource.PodResourcesOptions{})
	for name, quantity := range request {
		if quantity.IsZero() {
			delete(request, name)
		}
	}
	if len(request) == 0 {
		return nil
	}
	return request
}

func specInt(obj *unstructured.Unstructured, field string) int64 {
	n, _, _ := unstructured.NestedInt64(obj.Object, "spec", field)
	return n
}
