package propagation_test

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	configv1alpha1 "github.com/karmada-io/karmada/pkg/apis/config/v1alpha1"
	policyv1alpha1 "github.com/karmada-io/karmada/pkg/apis/policy/v1alpha1"
	workv1alpha1 "github.com/karmada-io/karmada/pkg/apis/work/v1alpha1"
	workv1alpha2 "github.com/karmada-io/karmada/pkg/apis/work/v1alpha2"
	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	apiextensionsv1 "k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/utils/ptr"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"atoll.dev/atoll/apis/karmada/wellknown"
)

// customKind defines a kind with a status in the control plane and in all members.
func (r *rig) customKind(kind string) schema.GroupVersionKind {
	r.t.Helper()
	plural := strings.ToLower(kind) + "s"
	crd := &apiextensionsv1.CustomResourceDefinition{
		ObjectMeta: metav1.ObjectMeta{Name: plural + ".example.test"},
		Spec: apiextensionsv1.CustomResourceDefinitionSpec{
			Group: "example.test", Scope: apiextensionsv1.NamespaceScoped,
			Names: apiextensionsv1.CustomResourceDefinitionNames{Plural: plural, Kind: kind, ListKind: kind + "List"},
			Versions: []apiextensionsv1.CustomResourceDefinitionVersion{{
				Name: "v1", Served: true, Storage: true,
				Schema: &apiextensionsv1.CustomResourceValidation{OpenAPIV3Schema: &apiextensionsv1.JSONSchemaProps{
					Type: "object", XPreserveUnknownFields: ptr.To(true),
				}},
				Subresources: &apiextensionsv1.CustomResourceSubresources{Status: &apiextensionsv1.CustomResourceSubresourceStatus{}},
			}},
		},
	}
	all := []client.Client{r.plane}
	for _, m := range r.members {
		all = append(all, m)
	}
	for _, c := range all {
		if err := c.Create(r.t.Context(), crd.DeepCopy()); err != nil && !apierrors.IsAlreadyExists(err) {
			r.t.Fatal(err)
		}
		if err := waitEstablished(r.t.Context(), c, crd.Name); err != nil {
			r.t.Fatal(err)
		}
	}
	return schema.GroupVersionKind{Group: "example.test", Version: "v1", Kind: kind}
}

func object(kind schema.GroupVersionKind, namespace, name string, spec map[string]any) *unstructured.Unstructured {
	u := &unstructured.Unstructured{Object: map[string]any{"spec": spec}}
	u.SetGroupVersionKind(kind)
	u.SetNamespace(namespace)
	u.SetName(name)
	return u
}

func customization(name string, kind schema.GroupVersionKind, rules configv1alpha1.CustomizationRules) *configv1alpha1.ResourceInterpreterCustomization {
	return &configv1alpha1.ResourceInterpreterCustomization{
		ObjectMeta: metav1.ObjectMeta{Name: name},
		Spec: configv1alpha1.ResourceInterpreterCustomizationSpec{
			Target:         configv1alpha1.CustomizationTarget{APIVersion: kind.GroupVersion().String(), Kind: kind.Kind},
			Customizations: rules,
		},
	}
}

func wantField(u *unstructured.Unstructured, want any, path ...string) error {
	got, _, err := unstructured.NestedFieldNoCopy(u.Object, path...)
	if err != nil {
		return err
	}
	if fmt.Sprint(got) != fmt.Sprint(want) {
		return fmt.Errorf("%s is %v, want %v", strings.Join(path, "."), got, want)
	}
	return nil
}

