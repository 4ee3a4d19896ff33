package propagation_test

import (
	"context"
	"fmt"
	"strings"
	"testing"

	policyv1alpha1 "github.com/karmada-io/karmada/pkg/apis/policy/v1alpha1"
	workv1alpha1 "github.com/karmada-io/karmada/pkg/apis/work/v1alpha1"
	workv1alpha2 "github.com/karmada-io/karmada/pkg/apis/work/v1alpha2"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"atoll.dev/atoll/apis/karmada/wellknown"
)

// overridesKey makes an OverridePolicy that sets data.key of ConfigMaps in one member.
func (r *rig) overridesKey(name string, m *member, operator policyv1alpha1.OverriderOperator, path, value string) *policyv1alpha1.OverridePolicy {
	r.t.Helper()
	p := &policyv1alpha1.OverridePolicy{ObjectMeta: metav1.ObjectMeta{Namespace: r.namespace, Name: name}}
	p.Spec.ResourceSelectors = []policyv1alpha1.ResourceSelector{configMaps}
	rule := policyv1alpha1.RuleWithCluster{TargetCluster: &policyv1alpha1.ClusterAffinity{ClusterNames: []string{m.name}}}
	rule.Overriders.Plaintext = []policyv1alpha1.PlaintextOverrider{{Path: path, Operator: operator}}
	rule.Overriders.Plaintext[0].Value.Raw = []byte(`"` + value + `"`)
	p.Spec.OverrideRules = []policyv1alpha1.RuleWithCluster{rule}
	r.create(p)
	return p
}

// keys waits until data.key of a ConfigMap is, member by member, what is wanted.
func (r *rig) keys(name string, want ...string) {
	r.t.Helper()
	for i, m := range r.members {
		r.eventually(fmt.Sprintf("key %s in %s", want[i], m.name), func(ctx context.Context) error {
			cm := r.configMap(name, "")
			if err := m.Get(ctx, client.ObjectKeyFromObject(cm), cm); err != nil {
				return err
			}
			if cm.Data["key"] != want[i] {
				return fmt.Errorf("it is %q", cm.Data["key"])
			}
			return nil
		})
	}
}

// item waits until what a binding says of a member is as wanted.
func (r *rig) item(binding string, m *member, wanted func(item workv1alpha2.AggregatedStatusItem, fullyApplied bool) bool) {
	r.t.Helper()
	r.eventually("the item of "+m.name, func(ctx context.Context) error {
		var b workv1alpha2.ResourceBinding
		if err := r.plane.Get(ctx, types.NamespacedName{Namespace: r.namespace, Name: binding}, &b); err != nil {
			return err
		}
		for _, item := range b.Status.AggregatedStatus {
			if item.ClusterName == m.name && wanted(item, meta.IsStatusConditionTrue(b.Status.Conditions, workv1alpha2.FullyApplied)) {
				return nil
			}
		}
		return fmt.Errorf("%+v", b.Status)
	})
}

func TestOverrides(t *testing.T) {
	r := newRig(t, 2)
	r.settleNamespace()
	p := r.policy("all", nil, configMaps)
	override := r.overridesKey("first", r.members[1], policyv1alpha1.OverriderOpReplace, "/data/key", "b")
	r.create(r.configMap("cm", "a"))
	r.keys("cm", "a", "b")
	r.event("ConfigMap", "cm", "ApplyOverridePolicySucceed", fmt.Sprintf("Apply override policy(%s/first) for cluster(%s) succeed.", r.namespace, r.members[1].name))

	var w workv1alpha1.Work
	key := types.NamespacedName{Namespace: wellknown.ExecutionNamespace(r.members[1].name), Name: wellknown.WorkName("ConfigMap", "cm", r.namespace)}
	if err := r.plane.Get(t.Context(), key, &w); err != nil || !strings.Contains(w.Annotations[wellknown.AppliedOverridesAnnotation], `"policyName":"first"`) {
		t.Errorf("the Work records %q, %v", w.Annotations[wellknown.AppliedOverridesAnnotation], err)
	}

	// A changed, an added, a removed policy each reach what runs.
	r.patch(r.plane, override, `{"spec":{"overrideRules":[{"overriders":{"plaintext":[{"path":"/data/key","operator":"replace","value":"c"}]}}]}}`)
	r.keys("cm", "c", "c")
	r.restart()
	r.quiet()
	r.keys("cm", "c", "c")
	second := r.overridesKey("second", r.members[0], policyv1alpha1.OverriderOpReplace, "/data/key", "d")
	r.keys("cm", "d", "c")
	if err := r.plane.Delete(t.Context(), second); err != nil {
		t.Fatal(err)
	}
	r.keys("cm", "c", "c")

	// One that does not apply holds up its own cluster alone, says so, and heals.
	broken := r.overridesKey("third", r.members[0], policyv1alpha1.OverriderOpReplace, "/data/none/x", "e")
	r.event("ConfigMap", "cm", "ApplyOverridePolicyFailed", "replace /data/none/x")
	r.item("cm-configmap", r.members[0], func(item workv1alpha2.AggregatedStatusItem, fullyApplied bool) bool {
		return !item.Applied && !fullyApplied && strings.Contains(item.AppliedMessage, "replace /data/none/x")
	})
	r.patch(r.plane, override, `{"spec":{"overrideRules":[{"overriders":{"plaintext":[{"path":"/data/key","operator":"replace","value":"f"}]}}]}}`)
	r.keys("cm", "c", "f")
	if err := r.plane.Delete(t.Context(), broken); err != nil {
		t.Fatal(err)
	}
	r.keys("cm", "f", "f")
	r.item("cm-configmap", r.members[0], func(item workv1alpha2.AggregatedStatusItem, fullyApplied bool) bool {
		return item.Applied && fullyApplied && item.AppliedMessage == ""
	})

	r.policy("stays", nil, named("stays"))
	r.create(r.configMap("stays", "a"))
	r.keys("stays", "f", "f")
	// Deleting a policy with its overrides leaves what runs alone.
	for _, obj := range []client.Object{override, p} {
		if err := r.plane.Delete(t.Context(), obj); err != nil {
			t.Fatal(err)
		}
	}
	r.claimed("cm", "")
	r.keys("stays", "a", "a") // by now the removal has had its effect where it has one
	r.quiet()
	r.keys("cm", "f", "f")
}
