package compact

import (
	"testing"

	"github.com/google/go-cmp/cmp"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
)

func deployment(change func(map[string]any)) *unstructured.Unstructured {
	obj := map[string]any{
		"apiVersion": "apps/v1", "kind": "Deployment",
		"metadata": map[string]any{
			"name": "web", "namespace": "shop", "uid": "u1", "resourceVersion": "7", "generation": int64(3),
			"labels": map[string]any{"app": "web"},
			"managedFields": []any{
				map[string]any{"manager": "atoll", "operation": "Update", "fieldsV1": map[string]any{}},
				map[string]any{"manager": "kubectl", "operation": "Update"},
			},
		},
		"spec":   map[string]any{"replicas": int64(2), "ratio": 0.5},
		"status": map[string]any{"readyReplicas": int64(1)},
	}
	if change != nil {
		change(obj)
	}
	return &unstructured.Unstructured{Object: obj}
}

func TestRoundTrip(t *testing.T) {
	transformed, err := Transform(func(m Manager) bool { return m.Name == "atoll" })(deployment(nil))
	if err != nil {
		t.Fatal(err)
	}
	o := transformed.(*Object)
	if diff := cmp.Diff([]Manager{{Name: "atoll", Operation: metav1.ManagedFieldsOperationUpdate}}, o.Managers); diff != "" {
		t.Error("managers (-want +got):", diff)
	}
	got, err := o.Unstructured()
	if err != nil {
		t.Fatal(err)
	}
	want := deployment(func(obj map[string]any) { delete(obj["metadata"].(map[string]any), "managedFields") })
	if diff := cmp.Diff(want.Object, got.Object); diff != "" {
		t.Error("object (-want +got):", diff)
	}
	again, err := Transform(nil)(o)
	if err != nil || again != any(o) {
		t.Errorf("Transform of a compacted object gave %v, %v; want the object itself", again, err)
	}
}

func TestSpecificationChange(t *testing.T) {
	for name, c := range map[string]struct {
		change func(map[string]any)
		same   bool
	}{
		"nothing":          {nil, true},
		"status":           {func(o map[string]any) { o["status"] = map[string]any{"readyReplicas": int64(2)} }, true},
		"no status at all": {func(o map[string]any) { delete(o, "status") }, true},
		"resource version": {func(o map[string]any) { o["metadata"].(map[string]any)["resourceVersion"] = "8" }, true},
		"managed fields":   {func(o map[string]any) { delete(o["metadata"].(map[string]any), "managedFields") }, true},
		"spec":             {func(o map[string]any) { o["spec"] = map[string]any{"replicas": int64(3)} }, false},
		"label":            {func(o map[string]any) { o["metadata"].(map[string]any)["labels"] = map[string]any{} }, false},
	} {
		a, _ := FromUnstructured(deployment(nil))
		b, _ := FromUnstructured(deployment(c.change))
		if got := a.SameSpecification(b); got != c.same {
			t.Errorf("%s: same specification %t, want %t", name, got, c.same)
		}
		if got := a.SpecificationHash() == b.SpecificationHash(); got != c.same {
			t.Errorf("%s: same hash %t, want %t", name, got, c.same)
		}
	}
}
