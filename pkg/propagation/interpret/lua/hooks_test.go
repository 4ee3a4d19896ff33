package lua

import (
	"context"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	configv1alpha1 "github.com/karmada-io/karmada/pkg/apis/config/v1alpha1"
	workv1alpha2 "github.com/karmada-io/karmada/pkg/apis/work/v1alpha2"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"

	"atoll.dev/atoll/apis/karmada/customization"
	"atoll.dev/atoll/pkg/propagation/interpret"
)

var testRule = customization.Rule{Field: "test", Function: "Test"}

func named(name string, rules configv1alpha1.CustomizationRules) *configv1alpha1.ResourceInterpreterCustomization {
	c := &configv1alpha1.ResourceInterpreterCustomization{}
	c.Name = name
	c.Spec.Customizations = rules
	return c
}

func hooksOf(rules configv1alpha1.CustomizationRules) interpret.Hooks {
	return NewEngine(Options{}).Hooks([]*configv1alpha1.ResourceInterpreterCustomization{named("test", rules)})
}

func deployment(t testing.TB) *unstructured.Unstructured {
	return &unstructured.Unstructured{Object: decode(t, `{
		"apiVersion":"apps/v1","kind":"Deployment","metadata":{"name":"d","namespace":"n","annotations":{}},
		"spec":{"replicas":3,"template":{"spec":{
			"nodeSelector":{"disk":"ssd"},"volumes":[{"name":"v","configMap":{"name":"c"}}],
			"containers":[{"name":"a","resources":{"limits":{"cpu":"250m"}}},{"name":"b","resources":{"requests":{"cpu":1}}}]}}},
		"status":{"readyReplicas":2,"conditions":[]}}`).(map[string]any)}
}

func TestReplicas(t *testing.T) {
	needs := &workv1alpha2.ReplicaRequirements{
		NodeClaim:       &workv1alpha2.NodeClaim{NodeSelector: map[string]string{"disk": "ssd"}},
		ResourceRequest: corev1.ResourceList{"cpu": resource.MustParse("1250m")},
	}
	for script, want := range map[string]struct {
		replicas int32
		needs    *workv1alpha2.ReplicaRequirements
		err      string
	}{
		`return o.spec.replicas, require("kube").accuratePodRequirements(o.spec.template)`: {replicas: 3, needs: needs},
		`return 7 / 2`:     {replicas: 3},
		`return 2, nil`:    {replicas: 2},
		`return "2"`:       {err: "returns a string, must return a number of replicas first"},
		`return nil`:       {err: "returns a nil, must return a number"},
		`return -1`:        {err: "returns -1 replicas"},
		`return 1e10`:      {err: "must return a number from 0 to 2147483647"},
		`return 0 / 0`:     {err: "returns NaN replicas"},
		`return 1, "much"`: {err: "returns a string, must return requirements or nil second"},
		`return 1, {resourceRequest = {cpu = "much"}}`: {err: "cannot be read"},
	} {
		h := hooksOf(configv1alpha1.CustomizationRules{ReplicaResource: &configv1alpha1.ReplicaResourceRequirement{LuaScript: "function GetReplicas(o) " + script + " end"}})
		n, got, err := h.Replicas(t.Context(), deployment(t))
		if want.err != "" {
			if err == nil || !strings.Contains(err.Error(), want.err) {
				t.Errorf("%s fails with %v, want %q", script, err, want.err)
			}
			continue
		}
		if err != nil || n != want.replicas || !cmp.Equal(got, want.needs) {
			t.Errorf("%s gives %d, %v, %v, want %d, %v", script, n, got, err, want.replicas, want.needs)
		}
	}
}

