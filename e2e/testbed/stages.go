package testbed

import (
	_ "embed"
	"fmt"
	"strings"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	nodefast "sigs.k8s.io/kwok/kustomize/stage/node/fast"
	nodeheartbeat "sigs.k8s.io/kwok/kustomize/stage/node/heartbeat-with-lease"
	podfast "sigs.k8s.io/kwok/kustomize/stage/pod/fast"
	"sigs.k8s.io/yaml"
)

// FakeImagePrefix starts the image names of pods that never become ready.
const FakeImagePrefix = "fake/"

// podUnready keeps a pod with such an image waiting for it, as a kubelet that
// cannot pull it does.
//
//go:embed pod-unready.yaml
var podUnready string

// stages returns KWOK's configuration: its own stages for nodes with leases and
// for pods that turn ready, complete (of Jobs) and go at once, and podUnready.
func stages() (string, error) {
	podReady, err := withoutFakeImages(podfast.DefaultPodReady)
	if err != nil {
		return "", err
	}
	return strings.Join([]string{
		nodefast.DefaultNodeInit, nodeheartbeat.DefaultNodeHeartbeatWithLease,
		podReady, podfast.DefaultPodComplete, podfast.DefaultPodDelete, podUnready,
	}, "\n---\n"), nil
}

// withoutFakeImages narrows a stage for pods to those with real image names.
func withoutFakeImages(stage string) (string, error) {
	object := &unstructured.Unstructured{}
	if err := yaml.Unmarshal([]byte(stage), &object.Object); err != nil {
		return "", fmt.Errorf("reading KWOK's stage: %w", err)
	}
	path := []string{"spec", "selector", "matchExpressions"}
	expressions, _, err := unstructured.NestedSlice(object.Object, path...)
	if err != nil {
		return "", fmt.Errorf("KWOK's stage %s: %w", object.GetName(), err)
	}
	expressions = append(expressions, map[string]any{
		"key":      fmt.Sprintf(".spec.containers.[].image | startswith(%q)", FakeImagePrefix),
		"operator": "NotIn",
		"values":   []any{"true"},
	})
	if err := unstructured.SetNestedSlice(object.Object, expressions, path...); err != nil {
		return "", fmt.Errorf("KWOK's stage %s: %w", object.GetName(), err)
	}
	data, err := yaml.Marshal(object.Object)
	return string(data), err
}
