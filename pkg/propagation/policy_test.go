package propagation_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"testing"

	policyv1alpha1 "github.com/karmada-io/karmada/pkg/apis/policy/v1alpha1"
	workv1alpha1 "github.com/karmada-io/karmada/pkg/apis/work/v1alpha1"
	workv1alpha2 "github.com/karmada-io/karmada/pkg/apis/work/v1alpha2"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/utils/ptr"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"atoll.dev/atoll/apis/karmada/wellknown"
	"atoll.dev/atoll/pkg/propagation/twin"
)

// claimed waits until a ConfigMap and its binding carry the claim of the policy, "" for none.
func (r *rig) claimed(name, policy string) {
	r.t.Helper()
	want := twin.Claim{}
	if policy != "" {
		want = twin.Claim{Policy: types.NamespacedName{Namespace: r.namespace, Name: policy}, ID: r.namespace + "-" + policy}
	}
	r.claimedAs(name, want)
}

func (r *rig) claimedAs(name string, want twin.Claim) {
	r.t.Helper()
	r.eventually(fmt.Sprintf("%s claimed by %q", name, want.Policy), func(ctx context.Context) error {
		var b workv1alpha2.ResourceBinding
		cm := r.configMap(name, "")
		err := r.plane.Get(ctx, types.NamespacedName{Namespace: r.namespace, Name: name + "-configmap"}, &b)
		if err := errors.Join(err, r.plane.Get(ctx, client.ObjectKeyFromObject(cm), cm)); err != nil {
			return err
		}
		if on, of := twin.ClaimOn(cm.Labels, cm.Annotations), twin.ClaimOn(b.Labels, b.Annotations); on != want || of != want {
			return fmt.Errorf("template by %+v, binding by %+v", on, of)
		}
		return nil
	})
}

func named(name string) policyv1alpha1.ResourceSelector {
	return policyv1alpha1.ResourceSelector{APIVersion: "v1", Kind: "ConfigMap", Name: name}
}

func labelled(key, value string) policyv1alpha1.ResourceSelector {
	return policyv1alpha1.ResourceSelector{APIVersion: "v1", Kind: "ConfigMap",
		LabelSelector: &metav1.LabelSelector{MatchLabels: map[string]string{key: value}}}
}

