package cycle_test

import (
	"encoding/json"
	"testing"

	corev1 "k8s.io/api/core/v1"

	workv1alpha2 "github.com/karmada-io/karmada/pkg/apis/work/v1alpha2"

	"atoll.dev/atoll/apis/karmada/defaults"
	"atoll.dev/atoll/apis/karmada/validation"
	"atoll.dev/atoll/pkg/scheduler/framework"
	. "atoll.dev/atoll/pkg/scheduler/internal/fixture"
	"atoll.dev/atoll/pkg/scheduler/snapshot"
)

// FuzzPlacement places by every placement that admission lets through: it never
// panics, and what holds for every decision holds. More seeds are in testdata/fuzz.
func FuzzPlacement(f *testing.F) {
	f.Add([]byte(`{}`), int32(3), int32(0), uint8(0), false)
	s := snapshot.New(
		Cluster("a", Pods(5), Label("tier", "gold"), Label("rack", "1"), At("p", "r1", "z1")),
		Cluster("b", Pods(10), At("p", "r1", "z1", "z2"), Label("rack", "2")),
		Cluster("c", Pods(20), At("q", "r2", "z3"), Taint("down", "", corev1.TaintEffectNoExecute)),
		Cluster("d", At("q", "r2", "z3"), Label("rack", "1")),
		Cluster("e", Pods(40), At("q", "r3", "z4"), Label("tier", "silver"), Label("rack", "3")),
		Cluster("f", Pods(1), At("p", "r3", "z5")), Cluster("g", Pods(7)), Cluster("h", Leaving()))
	f.Fuzz(func(t *testing.T, body []byte, replicas, held int32, sets uint8, fresh bool) {
		var p placement
		if json.Unmarshal(body, &p) != nil {
			t.Skip("not a placement")
		}
		spec := Deployment(replicas, p, On("b", held), On("f", held/2))
		for i := range min(sets, 3) {
			spec.Components = append(spec.Components, workv1alpha2.Component{Name: string('a' + rune(i)), Replicas: 1})
		}
		defaults.BindingSpec(spec)
		if errs := validation.ResourceBinding(&workv1alpha2.ResourceBinding{Spec: *spec}); len(errs) > 0 {
			t.Skip("admission refuses it")
		}
		before, err := json.Marshal(spec)
		if err != nil {
			t.Fatal(err)
		}
		question := framework.Question{Spec: spec, Fresh: fresh}
		result, err := newCycle().Place(t.Context(), question, s)
		check(t, spec, result, err)
		if again := write(newCycle().Place(t.Context(), question, s)); again != write(result, err) {
			t.Errorf("the same input gives %q and %q", write(result, err), again)
		}
		if after, _ := json.Marshal(spec); string(after) != string(before) {
			t.Error("the decision wrote to the binding")
		}
	})
}