func TestComponents(t *testing.T) {
	for script, want := range map[string][]workv1alpha2.Component{
		`return {{name = "a", replicas = 2}, {name = "b", replicas = 1, replicaRequirements = {resourceRequest = {cpu = 1}}}}`: {
			{Name: "a", Replicas: 2},
			{Name: "b", Replicas: 1, ReplicaRequirements: &workv1alpha2.ComponentReplicaRequirements{ResourceRequest: corev1.ResourceList{"cpu": resource.MustParse("1")}}},
		},
		`return {}`:  nil,
		`return nil`: nil,
	} {
		h := hooksOf(configv1alpha1.CustomizationRules{ComponentResource: &configv1alpha1.ComponentResourceRequirement{LuaScript: "function GetComponents(o) " + script + " end"}})
		if got, err := h.Components(t.Context(), deployment(t)); err != nil || !cmp.Equal(got, want) {
			t.Errorf("%s gives %v, %v, want %v", script, got, err, want)
		}
	}
}

// What a script does to an object leaves the caller's object alone.
func TestObjects(t *testing.T) {
	h := hooksOf(configv1alpha1.CustomizationRules{
		ReplicaRevision: &configv1alpha1.ReplicaRevision{LuaScript: "function ReviseReplica(o, n) o.spec.replicas = n return o end"},
		Retention:       &configv1alpha1.LocalValueRetention{LuaScript: "function Retain(d, o) d.spec.template.spec.volumes = o.spec.template.spec.volumes return d end"},
	})
	given := deployment(t)
	revised, err := h.ReviseReplicas(t.Context(), given, 5)
	if err != nil {
		t.Fatal(err)
	}
	want := deployment(t)
	want.Object["spec"].(map[string]any)["replicas"] = int64(5)
	if !cmp.Equal(revised.Object, want.Object) || !cmp.Equal(given, deployment(t)) {
		t.Errorf("revised is %s", cmp.Diff(want.Object, revised.Object))
	}
	desired := deployment(t)
	unstructured.RemoveNestedField(desired.Object, "spec", "template", "spec", "volumes")
	retained, err := h.Retain(t.Context(), desired, deployment(t))
	if err != nil || !cmp.Equal(retained, deployment(t)) {
		t.Errorf("retained is %v, %s", err, cmp.Diff(deployment(t), retained))
	}
	h = hooksOf(configv1alpha1.CustomizationRules{ReplicaRevision: &configv1alpha1.ReplicaRevision{LuaScript: "function ReviseReplica(o, n) return {1} end"}})
	if _, err := h.ReviseReplicas(t.Context(), given, 5); err == nil || !strings.Contains(err.Error(), "returns a list, must return the object") {
		t.Errorf("a list for an object fails with %v", err)
	}
}

func TestReflectStatus(t *testing.T) {
	for script, want := range map[string]string{
		`return {ready = o.status.readyReplicas, conditions = o.status.conditions}`: `{"conditions":[],"ready":2}`,
		`return o.status`: `{"conditions":[],"readyReplicas":2}`,
		`return {}`:       `{}`,
		`return nil`:      ``,
	} {
		h := hooksOf(configv1alpha1.CustomizationRules{StatusReflection: &configv1alpha1.StatusReflection{LuaScript: "function ReflectStatus(o) " + script + " end"}})
		got, err := h.ReflectStatus(t.Context(), deployment(t))
		text := ""
		if got != nil {
			text = string(got.Raw)
		}
		if err != nil || text != want {
			t.Errorf("%s gives %s, %v, want %s", script, text, err, want)
		}
	}
}

func TestAggregateStatus(t *testing.T) {
	h := hooksOf(configv1alpha1.CustomizationRules{StatusAggregation: &configv1alpha1.StatusAggregation{LuaScript: `
function AggregateStatus(o, items)
  o.status.readyReplicas = 0
  for i = 1, #items do
    if items[i].applied and items[i].health == "Healthy" and items[i].status ~= nil then
      o.status.readyReplicas = o.status.readyReplicas + items[i].status.readyReplicas
      o.status.last = items[i].clusterName
    end
  end
  return o
end`}})
	item := func(cluster string, health workv1alpha2.ResourceHealth, raw string) workv1alpha2.AggregatedStatusItem {
		i := workv1alpha2.AggregatedStatusItem{ClusterName: cluster, Applied: true, Health: health}
		if raw != "" {
			i.Status = &runtime.RawExtension{Raw: []byte(raw)}
		}
		return i
	}
	got, err := h.AggregateStatus(t.Context(), deployment(t), []workv1alpha2.AggregatedStatusItem{
		item("a", workv1alpha2.ResourceHealthy, `{"readyReplicas":2}`), item("b", workv1alpha2.ResourceUnhealthy, `{"readyReplicas":9}`),
		item("c", workv1alpha2.ResourceHealthy, ""), item("d", workv1alpha2.ResourceHealthy, `{"readyReplicas":3}`),
	})
	if want := (map[string]any{"readyReplicas": int64(5), "last": "d", "conditions": []any{}}); err != nil || !cmp.Equal(got, want) {
		t.Errorf("adds up to %v, %v, want %v", got, err, want)
	}
}