func TestClaims(t *testing.T) {
	r := newRig(t, 1)
	r.settleNamespace()

	t.Run("a policy that comes later finds its templates", func(t *testing.T) {
		r.create(r.configMap("early", "a"))
		r.quiet()
		r.policy("late", nil, named("early"))
		r.claimed("early", "late")
		r.inAll(r.configMap("early", ""), nil)
	})

	t.Run("a claim stands against a better policy without preemption", func(t *testing.T) {
		r.policy("better", func(p *policyv1alpha1.PropagationPolicy) { p.Spec.Priority = ptr.To[int32](5) }, named("early"))
		r.quiet()
		r.claimed("early", "late")
	})

	t.Run("preemption takes it over", func(t *testing.T) {
		p := &policyv1alpha1.PropagationPolicy{ObjectMeta: metav1.ObjectMeta{Namespace: r.namespace, Name: "better"}}
		r.patch(r.plane, p, `{"spec":{"preemption":"Always"}}`)
		r.claimed("early", "better")
		r.eventually("the event", func(ctx context.Context) error {
			var events corev1.EventList
			if err := r.plane.List(ctx, &events, client.InNamespace(r.namespace)); err != nil {
				return err
			}
			want := fmt.Sprintf("Propagation policy(%s/better) preempted propagation policy(%s/late) successfully", r.namespace, r.namespace)
			if !slices.ContainsFunc(events.Items, func(e corev1.Event) bool {
				return e.Reason == "PreemptPolicySucceed" && e.Message == want && e.InvolvedObject.Name == "early"
			}) {
				return fmt.Errorf("%d events", len(events.Items))
			}
			return nil
		})
	})

	t.Run("a namespaced policy preempts a cluster policy", func(t *testing.T) {
		p := r.clusterPolicy("all", policyv1alpha1.ResourceSelector{APIVersion: "v1", Kind: "ConfigMap", Namespace: r.namespace})
		r.create(r.configMap("shared", "a"))
		r.claimedAs("shared", twin.PolicyOf(p).Claim())
		r.policy("mine", func(p *policyv1alpha1.PropagationPolicy) { p.Spec.Preemption = policyv1alpha1.PreemptAlways }, named("shared"))
		r.claimed("shared", "mine")
	})

	t.Run("a deleted policy leaves its templates to the next, and goes", func(t *testing.T) {
		p := &policyv1alpha1.PropagationPolicy{ObjectMeta: metav1.ObjectMeta{Namespace: r.namespace, Name: "better"}}
		if err := r.plane.Delete(t.Context(), p); err != nil {
			t.Fatal(err)
		}
		r.claimed("early", "late")
		r.gone(r.plane, p)
	})

	t.Run("the last policy leaves what runs alone", func(t *testing.T) {
		cpp := &policyv1alpha1.ClusterPropagationPolicy{ObjectMeta: metav1.ObjectMeta{Name: r.namespace + "-all"}}
		for _, p := range []client.Object{cpp,
			&policyv1alpha1.PropagationPolicy{ObjectMeta: metav1.ObjectMeta{Namespace: r.namespace, Name: "late"}},
			&policyv1alpha1.PropagationPolicy{ObjectMeta: metav1.ObjectMeta{Namespace: r.namespace, Name: "mine"}}} {
			if err := r.plane.Delete(t.Context(), p); err != nil {
				t.Fatal(err)
			}
			r.gone(r.plane, p)
		}
		r.claimed("early", "")
		r.claimed("shared", "")
		r.patch(r.plane, r.configMap("early", ""), `{"data":{"key":"b"}}`)
		r.quiet()
		for _, m := range r.members {
			cm := r.configMap("early", "")
			if err := m.Get(t.Context(), client.ObjectKeyFromObject(cm), cm); err != nil || cm.Data["key"] != "a" {
				t.Errorf("%s has %v, %v; want what was there before the policy went", m.name, cm.Data, err)
			}
		}
	})

	t.Run("labels decide", func(t *testing.T) {
		r.policy("labelled", nil, labelled("go", "yes"))
		r.create(r.configMap("label", "a"))
		r.quiet()
		var b workv1alpha2.ResourceBinding
		if err := r.plane.Get(t.Context(), types.NamespacedName{Namespace: r.namespace, Name: "label-configmap"}, &b); !apierrors.IsNotFound(err) {
			t.Errorf("there is a binding: %v", err)
		}
		r.patch(r.plane, r.configMap("label", ""), `{"metadata":{"labels":{"go":"yes"}}}`)
		r.claimed("label", "labelled")
		r.inAll(r.configMap("label", ""), nil)
		r.patch(r.plane, r.configMap("label", ""), `{"metadata":{"labels":{"go":null}}}`)
		r.claimed("label", "")
		r.inAll(r.configMap("label", ""), nil)
	})
}

func TestLazyPolicy(t *testing.T) {
	r := newRig(t, 1)
	r.settleNamespace()
	lazy := func(p *policyv1alpha1.PropagationPolicy) {
		p.Spec.ActivationPreference = policyv1alpha1.LazyActivation
		p.Spec.PreserveResourcesOnDeletion = ptr.To(false)
	}
	r.create(r.configMap("before", "a"))
	r.quiet()
	p := r.policy("lazy", lazy, configMaps)
	r.quiet()
	key := types.NamespacedName{Namespace: r.namespace, Name: "before-configmap"}
	var b workv1alpha2.ResourceBinding
	if err := r.plane.Get(t.Context(), key, &b); !apierrors.IsNotFound(err) {
		t.Errorf("a lazy policy made a binding at once: %v", err)
	}
	r.restart()
	r.quiet()
	if err := r.plane.Get(t.Context(), key, &b); !apierrors.IsNotFound(err) {
		t.Errorf("a restart activated a lazy policy: %v", err)
	}
	r.create(r.configMap("after", "a"))
	r.inAll(r.configMap("after", ""), nil)
	r.stop()
	r.create(r.configMap("meanwhile", "a")) // newer than the policy, though both are first heard of at the start
	r.start(startServers(t).plane)
	r.inAll(r.configMap("meanwhile", ""), nil)
	r.patch(r.plane, r.configMap("before", ""), `{"data":{"key":"b"}}`)
	r.inAll(r.configMap("before", ""), nil)

	r.patch(r.plane, p, `{"spec":{"preserveResourcesOnDeletion":true}}`)
	r.quiet()
	preserve := func(ctx context.Context) error {
		if err := r.plane.Get(ctx, key, &b); err != nil || !ptr.Deref(b.Spec.PreserveResourcesOnDeletion, false) {
			return fmt.Errorf("preserve %v, %w", b.Spec.PreserveResourcesOnDeletion, err)
		}
		return nil
	}
	if preserve(t.Context()) == nil {
		t.Error("a change of a lazy policy took effect at once")
	}
	r.patch(r.plane, r.configMap("before", ""), `{"data":{"key":"c"}}`)
	r.eventually("the policy's change with the template's", preserve)
}

