package interpret

import (
	"context"
	"testing"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
)

type fixed Hooks

func (f fixed) Hooks(schema.GroupVersionKind) Hooks { return Hooks(f) }

func healthy(answer bool) func(context.Context, *unstructured.Unstructured) (bool, error) {
	return func(context.Context, *unstructured.Unstructured) (bool, error) { return answer, nil }
}

func revise(name string) func(context.Context, *unstructured.Unstructured, int64) (*unstructured.Unstructured, error) {
	return func(_ context.Context, u *unstructured.Unstructured, _ int64) (*unstructured.Unstructured, error) {
		u.SetName(name)
		return u, nil
	}
}

func TestFirstInChainAnswers(t *testing.T) {
	hooks := Chain{fixed{Healthy: healthy(true)}, fixed{Healthy: healthy(false), ReviseReplicas: revise("second")}, fixed{ReviseReplicas: revise("third")}}.Hooks(schema.GroupVersionKind{})
	if ok, _ := hooks.Healthy(t.Context(), nil); !ok {
		t.Error("the second interpreter's health counts, want the first's")
	}
	u, _ := hooks.ReviseReplicas(t.Context(), &unstructured.Unstructured{Object: map[string]any{}}, 1)
	if u.GetName() != "second" {
		t.Errorf("%q revises, want the second, the first to know how", u.GetName())
	}
	if hooks.Retain != nil {
		t.Error("there is a hook that nobody knows")
	}
}
