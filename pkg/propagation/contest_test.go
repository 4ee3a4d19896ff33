package propagation_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"

	workv1alpha1 "github.com/karmada-io/karmada/pkg/apis/work/v1alpha1"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"atoll.dev/atoll/apis/karmada/wellknown"
	"atoll.dev/atoll/pkg/propagation/dispatch"
)

// condition is one of a Work's.
func (r *rig) condition(ctx context.Context, m *member, kind, name, condition string) (*metav1.Condition, error) {
	var w workv1alpha1.Work
	key := types.NamespacedName{Namespace: wellknown.ExecutionNamespace(m.name), Name: wellknown.WorkName(kind, name, r.namespace)}
	if err := r.plane.Get(ctx, key, &w); err != nil {
		return nil, err
	}
	c := meta.FindStatusCondition(w.Status.Conditions, condition)
	if c == nil {
		return nil, fmt.Errorf("no condition %s in %v", condition, w.Status.Conditions)
	}
	return c, nil
}

// A controller in the member that insists on its value wins after a while, and is told of.
func TestContestedField(t *testing.T) {
	r := newRig(t, 1)
	r.policy("all", nil, configMaps)
	r.settleNamespace()
	m := r.members[0]
	r.create(r.configMap("cm", "ours"))
	r.create(r.configMap("other", "ours"))
	r.inAll(r.configMap("cm", ""), nil)

	cm := r.configMap("cm", "")
	corrections := 0
	r.eventually("the condition", func(ctx context.Context) error {
		if err := m.Get(ctx, client.ObjectKeyFromObject(cm), cm); err != nil {
			return err
		}
		if cm.Data["key"] == "ours" {
			corrections++
			return errors.Join(errors.New("it is corrected"), m.Patch(ctx, r.configMap("cm", ""),
				client.RawPatch(types.MergePatchType, []byte(`{"data":{"key":"theirs"}}`)), client.FieldOwner("fighter")))
		}
		c, err := r.condition(ctx, m, "ConfigMap", "cm", dispatch.Contested)
		if err != nil {
			return err
		}
		if c.Status != metav1.ConditionTrue || !strings.Contains(c.Message, "fighter in cluster "+m.name+" keeps changing .data.key of ConfigMap") {
			return fmt.Errorf("%+v", c)
		}
		return nil
	})
	if corrections < 5 || corrections > 10 {
		t.Errorf("it was corrected %d times", corrections)
	}
	r.quiet()
	if c, err := r.condition(t.Context(), m, "ConfigMap", "cm", workv1alpha1.WorkApplied); err != nil || c.Status != metav1.ConditionTrue {
		t.Errorf("applied: %+v, %v", c, err)
	}
	for _, kind := range []string{"Work", "ResourceBinding", "ConfigMap"} {
		r.eventually("an event on the "+kind, func(ctx context.Context) error {
			var events corev1.EventList
			if err := r.plane.List(ctx, &events); err != nil {
				return err
			}
			for _, e := range events.Items {
				if e.Reason == "FieldsContested" && e.InvolvedObject.Kind == kind && strings.Contains(e.Message, "fighter") &&
					(e.InvolvedObject.Namespace == r.namespace || e.InvolvedObject.Namespace == wellknown.ExecutionNamespace(m.name)) {
					return nil
				}
			}
			return errors.New("there is none")
		})
	}
	// Others are corrected as ever.
	other := r.configMap("other", "")
	r.patch(m, other, `{"data":{"key":"meddled"}}`)
	r.inAll(other, func(*member) error {
		if other.Data["key"] != "ours" {
			return fmt.Errorf("%v", other.Data)
		}
		return nil
	})
	// And this one with the next version of the template.
	r.patch(r.plane, r.configMap("cm", ""), `{"data":{"key":"newer"}}`)
	r.inAll(cm, func(*member) error {
		if cm.Data["key"] != "newer" {
			return fmt.Errorf("%v", cm.Data)
		}
		return nil
	})
	r.eventually("agreement", func(ctx context.Context) error {
		c, err := r.condition(ctx, m, "ConfigMap", "cm", dispatch.Contested)
		if err == nil && c.Status != metav1.ConditionFalse {
			err = fmt.Errorf("%+v", c)
		}
		return err
	})
}
