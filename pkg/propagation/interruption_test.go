package propagation_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"testing"
	"time"

	workv1alpha1 "github.com/karmada-io/karmada/pkg/apis/work/v1alpha1"
	workv1alpha2 "github.com/karmada-io/karmada/pkg/apis/work/v1alpha2"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/meta"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"atoll.dev/atoll/apis/karmada/wellknown"
)

// The propagation is stopped again and again in the midst of creations, changes and deletions. In
// the end members have exactly what the templates say, and another restart writes nothing.
func TestInterruptions(t *testing.T) {
	r := newRig(t, 2)
	r.policy("all", nil, configMaps)
	r.settleNamespace()
	const n = 40
	want := map[string]string{}
	name := func(i int) string { return fmt.Sprintf("cm%d", i) }
	for round, work := range []func(i int){
		func(i int) { r.create(r.configMap(name(i), "first")); want[name(i)] = "first" },
		func(i int) {
			r.patch(r.plane, r.configMap(name(i), ""), `{"data":{"key":"second"}}`)
			want[name(i)] = "second"
		},
		func(i int) {
			if i%2 == 0 {
				r.deleteTemplate(r.configMap(name(i), ""), "ConfigMap")
				delete(want, name(i))
			}
		},
	} {
		for i := range n {
			work(i)
			if i%13 == 12 {
				time.Sleep(time.Duration(rand.IntN(60)) * time.Millisecond) // anywhere between two writes
				r.restart()
			}
		}
		r.eventually(fmt.Sprintf("what round %d wants", round+1), func(ctx context.Context) error { return r.exactly(ctx, want) })
	}
	r.quiet()
	r.restart()
	r.quiet()
	if writes, n := r.writes.all(); n != 0 {
		t.Errorf("a restart wrote %v", writes)
	}
	for _, m := range r.members {
		if writes, n := m.writes.all(); n != 0 {
			t.Errorf("a restart wrote to %s: %v", m.name, writes)
		}
	}
}

// exactly checks that members have these ConfigMaps of ours and no others, and that there are as
// many bindings and applied Works.
func (r *rig) exactly(ctx context.Context, want map[string]string) error {
	var bindings workv1alpha2.ResourceBindingList
	if err := r.plane.List(ctx, &bindings, client.InNamespace(r.namespace)); err != nil {
		return err
	}
	if len(bindings.Items) != len(want) {
		return fmt.Errorf("%d bindings, want %d", len(bindings.Items), len(want))
	}
	for _, b := range bindings.Items {
		if !meta.IsStatusConditionTrue(b.Status.Conditions, workv1alpha2.FullyApplied) {
			return fmt.Errorf("%s is not fully applied: %+v", b.Name, b.Status)
		}
	}
	for _, m := range r.members {
		var all corev1.ConfigMapList
		if err := m.List(ctx, &all, client.InNamespace(r.namespace), client.MatchingLabels{wellknown.ManagedLabel: "true"}); err != nil {
			return err
		}
		if len(all.Items) != len(want) {
			return fmt.Errorf("%s has %d, want %d", m.name, len(all.Items), len(want))
		}
		for _, cm := range all.Items {
			if cm.Data["key"] != want[cm.Name] {
				return fmt.Errorf("%s has %s=%q, want %q", m.name, cm.Name, cm.Data["key"], want[cm.Name])
			}
		}
		var works workv1alpha1.WorkList
		if err := r.plane.List(ctx, &works, client.InNamespace(wellknown.ExecutionNamespace(m.name))); err != nil {
			return err
		}
		if len(works.Items) < len(want) {
			return fmt.Errorf("%d Works of %s", len(works.Items), m.name)
		}
	}
	return nil
}
