package declarative

import (
	"testing"

	configv1alpha1 "github.com/karmada-io/karmada/pkg/apis/config/v1alpha1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"

	"atoll.dev/atoll/pkg/propagation/interpret/lua"
)

func health(name, kind, answer string, generation int64) *configv1alpha1.ResourceInterpreterCustomization {
	c := &configv1alpha1.ResourceInterpreterCustomization{}
	c.Name, c.Generation = name, generation
	c.Spec.Target = configv1alpha1.CustomizationTarget{APIVersion: "example.test/v1", Kind: kind}
	c.Spec.Customizations.HealthInterpretation = &configv1alpha1.HealthInterpretation{LuaScript: "function InterpretHealth(o) return " + answer + " end"}
	return c
}

func TestChanges(t *testing.T) {
	kind := func(name string) schema.GroupVersionKind {
		return schema.GroupVersionKind{Group: "example.test", Version: "v1", Kind: name}
	}
	var told []string
	i := New(lua.NewEngine(lua.Options{}), func(concerned func(schema.GroupVersionKind) bool) {
		for _, name := range []string{"A", "B", "C"} {
			if concerned(kind(name)) {
				told = append(told, name)
			}
		}
	})
	says := func(name string, want string) {
		t.Helper()
		h := i.Hooks(kind(name)).Healthy
		got := "nothing"
		if h != nil {
			ok, err := h(t.Context(), &unstructured.Unstructured{Object: map[string]any{}})
			if err != nil {
				t.Fatal(err)
			}
			got = map[bool]string{true: "true", false: "false"}[ok]
		}
		if got != want {
			t.Errorf("of %s it says %s, want %s", name, got, want)
		}
	}
	heard := func(want ...string) {
		t.Helper()
		if len(told) != len(want) {
			t.Fatalf("told are %v, want %v", told, want)
		}
		for n := range want {
			if told[n] != want[n] {
				t.Fatalf("told are %v, want %v", told, want)
			}
		}
		told = nil
	}

	first := health("b", "A", "false", 1)
	i.customizationChanged(nil, first)
	says("A", "false")
	heard() // what is there at the start is no change
	i.listening = true
	before := health("a", "A", "true", 1)
	i.customizationChanged(nil, before)
	says("A", "true") // the first by name counts
	heard("A")
	i.customizationChanged(before, health("a", "A", "false", 1))
	says("A", "true") // the same generation: metadata
	heard()
	moved := health("a", "B", "true", 2)
	i.customizationChanged(before, moved)
	says("A", "false")
	says("B", "true")
	heard("A", "B")
	i.customizationChanged(moved, nil)
	says("B", "nothing")
	heard("B")
}