func TestCustomization(t *testing.T) {
	r := newRig(t, 3)
	r.divided.Store(true)
	widget := r.customKind("Widget")
	r.policy("widgets", func(p *policyv1alpha1.PropagationPolicy) { p.Spec.PropagateDeps = true },
		policyv1alpha1.ResourceSelector{APIVersion: "example.test/v1", Kind: "Widget"})
	r.policy("deployments", nil, deployments)
	r.create(&corev1.ConfigMap{ObjectMeta: metav1.ObjectMeta{Namespace: r.namespace, Name: "parts"}, Data: map[string]string{"a": "b"}})
	r.create(object(widget, r.namespace, "w", map[string]any{"size": int64(6), "parts": "parts", "own": "template"}))
	r.inAll(object(widget, r.namespace, "w", nil), nil)
	template := object(widget, r.namespace, "w", nil)
	health := func(want workv1alpha1.ResourceHealth) func(context.Context) error {
		return func(ctx context.Context) error {
			var b workv1alpha2.ResourceBinding
			if err := r.plane.Get(ctx, client.ObjectKey{Namespace: r.namespace, Name: "w-widget"}, &b); err != nil {
				return err
			}
			if n := len(b.Status.AggregatedStatus); n != 3 {
				return fmt.Errorf("there are statuses of %d members, want 3", n)
			}
			for _, item := range b.Status.AggregatedStatus {
				if item.Health != workv1alpha2.ResourceHealth(want) {
					return fmt.Errorf("%s is %s, want %s", item.ClusterName, item.Health, want)
				}
			}
			return nil
		}
	}

	c := customization(r.namespace, widget, configv1alpha1.CustomizationRules{
		ReplicaResource: &configv1alpha1.ReplicaResourceRequirement{LuaScript: `
function GetReplicas(o)
  return o.spec.size, {resourceRequest = {cpu = "100m"}}
end`},
		ReplicaRevision: &configv1alpha1.ReplicaRevision{LuaScript: `
function ReviseReplica(o, n)
  o.spec.size = n
  return o
end`},
		Retention: &configv1alpha1.LocalValueRetention{LuaScript: `
function Retain(desired, observed)
  desired.spec.own = observed.spec.own
  return desired
end`},
		StatusReflection: &configv1alpha1.StatusReflection{LuaScript: `
function ReflectStatus(o)
  if o.status == nil then return {} end
  return {ready = o.status.ready}
end`},
		StatusAggregation: &configv1alpha1.StatusAggregation{LuaScript: `
function AggregateStatus(o, items)
  o.status = {ready = 0}
  for i = 1, #items do
    if items[i].status ~= nil and items[i].status.ready ~= nil then
      o.status.ready = o.status.ready + items[i].status.ready
    end
  end
  return o
end`},
		HealthInterpretation: &configv1alpha1.HealthInterpretation{LuaScript: `
function InterpretHealth(o)
  return o.status ~= nil and o.status.ready == o.spec.size
end`},
		DependencyInterpretation: &configv1alpha1.DependencyInterpretation{LuaScript: `
function GetDependencies(o)
  return {{apiVersion = "v1", kind = "ConfigMap", namespace = o.metadata.namespace, name = o.spec.parts}}
end`},
	})
	r.create(c)
	t.Cleanup(func() { _ = r.plane.Delete(context.Background(), c) })

	t.Run("replicas are divided", func(t *testing.T) {
		w := object(widget, r.namespace, "w", nil)
		r.inAll(w, func(*member) error { return wantField(w, 2, "spec", "size") })
		var b workv1alpha2.ResourceBinding
		if err := r.plane.Get(t.Context(), client.ObjectKey{Namespace: r.namespace, Name: "w-widget"}, &b); err != nil {
			t.Fatal(err)
		}
		if needs := b.Spec.ReplicaRequirements; b.Spec.Replicas != 6 || needs == nil || needs.ResourceRequest.Cpu().String() != "100m" {
			t.Errorf("the binding asks for %d replicas with %v", b.Spec.Replicas, needs)
		}
	})
	t.Run("dependencies follow", func(*testing.T) {
		r.inAll(&corev1.ConfigMap{ObjectMeta: metav1.ObjectMeta{Namespace: r.namespace, Name: "parts"}}, nil)
	})
	t.Run("the member's value is kept", func(t *testing.T) {
		w := object(widget, r.namespace, "w", nil)
		m := r.members[0]
		if err := m.Get(t.Context(), client.ObjectKeyFromObject(w), w); err != nil {
			t.Fatal(err)
		}
		if err := m.Patch(t.Context(), w, client.RawPatch("application/merge-patch+json", []byte(`{"spec":{"own":"member"}}`))); err != nil {
			t.Fatal(err)
		}
		r.quiet()
		if err := m.Get(t.Context(), client.ObjectKeyFromObject(w), w); err != nil {
			t.Fatal(err)
		}
		if err := wantField(w, "member", "spec", "own"); err != nil {
			t.Error(err)
		}
	})
	t.Run("status and health", func(t *testing.T) {
		r.eventually("unhealthy", health(workv1alpha1.ResourceUnhealthy))
		for _, m := range r.members {
			w := object(widget, r.namespace, "w", nil)
			if err := m.Get(t.Context(), client.ObjectKeyFromObject(w), w); err != nil {
				t.Fatal(err)
			}
			w.Object["status"] = map[string]any{"ready": int64(2), "secret": "detail"}
			if err := m.Status().Update(t.Context(), w); err != nil {
				t.Fatal(err)
			}
		}
		r.eventually("the status adds up", func(ctx context.Context) error {
			if err := r.plane.Get(ctx, client.ObjectKeyFromObject(template), template); err != nil {
				return err
			}
			return wantField(template, "map[ready:6]", "status")
		})
		r.eventually("healthy", health(workv1alpha1.ResourceHealthy))
		var w workv1alpha1.WorkList
		if err := r.plane.List(t.Context(), &w, client.InNamespace(wellknown.ExecutionNamespace(r.members[0].name))); err != nil {
			t.Fatal(err)
		}
		for _, item := range w.Items {
			for _, s := range item.Status.ManifestStatuses {
				if s.Identifier.Kind == "Widget" && string(s.Status.Raw) != `{"ready":2}` {
					t.Errorf("recorded is %s, want what the script returns", s.Status.Raw)
				}
			}
		}
	})
	t.Run("nothing is written for nothing", func(t *testing.T) {
		r.quiet()
		r.restart()
		r.quiet()
		if all, n := r.writes.all(); n > 0 {
			t.Errorf("a restart writes %v", all)
		}
	})
	t.Run("another customization is heeded at once", func(t *testing.T) {
		c.Spec.Customizations.HealthInterpretation.LuaScript = "function InterpretHealth(o) return false end"
		if err := r.plane.Update(t.Context(), c); err != nil {
			t.Fatal(err)
		}
		r.eventually("unhealthy", health(workv1alpha1.ResourceUnhealthy))
	})
	t.Run("a script that loops holds up nothing else", func(t *testing.T) {
		c.Spec.Customizations.ReplicaResource.LuaScript = "function GetReplicas(o) while true do end end"
		if err := r.plane.Update(t.Context(), c); err != nil {
			t.Fatal(err)
		}
		for i := range 20 {
			r.create(object(widget, r.namespace, fmt.Sprintf("stuck%d", i), map[string]any{"size": int64(1)}))
		}
		r.eventually("the failure is told", func(ctx context.Context) error {
			var events corev1.EventList
			if err := r.plane.List(ctx, &events, client.InNamespace(r.namespace)); err != nil {
				return err
			}
			for _, e := range events.Items {
				if e.Reason == "GetReplicasFailed" && strings.Contains(e.Message, r.namespace+": GetReplicas: ") && strings.Contains(e.Message, "has not finished within 1s") {
					return nil
				}
			}
			return fmt.Errorf("no event of %d tells it", len(events.Items))
		})
		start := time.Now()
		r.create(deployment(r.namespace, "web", 3))
		r.inAll(&appsv1.Deployment{ObjectMeta: metav1.ObjectMeta{Namespace: r.namespace, Name: "web"}}, nil)
		if took := time.Since(start); took > 5*time.Second {
			t.Errorf("a Deployment takes %s", took)
		}
	})
	t.Run("without it the kind is as unknown as before", func(t *testing.T) {
		if err := r.plane.Delete(t.Context(), c); err != nil {
			t.Fatal(err)
		}
		w := object(widget, r.namespace, "w", nil)
		r.inAll(w, func(*member) error { return wantField(w, 6, "spec", "size") })
		r.inAll(object(widget, r.namespace, "stuck19", nil), nil)
		r.eventually("healthy", health(workv1alpha1.ResourceHealthy))
	})
}
