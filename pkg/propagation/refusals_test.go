package propagation_test

import (
	"context"
	"strings"
	"testing"

	workv1alpha2 "github.com/karmada-io/karmada/pkg/apis/work/v1alpha2"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
)

// What cannot be sent says why on its binding, and holds up nothing else.
func TestImpossible(t *testing.T) {
	r := newRig(t, 2)
	r.settleNamespace()
	r.policy("all", nil, configMaps)
	m := r.members[0]

	t.Run("a template too large for a Work", func(t *testing.T) {
		// Quotes double in the Work's JSON, so that etcd's limit of a request is passed.
		large := r.configMap("large", strings.Repeat(`"`, 900<<10))
		r.create(large)
		r.item("large-configmap", m, func(item workv1alpha2.AggregatedStatusItem, fullyApplied bool) bool {
			return !item.Applied && !fullyApplied && strings.Contains(item.AppliedMessage, "a Work holds at most")
		})
		r.quiet()
		r.restart()
		r.create(r.configMap("other", "a"))
		r.keys("other", "a", "a")
		if writes, _ := r.writes.all(); writes["PATCH resourcebindings/status"] > 2 { // the scheduler's and ours, of the other
			t.Errorf("the restart wrote %v", writes)
		}
		r.patch(r.plane, large, `{"data":{"key":"small"}}`)
		r.keys("large", "small", "small")
		r.item("large-configmap", m, func(item workv1alpha2.AggregatedStatusItem, fullyApplied bool) bool {
			return item.Applied && fullyApplied && item.AppliedMessage == ""
		})
	})

	t.Run("a kind that members lack", func(t *testing.T) {
		for _, crd := range r.decode(manifests) {
			if crd.GetKind() == "CustomResourceDefinition" {
				r.create(crd)
			}
		}
		gadget := r.decode(`{apiVersion: NS.example.com/v1, kind: Gadget, metadata: {name: one, namespace: NS}, spec: {size: 3}}`)[0]
		r.policy("gadgets", nil, selectorsOf(gadget)...)
		r.eventually("the new kind is served", func(ctx context.Context) error {
			if err := r.plane.Create(ctx, gadget.DeepCopy()); !apierrors.IsAlreadyExists(err) {
				return err
			}
			return nil
		})
		r.item("one-gadget", m, func(item workv1alpha2.AggregatedStatusItem, fullyApplied bool) bool {
			return !item.Applied && !fullyApplied && strings.Contains(item.AppliedMessage, `no matches for kind "Gadget"`)
		})
		r.create(r.configMap("another", "a"))
		r.keys("another", "a", "a")
	})
}