// Of several customizations the first by name counts; dependencies come from all.
func TestSeveralCustomizations(t *testing.T) {
	health := func(answer string) *configv1alpha1.HealthInterpretation {
		return &configv1alpha1.HealthInterpretation{LuaScript: "function InterpretHealth(o) return " + answer + " end"}
	}
	depends := func(script string) *configv1alpha1.DependencyInterpretation {
		return &configv1alpha1.DependencyInterpretation{LuaScript: "function GetDependencies(o) " + script + " end"}
	}
	h := NewEngine(Options{}).Hooks([]*configv1alpha1.ResourceInterpreterCustomization{
		named("b", configv1alpha1.CustomizationRules{HealthInterpretation: health("false"), DependencyInterpretation: depends(`return require("kube").getPodDependencies(o.spec.template, o.metadata.namespace)`)}),
		named("a", configv1alpha1.CustomizationRules{HealthInterpretation: health("true"), DependencyInterpretation: depends(`return {
			{apiVersion = "v1", kind = "Secret", namespace = "n", name = "s"}, {apiVersion = "v1", kind = "ConfigMap", namespace = "n", name = "c"}}`)}),
		named("c", configv1alpha1.CustomizationRules{DependencyInterpretation: depends("return {}")}),
	})
	if ok, err := h.Healthy(t.Context(), deployment(t)); !ok || err != nil {
		t.Errorf("health is %v, %v, want the first's", ok, err)
	}
	got, err := h.Dependencies(t.Context(), deployment(t))
	want := []configv1alpha1.DependentObjectReference{
		{APIVersion: "v1", Kind: "ConfigMap", Namespace: "n", Name: "c"}, {APIVersion: "v1", Kind: "Secret", Namespace: "n", Name: "s"},
	}
	if err != nil || !cmp.Equal(got, want) {
		t.Errorf("dependencies are %v, %v, want %v", got, err, want)
	}
	h = hooksOf(configv1alpha1.CustomizationRules{DependencyInterpretation: depends(`return {{kind = "Secret", name = "s"}}`)})
	if _, err := h.Dependencies(t.Context(), deployment(t)); err == nil || !strings.Contains(err.Error(), "dependencies[0].apiVersion: Required value") {
		t.Errorf("a dependency on nothing fails with %v", err)
	}
	if h.Replicas != nil || h.Healthy != nil {
		t.Error("hooks are known that nobody has a script for")
	}
}

func TestCallEndsWithItsCaller(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	h := hooksOf(configv1alpha1.CustomizationRules{HealthInterpretation: &configv1alpha1.HealthInterpretation{LuaScript: "function InterpretHealth(o) while true do end end"}})
	if _, err := h.Healthy(ctx, deployment(t)); err == nil || !strings.Contains(err.Error(), "context canceled") {
		t.Errorf("fails with %v, want that it was cancelled", err)
	}
}

func BenchmarkReflectStatus(b *testing.B) {
	h := hooksOf(configv1alpha1.CustomizationRules{StatusReflection: &configv1alpha1.StatusReflection{LuaScript: `
function ReflectStatus(o)
  local status = {}
  status.ready = o.status.readyReplicas
  status.conditions = o.status.conditions
  return status
end`}})
	observed := deployment(b)
	b.ReportAllocs()
	for b.Loop() {
		if _, err := h.ReflectStatus(b.Context(), observed); err != nil {
			b.Fatal(err)
		}
	}
}
