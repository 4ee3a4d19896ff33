package propagation_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"

	policyv1alpha1 "github.com/karmada-io/karmada/pkg/apis/policy/v1alpha1"
	workv1alpha2 "github.com/karmada-io/karmada/pkg/apis/work/v1alpha2"
	admissionv1 "k8s.io/api/admissionregistration/v1"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

// event waits for an event in the test's namespace.
func (r *rig) event(kind, name, reason, part string) {
	r.t.Helper()
	r.eventually(fmt.Sprintf("event %s on %s %s", reason, kind, name), func(ctx context.Context) error {
		var events corev1.EventList
		if err := r.plane.List(ctx, &events, client.InNamespace(r.namespace)); err != nil {
			return err
		}
		for _, e := range events.Items {
			if e.Reason == reason && e.InvolvedObject.Kind == kind && e.InvolvedObject.Name == name && strings.Contains(e.Message, part) {
				return nil
			}
		}
		return errors.New("there is none")
	})
}

// quoted waits until a binding says, in the member's words, why the template is not in the member.
func (r *rig) quoted(m *member, binding, part string) {
	r.t.Helper()
	r.eventually("binding "+binding+" says why", func(ctx context.Context) error {
		var b workv1alpha2.ResourceBinding
		if err := r.plane.Get(ctx, client.ObjectKey{Namespace: r.namespace, Name: binding}, &b); err != nil {
			return err
		}
		for _, item := range b.Status.AggregatedStatus {
			if item.ClusterName == m.name && !item.Applied && strings.Contains(item.AppliedMessage, part) && meta.IsStatusConditionFalse(b.Status.Conditions, workv1alpha2.FullyApplied) {
				return nil
			}
		}
		return fmt.Errorf("%+v", b.Status)
	})
}

// What one member refuses, or cannot have, shows on the binding and holds up nothing else.
func TestErrorsShowOnTheBinding(t *testing.T) {
	r := newRig(t, 2)
	r.policy("all", nil, configMaps)
	r.settleNamespace()
	refusing, other := r.members[0], r.members[1]
	value := func(name, want string) {
		t.Helper()
		cm := r.configMap(name, "")
		r.eventually(name+" is in the other member", func(ctx context.Context) error {
			if err := other.Get(ctx, client.ObjectKeyFromObject(cm), cm); err != nil || want != "" && cm.Data["key"] != want {
				return fmt.Errorf("%v, %w", cm.Data, err)
			}
			return nil
		})
	}

	t.Run("an admission rejection", func(t *testing.T) {
		policy := &admissionv1.ValidatingAdmissionPolicy{
			ObjectMeta: metav1.ObjectMeta{Name: r.namespace},
			Spec: admissionv1.ValidatingAdmissionPolicySpec{
				MatchConstraints: &admissionv1.MatchResources{
					NamespaceSelector: &metav1.LabelSelector{MatchLabels: map[string]string{corev1.LabelMetadataName: r.namespace}},
					ResourceRules: []admissionv1.NamedRuleWithOperations{{RuleWithOperations: admissionv1.RuleWithOperations{
						Operations: []admissionv1.OperationType{admissionv1.OperationAll},
						Rule:       admissionv1.Rule{APIGroups: []string{""}, APIVersions: []string{"v1"}, Resources: []string{"configmaps"}},
					}}},
				},
				Validations: []admissionv1.Validation{{Expression: "object.metadata.name != 'refused'", Message: "not on my island"}},
			},
		}
		binding := &admissionv1.ValidatingAdmissionPolicyBinding{
			ObjectMeta: metav1.ObjectMeta{Name: r.namespace},
			Spec:       admissionv1.ValidatingAdmissionPolicyBindingSpec{PolicyName: r.namespace, ValidationActions: []admissionv1.ValidationAction{admissionv1.Deny}},
		}
		for _, obj := range []client.Object{policy, binding} {
			if err := refusing.Create(t.Context(), obj); err != nil {
				t.Fatal(err)
			}
		}
		r.eventually("the member refuses", func(ctx context.Context) error {
			err := refusing.Create(ctx, r.configMap("refused", ""), client.DryRunAll)
			if apierrors.IsInvalid(err) || apierrors.IsForbidden(err) {
				return nil
			}
			return fmt.Errorf("it says %w", err)
		})
		r.create(r.configMap("refused", "a"))
		r.quoted(refusing, "refused-configmap", "not on my island")
		value("refused", "a")
		r.create(r.configMap("fine", "a"))
		r.inAll(r.configMap("fine", ""), nil)
		if err := refusing.Delete(t.Context(), binding); err != nil {
			t.Fatal(err)
		}
		r.inAll(r.configMap("refused", ""), nil) // it is tried again
	})

	t.Run("a kind that a member does not have", func(t *testing.T) {
		objs := r.decode(strings.ReplaceAll(manifests[strings.LastIndex(manifests, "---\n"):], "gadgets", "things"))
		crd := objs[0]
		gadget := r.decode(`{apiVersion: NS.example.com/v1, kind: Gadget, metadata: {name: one, namespace: NS}, spec: {size: 3}}`)[0]
		for _, c := range []client.Client{r.plane, other} {
			if err := c.Create(t.Context(), crd.DeepCopy()); err != nil {
				t.Fatal(err)
			}
		}
		r.policy("gadgets", nil, policyv1alpha1.ResourceSelector{APIVersion: gadget.GetAPIVersion(), Kind: "Gadget"})
		r.eventually("the kind is served", func(ctx context.Context) error {
			err := r.plane.Create(ctx, gadget.DeepCopy())
			if apierrors.IsAlreadyExists(err) {
				return nil
			}
			return err
		})
		r.quoted(refusing, "one-gadget", "no matches for kind")
		r.eventually("the other member has it", func(ctx context.Context) error {
			return other.Get(ctx, client.ObjectKeyFromObject(gadget), empty(gadget))
		})
		if err := refusing.Create(t.Context(), crd.DeepCopy()); err != nil {
			t.Fatal(err)
		}
		r.applied(gadget)
	})

	t.Run("a template too large for a Work", func(t *testing.T) {
		large := r.configMap("large", strings.Repeat("\n", 900<<10)) // each two bytes in JSON
		r.create(large)
		r.event("ResourceBinding", "large-configmap", "SyncWorkFailed", "a Work holds at most 1472 KiB")
		r.event("ConfigMap", "large", "SyncWorkFailed", "make the template smaller")
		r.create(r.configMap("after", "a"))
		r.inAll(r.configMap("after", ""), nil)
		r.patch(r.plane, r.configMap("large", ""), `{"data":{"key":"small"}}`)
		value("large", "small")
	})
}
