package unsupported

import (
	"strings"
	"testing"
	"time"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/client-go/tools/record"
	clocktesting "k8s.io/utils/clock/testing"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/client/fake"
	"sigs.k8s.io/controller-runtime/pkg/reconcile"
)

// Whatever is not acted upon says so, once: with a condition where the kind has any, else with an event.
func TestNeverSilent(t *testing.T) {
	for _, k := range kinds {
		obj := &unstructured.Unstructured{}
		obj.SetGroupVersionKind(k.GroupVersionKind)
		obj.SetNamespace("web")
		obj.SetName("one")
		others := map[string]any{"type": "Other", "status": "True", "reason": "R", "message": "", "lastTransitionTime": "2026-01-01T00:00:00Z"}
		if k.conditions {
			if err := unstructured.SetNestedSlice(obj.Object, []any{others}, "status", "conditions"); err != nil {
				t.Fatal(err)
			}
		}
		c := fake.NewClientBuilder().WithScheme(runtime.NewScheme()).WithStatusSubresource(obj).WithObjects(obj).Build()
		events := record.NewFakeRecorder(5)
		r := &controller{client: c, recorder: events, clock: clocktesting.NewFakePassiveClock(time.Unix(1_767_323_045, 0)), kind: k}
		req := reconcile.Request{NamespacedName: client.ObjectKeyFromObject(obj)}
		if _, err := r.Reconcile(t.Context(), req); err != nil {
			t.Fatalf("%s: %v", k.Kind, err)
		}
		got := obj.DeepCopy()
		if err := c.Get(t.Context(), req.NamespacedName, got); err != nil {
			t.Fatal(err)
		}
		if !k.conditions {
			select {
			case e := <-events.Events:
				if !strings.HasPrefix(e, "Warning Unsupported "+k.Kind) {
					t.Errorf("%s: event %q", k.Kind, e)
				}
			default:
				t.Errorf("%s: no event", k.Kind)
			}
			continue
		}
		conditions, _, _ := unstructured.NestedSlice(got.Object, "status", "conditions")
		if len(conditions) != 2 || conditions[0].(map[string]any)["type"] != "Other" || conditions[1].(map[string]any)["type"] != Condition ||
			conditions[1].(map[string]any)["status"] != "True" || conditions[1].(map[string]any)["lastTransitionTime"] != "2026-01-02T03:04:05Z" {
			t.Errorf("%s: conditions %v", k.Kind, conditions)
		}
		if _, err := r.Reconcile(t.Context(), req); err != nil {
			t.Fatal(err)
		}
		again := got.DeepCopy()
		if err := c.Get(t.Context(), req.NamespacedName, again); err != nil {
			t.Fatal(err)
		}
		if again.GetResourceVersion() != got.GetResourceVersion() {
			t.Errorf("%s: written a second time", k.Kind)
		}
	}
}