func TestNamespaces(t *testing.T) {
	r := newRig(t, 2)
	r.settleNamespace()
	for name, labels := range map[string]map[string]string{
		r.namespace + "-home":     {policyv1alpha1.NamespaceSkipAutoPropagationLabel: "true"},
		"kube-" + r.namespace:     nil,
		r.namespace + "-everyone": {"team": "a"},
	} {
		r.create(&corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: name, Labels: labels}})
	}
	ns := &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: r.namespace + "-everyone"}}
	r.inAll(ns, func(*member) error {
		if ns.Labels["team"] != "a" {
			return fmt.Errorf("%v", ns.Labels)
		}
		return nil
	})
	r.quiet()
	for _, m := range r.members {
		for _, name := range []string{r.namespace + "-home", "kube-" + r.namespace} {
			if err := m.Get(t.Context(), types.NamespacedName{Name: name}, &corev1.Namespace{}); !apierrors.IsNotFound(err) {
				t.Errorf("%s in %s: %v", name, m.name, err)
			}
		}
	}
	t.Run("a member that joins gets them", func(t *testing.T) {
		r.join(fmt.Sprintf("%s-late", r.namespace), startServers(t).members[2])
		late := r.members[2]
		r.eventually("there", func(ctx context.Context) error {
			return late.Get(ctx, client.ObjectKeyFromObject(ns), &corev1.Namespace{})
		})
	})
}

// Works move with the placement, and a Work that somebody deleted or changed comes back.
func TestWorks(t *testing.T) {
	r := newRig(t, 2)
	r.settleNamespace()
	r.policy("all", nil, configMaps)
	r.create(r.configMap("cm", "a"))
	r.inAll(r.configMap("cm", ""), nil)
	r.quiet()
	one, two := r.members[0], r.members[1]
	workOf := func(m *member) *workv1alpha1.Work {
		return &workv1alpha1.Work{ObjectMeta: metav1.ObjectMeta{Namespace: wellknown.ExecutionNamespace(m.name), Name: wellknown.WorkName("ConfigMap", "cm", r.namespace)}}
	}

	t.Run("deleted", func(t *testing.T) {
		if err := r.plane.Delete(t.Context(), workOf(one)); err != nil {
			t.Fatal(err)
		}
		r.quiet()
		r.inAll(r.configMap("cm", ""), nil)
	})
	t.Run("changed", func(t *testing.T) {
		r.patch(r.plane, workOf(one), `{"spec":{"workload":{"manifests":[{"apiVersion":"v1","kind":"ConfigMap","metadata":{"namespace":"`+r.namespace+`","name":"cm"},"data":{"key":"meddled"}}]}}}`)
		r.quiet()
		cm := r.configMap("cm", "")
		r.inAll(cm, func(*member) error {
			if cm.Data["key"] != "a" {
				return fmt.Errorf("%v", cm.Data)
			}
			return nil
		})
	})
	t.Run("label taken off in the member", func(t *testing.T) {
		cm := r.configMap("cm", "")
		r.patch(one, cm, `{"metadata":{"labels":{"karmada.io/managed":null}}}`)
		r.inAll(cm, func(*member) error {
			if cm.Labels[wellknown.ManagedLabel] != "true" {
				return fmt.Errorf("%v", cm.Labels)
			}
			return nil
		})
	})
	t.Run("moved", func(t *testing.T) {
		b := &workv1alpha2.ResourceBinding{ObjectMeta: metav1.ObjectMeta{Namespace: r.namespace, Name: "cm-configmap"}}
		r.movePlacement(two)
		r.patch(r.plane, b, `{"metadata":{"annotations":{"touched":"1"}}}`)
		r.gone(r.plane, workOf(one))
		r.gone(one, r.configMap("cm", ""))
		if err := two.Get(t.Context(), client.ObjectKeyFromObject(r.configMap("cm", "")), r.configMap("cm", "")); err != nil {
			t.Error(err)
		}
		r.eventually("the status has one cluster", func(ctx context.Context) error {
			if err := r.plane.Get(ctx, client.ObjectKeyFromObject(b), b); err != nil {
				return err
			}
			if items := b.Status.AggregatedStatus; len(items) != 1 || items[0].ClusterName != two.name {
				return fmt.Errorf("%+v", items)
			}
			return nil
		})
	})
}
