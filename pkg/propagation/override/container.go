package override

import (
	"fmt"
	"slices"

	policyv1alpha1 "github.com/karmada-io/karmada/pkg/apis/policy/v1alpha1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/util/sets"
)

// containerPaths are where the kinds that Karmada overrides by themselves have their containers.
var containerPaths = map[schema.GroupKind][]string{
	{Kind: "Pod"}:                        {"spec", "containers"},
	{Group: "apps", Kind: "ReplicaSet"}:  {"spec", "template", "spec", "containers"},
	{Group: "apps", Kind: "Deployment"}:  {"spec", "template", "spec", "containers"},
	{Group: "apps", Kind: "DaemonSet"}:   {"spec", "template", "spec", "containers"},
	{Group: "apps", Kind: "StatefulSet"}: {"spec", "template", "spec", "containers"},
	{Group: "batch", Kind: "Job"}:        {"spec", "template", "spec", "containers"},
}

// changeContainers has f change each container of a manifest. A kind without known containers is left as it is.
func changeContainers(manifest *unstructured.Unstructured, f func(container map[string]any) error) error {
	path, ok := containerPaths[manifest.GroupVersionKind().GroupKind()]
	if !ok {
		return nil
	}
	field, _, err := unstructured.NestedFieldNoCopy(manifest.Object, path...)
	if err != nil {
		return fmt.Errorf("reading the containers: %w", err)
	}
	containers, _ := field.([]any)
	for i := range containers {
		container, ok := containers[i].(map[string]any)
		if !ok {
			return fmt.Errorf("container %d is no object", i)
		}
		if err := f(container); err != nil {
			return fmt.Errorf("container %v: %w", container["name"], err)
		}
	}
	return nil
}

// overrideStrings changes the command or args of the container that the overrider names.
func overrideStrings(manifest *unstructured.Unstructured, field string, o *policyv1alpha1.CommandArgsOverrider) error {
	return changeContainers(manifest, func(container map[string]any) error {
		if container["name"] != o.ContainerName {
			return nil
		}
		values, _, err := unstructured.NestedStringSlice(container, field)
		if err != nil {
			return fmt.Errorf("reading %s: %w", field, err)
		}
		switch o.Operator {
		case policyv1alpha1.OverriderOpAdd:
			values = append(values, o.Value...)
		case policyv1alpha1.OverriderOpRemove:
			values = slices.DeleteFunc(values, sets.New(o.Value...).Has)
		}
		if len(values) == 0 {
			unstructured.RemoveNestedField(container, field)
			return nil
		}
		return unstructured.SetNestedStringSlice(container, values, field)
	})
}
