package nativekinds

import (
	"context"
	"encoding/json"
	"strings"
	"testing"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/dynamic"
	"k8s.io/client-go/rest"

	policyv1alpha1 "github.com/karmada-io/karmada/pkg/apis/policy/v1alpha1"
	workv1alpha2 "github.com/karmada-io/karmada/pkg/apis/work/v1alpha2"

	"atoll.dev/atoll/apis/karmada/wellknown"
)

// client returns a client of the resource, in a namespace of the test's own unless it is cluster-scoped.
func client(t *testing.T, resource, version string) dynamic.ResourceInterface {
	t.Helper()
	for _, k := range kinds(Options{}) {
		if k.plural != resource {
			continue
		}
		namespace := ""
		if k.namespaced {
			namespace = namespaceOf(t)
		}
		return resourceIn(k.group, version, resource, namespace)
	}
	t.Fatalf("%s is not stored", resource)
	return nil
}

func resourceIn(group, version, resource, namespace string) dynamic.ResourceInterface {
	r := dynamic.NewForConfigOrDie(plane.config).Resource(schema.GroupVersionResource{Group: group, Version: version, Resource: resource})
	if namespace != "" {
		return r.Namespace(namespace)
	}
	return r
}

func namespaceOf(t *testing.T) string {
	return strings.ToLower(strings.NewReplacer("/", "-", "_", "-").Replace(t.Name()))
}

// sample returns the first sample of a kind, in the namespace and with the name of the test.
func sample(t *testing.T, kind string) *unstructured.Unstructured {
	t.Helper()
	u := &unstructured.Unstructured{Object: samplesOf(t, kind)[0]}
	if u.GetNamespace() != "" {
		if selectors, found, _ := unstructured.NestedSlice(u.Object, "spec", "resourceSelectors"); found {
			for _, s := range selectors {
				s.(map[string]any)["namespace"] = namespaceOf(t)
			}
			set(t, u, selectors, "spec", "resourceSelectors")
		}
		u.SetNamespace(namespaceOf(t))
	}
	u.SetName(namespaceOf(t))
	return u
}

func set(t *testing.T, u *unstructured.Unstructured, value any, path ...string) {
	t.Helper()
	if err := unstructured.SetNestedField(u.Object, value, path...); err != nil {
		t.Fatal(err)
	}
}

func get(t *testing.T, u *unstructured.Unstructured, path ...string) any {
	t.Helper()
	value, _, err := unstructured.NestedFieldNoCopy(u.Object, path...)
	if err != nil {
		t.Fatal(err)
	}
	return value
}

func must[T any](value T, err error) T {
	if err != nil {
		panic(err)
	}
	return value
}

// TestStatusAndSpecAreApart writes status and specification through either
// resource and wants each to change only its own, and the generation to count
// changes of the specification.
func TestStatusAndSpecAreApart(t *testing.T) {
	ctx := context.Background()
	for _, c := range []struct {
		kind, resource, version string
		spec, status            []string // a field of either, and its new value
		specValue, statusValue  any
	}{
		{"work", "works", v1alpha1, []string{"spec", "suspendDispatching"}, []string{"status", "conditions"}, false, []any{}},
		{"resourcebinding", "resourcebindings", v1alpha2, []string{"spec", "replicas"}, []string{"status", "schedulerObservedGeneration"}, int64(9), int64(8)},
		{"clusterresourcebinding", "clusterresourcebindings", v1alpha2, []string{"spec", "replicas"}, []string{"status", "schedulerObservedGeneration"}, int64(9), int64(8)},
		{"workloadrebalancer", "workloadrebalancers", v1alpha1, []string{"spec", "ttlSecondsAfterFinished"}, []string{"status", "observedGeneration"}, int64(9), int64(8)},
		{"federatedhpa", "federatedhpas", v1alpha1, []string{"spec", "maxReplicas"}, []string{"status", "desiredReplicas"}, int64(9), int64(8)},
		{"cluster", "clusters", v1alpha1, []string{"spec", "region"}, []string{"status", "kubernetesVersion"}, "south", "v1.34.0"},
	} {
		t.Run(c.resource, func(t *testing.T) {
			r := client(t, c.resource, c.version)
			created := must(r.Create(ctx, sample(t, c.kind), metav1.CreateOptions{}))
			if created.GetGeneration() != 1 {
				t.Errorf("generation is %d after creation, want 1", created.GetGeneration())
			}
			if got := get(t, created, c.status...); got != nil && got != int64(0) {
				t.Errorf("creation set %v to %v", c.status, got)
			}

			both := created.DeepCopy()
			set(t, both, c.specValue, c.spec...)
			set(t, both, c.statusValue, c.status...)
			both.SetLabels(map[string]string{"through": "main"})
			if id := created.GetLabels()[workv1alpha2.WorkPermanentIDLabel]; id != "" {
				both.SetLabels(map[string]string{"through": "main", workv1alpha2.WorkPermanentIDLabel: id})
			}
			updated := must(r.Update(ctx, both, metav1.UpdateOptions{}))
			if got := get(t, updated, c.spec...); got != c.specValue {
				t.Errorf("update left %v at %v", c.spec, got)
			}
			if got := get(t, updated, c.status...); got == c.statusValue && got != nil {
				t.Errorf("update set %v", c.status)
			}
			if updated.GetGeneration() != 2 {
				t.Errorf("generation is %d after a change of the specification, want 2", updated.GetGeneration())
			}

			both = updated.DeepCopy()
			set(t, both, get(t, created, c.spec...), c.spec...)
			set(t, both, c.statusValue, c.status...)
			both.SetLabels(map[string]string{"through": "status"})
			status := must(r.UpdateStatus(ctx, both, metav1.UpdateOptions{}))
			if got := get(t, status, c.spec...); got != c.specValue {
				t.Errorf("status update set %v to %v", c.spec, got)
			}
			if status.GetLabels()["through"] != "main" {
				t.Errorf("status update changed labels to %v", status.GetLabels())
			}
			if got, want := jsonOf(t, get(t, status, c.status...)), jsonOf(t, c.statusValue); got != want && got != "null" {
				t.Errorf("status update left %v at %v", c.status, got)
			}
			if status.GetGeneration() != 2 {
				t.Errorf("generation is %d after a status update, want 2", status.GetGeneration())
			}

			status.SetAnnotations(map[string]string{"note": "here"})
			if annotated := must(r.Update(ctx, status, metav1.UpdateOptions{})); annotated.GetGeneration() != 2 {
				t.Errorf("generation is %d after a change of metadata, want 2", annotated.GetGeneration())
			}
		})
	}
}

func jsonOf(t *testing.T, value any) string {
	t.Helper()
	raw, err := json.Marshal(value)
	if err != nil {
		t.Fatal(err)
	}
	return string(raw)
}

// TestKindsWithoutStatusSubresource wants no status to be served where Karmada's CRD has none.
func TestKindsWithoutStatusSubresource(t *testing.T) {
	withStatus := map[string]bool{}
	for _, crd := range karmadaCRDs(t) {
		v := crd.Spec.Versions[0]
		withStatus[crd.Spec.Names.Plural] = v.Subresources != nil && v.Subresources.Status != nil
	}
	for _, k := range kinds(Options{}) {
		if want, found := withStatus[k.plural]; found && k.status != want {
			t.Errorf("%s has a status subresource: %v, want %v", k.plural, k.status, want)
		}
	}
}

// TestUpdateNeedsResourceVersion: CRDs want one, Karmada's aggregated API server does not.
func TestUpdateNeedsResourceVersion(t *testing.T) {
	ctx := context.Background()
	for resource, needed := range map[string]bool{"works": true, "clusters": false} {
		r := client(t, resource, v1alpha1)
		u := must(r.Create(ctx, sample(t, strings.TrimSuffix(resource, "s")), metav1.CreateOptions{}))
		u.SetResourceVersion("")
		if _, err := r.Update(ctx, u, metav1.UpdateOptions{}); apierrors.IsInvalid(err) != needed {
			t.Errorf("update of %s without resourceVersion: %v", resource, err)
		}
	}
}

func TestFieldSelector(t *testing.T) {
	ctx := context.Background()
	r := client(t, "works", v1alpha1)
	for _, name := range []string{"a", "b"} {
		u := sample(t, "work")
		u.SetName(name)
		must(r.Create(ctx, u, metav1.CreateOptions{}))
	}
	list := must(r.List(ctx, metav1.ListOptions{FieldSelector: "metadata.name=b,metadata.namespace=" + namespaceOf(t)}))
	if len(list.Items) != 1 || list.Items[0].GetName() != "b" {
		t.Errorf("selected %d works, want b", len(list.Items))
	}
	if _, err := r.List(ctx, metav1.ListOptions{FieldSelector: "spec.suspendDispatching=true"}); !apierrors.IsBadRequest(err) {
		t.Errorf("selecting by a field that cannot be selected by: %v, want a refusal", err)
	}
}

// TestIdentityOfPolicies: the permanent ID is minted by the server, stays, and the finalizer is there from the start.
func TestIdentityOfPolicies(t *testing.T) {
	ctx := context.Background()
	for _, c := range []struct{ kind, resource, label, finalizer string }{
		{"propagationpolicy", "propagationpolicies", policyv1alpha1.PropagationPolicyPermanentIDLabel, wellknown.PropagationPolicyControllerFinalizer},
		{"clusterpropagationpolicy", "clusterpropagationpolicies", policyv1alpha1.ClusterPropagationPolicyPermanentIDLabel, wellknown.ClusterPropagationPolicyControllerFinalizer},
	} {
		r := client(t, c.resource, v1alpha1)
		u := sample(t, c.kind)
		u.SetLabels(map[string]string{c.label: "mine"})
		created := must(r.Create(ctx, u, metav1.CreateOptions{}))
		id := created.GetLabels()[c.label]
		if id == "" || id == "mine" {
			t.Errorf("%s: permanent ID is %q, want one minted by the server", c.kind, id)
		}
		if got := created.GetFinalizers(); len(got) != 1 || got[0] != c.finalizer {
			t.Errorf("%s: finalizers are %v, want %s", c.kind, got, c.finalizer)
		}
		without := created.DeepCopy()
		without.SetLabels(nil)
		kept := must(r.Update(ctx, without, metav1.UpdateOptions{}))
		if got := kept.GetLabels()[c.label]; got != id {
			t.Errorf("%s: permanent ID is %q after an update without labels, want %q", c.kind, got, id)
		}
		kept.SetLabels(map[string]string{c.label: "mine"})
		if _, err := r.Update(ctx, kept, metav1.UpdateOptions{}); !apierrors.IsInvalid(err) || !strings.Contains(err.Error(), c.label) {
			t.Errorf("%s: change of the permanent ID: %v, want a refusal that names %s", c.kind, err, c.label)
		}
	}
}

// TestBindingThroughV1alpha1 reads and writes a binding through the old version:
// it shows a part, and a write changes no more than that part.
func TestBindingThroughV1alpha1(t *testing.T) {
	ctx := context.Background()
	hub, view := client(t, "resourcebindings", v1alpha2), client(t, "resourcebindings", v1alpha1)
	created := must(hub.Create(ctx, sample(t, "resourcebinding"), metav1.CreateOptions{}))
	set(t, created, "Unhealthy", "status", "aggregatedStatus")
	created.Object["status"] = sample(t, "resourcebinding").Object["status"]
	created = must(hub.UpdateStatus(ctx, created, metav1.UpdateOptions{}))

	old := must(view.Get(ctx, created.GetName(), metav1.GetOptions{}))
	if got := get(t, old, "spec", "resource", "replicas"); got != int64(2) {
		t.Errorf("spec.resource.replicas is %v in v1alpha1, want 2", got)
	}
	if get(t, old, "spec", "placement") != nil {
		t.Error("v1alpha1 has a placement")
	}
	set(t, old, int64(5), "spec", "resource", "replicas")
	must(view.Update(ctx, old, metav1.UpdateOptions{}))
	now := must(hub.Get(ctx, created.GetName(), metav1.GetOptions{}))
	if got := get(t, now, "spec", "replicas"); got != int64(5) {
		t.Errorf("spec.replicas is %v, want the 5 written through v1alpha1", got)
	}
	set(t, now, int64(2), "spec", "replicas")
	if got, want := jsonOf(t, now.Object["spec"]), jsonOf(t, created.Object["spec"]); got != want {
		t.Errorf("write through v1alpha1 changed what it cannot express:\n%s\nwant\n%s", got, want)
	}
	if got, want := jsonOf(t, now.Object["status"]), jsonOf(t, created.Object["status"]); got != want {
		t.Errorf("status is\n%s\nwant\n%s", got, want)
	}

	old = must(view.Get(ctx, created.GetName(), metav1.GetOptions{}))
	old = must(view.UpdateStatus(ctx, old, metav1.UpdateOptions{}))
	now = must(hub.Get(ctx, created.GetName(), metav1.GetOptions{}))
	if got, want := jsonOf(t, now.Object["status"]), jsonOf(t, created.Object["status"]); got != want {
		t.Errorf("status written through v1alpha1 is\n%s\nwant\n%s", got, want)
	}
	if old.GetAPIVersion() != "work.karmada.io/v1alpha1" {
		t.Errorf("v1alpha1 returned %s", old.GetAPIVersion())
	}
}

// TestServerSideApply applies a policy by two managers: each owns its fields, and a conflict is told.
func TestServerSideApply(t *testing.T) {
	ctx := context.Background()
	r := client(t, "propagationpolicies", v1alpha1)
	u := sample(t, "propagationpolicy")
	must(r.Apply(ctx, u.GetName(), u, metav1.ApplyOptions{FieldManager: "one"}))
	other := &unstructured.Unstructured{Object: map[string]any{
		"apiVersion": u.GetAPIVersion(), "kind": u.GetKind(), "metadata": map[string]any{"name": u.GetName(), "namespace": u.GetNamespace()},
		"spec": map[string]any{"priority": int64(9)},
	}}
	if _, err := r.Apply(ctx, u.GetName(), other, metav1.ApplyOptions{FieldManager: "two"}); !apierrors.IsConflict(err) {
		t.Errorf("applying another manager's field: %v, want a conflict", err)
	}
	applied := must(r.Apply(ctx, u.GetName(), other, metav1.ApplyOptions{FieldManager: "two", Force: true}))
	if get(t, applied, "spec", "priority") != int64(9) || get(t, applied, "spec", "placement") == nil {
		t.Errorf("spec is %v after a forced apply of the priority", applied.Object["spec"])
	}

	works := client(t, "works", v1alpha1)
	work := sample(t, "work")
	must(works.Apply(ctx, work.GetName(), work, metav1.ApplyOptions{FieldManager: "one"}))
	delete(work.Object, "spec")
	status := must(works.ApplyStatus(ctx, work.GetName(), work, metav1.ApplyOptions{FieldManager: "reporter"}))
	if get(t, status, "spec", "workload") == nil || get(t, status, "status", "conditions") == nil {
		t.Errorf("work is %v after its status was applied", status.Object)
	}
}

// TestStoredForm: objects are JSON in their stored version, where Karmada's CRDs keep them.
func TestStoredForm(t *testing.T) {
	ctx := context.Background()
	created := must(client(t, "resourcebindings", v1alpha1).Create(ctx, &unstructured.Unstructured{Object: map[string]any{
		"apiVersion": "work.karmada.io/v1alpha1", "kind": "ResourceBinding",
		"metadata": map[string]any{"name": "stored", "namespace": namespaceOf(t)},
		"spec":     map[string]any{"resource": map[string]any{"apiVersion": "v1", "kind": "ConfigMap", "name": "a"}},
	}}, metav1.CreateOptions{}))
	raw := stored(t, "/registry/work.karmada.io/resourcebindings/"+namespaceOf(t)+"/"+created.GetName())
	object := &unstructured.Unstructured{}
	if err := object.UnmarshalJSON(raw); err != nil {
		t.Fatalf("what is stored is not JSON: %v", err)
	}
	if object.GetAPIVersion() != "work.karmada.io/v1alpha2" {
		t.Errorf("stored as %s, want v1alpha2", object.GetAPIVersion())
	}
	must(client(t, "works", v1alpha1).Create(ctx, sample(t, "work"), metav1.CreateOptions{}))
	raw = stored(t, "/registry/work.karmada.io/works/"+namespaceOf(t)+"/"+namespaceOf(t))
	if err := object.UnmarshalJSON(raw); err != nil || object.GetAPIVersion() != "work.karmada.io/v1alpha1" {
		t.Errorf("work is stored as %s (%v), want v1alpha1", object.GetAPIVersion(), err)
	}
}

// TestInterpreterCustomizationsDoNotCompete: only one customization may take an operation of a kind.
func TestInterpreterCustomizationsDoNotCompete(t *testing.T) {
	ctx := context.Background()
	r := client(t, "resourceinterpretercustomizations", v1alpha1)
	first := sample(t, "resourceinterpretercustomization")
	must(r.Create(ctx, first, metav1.CreateOptions{}))
	second := first.DeepCopy()
	second.SetName("second")
	_, err := r.Create(ctx, second, metav1.CreateOptions{})
	if !apierrors.IsInvalid(err) || !strings.Contains(err.Error(), "spec.customizations.retention") || !strings.Contains(err.Error(), first.GetName()) {
		t.Errorf("second customization of the same kind: %v, want a refusal that names the field and the first", err)
	}
	set(t, second, map[string]any{"dependencyInterpretation": map[string]any{"luaScript": "function GetDependencies(o)\n  return {}}\nend"}}, "spec", "customizations")
	_, err = r.Create(ctx, second, metav1.CreateOptions{})
	if !apierrors.IsInvalid(err) || !strings.Contains(err.Error(), "spec.customizations.dependencyInterpretation.luaScript") || !strings.Contains(err.Error(), "line 2") {
		t.Errorf("script that does not compile: %v, want a refusal that names the field and the line", err)
	}
	set(t, second, map[string]any{"dependencyInterpretation": map[string]any{"luaScript": "function GetDependencies(o) return {} end"}}, "spec", "customizations")
	if _, err := r.Create(ctx, second, metav1.CreateOptions{}); err != nil {
		t.Errorf("second interpretation of dependencies: %v, want it accepted", err)
	}
}

// TestWarnings: what nothing acts on is said when it is created.
func TestWarnings(t *testing.T) {
	for _, c := range []struct{ resource, kind, want string }{
		{"federatedhpas", "federatedhpa", "FederatedHPA is stored and validated, but no controller of this Atoll version acts on it yet"},
		{"cronfederatedhpas", "cronfederatedhpa", "CronFederatedHPA is stored"},
		{"federatedresourcequotas", "federatedresourcequota", "FederatedResourceQuota is stored"},
		{"multiclusterservices", "multiclusterservice", "MultiClusterService is stored"},
		{"multiclusteringresses", "multiclusteringress", "MultiClusterIngress is stored"},
		{"resourceregistries", "resourceregistry", "ResourceRegistry is stored"},
	} {
		t.Run(c.kind, func(t *testing.T) {
			warnings := &recorder{}
			config := rest.CopyConfig(plane.config)
			config.WarningHandler = warnings
			u := sample(t, c.kind)
			gvr := schema.GroupVersionResource{Group: u.GroupVersionKind().Group, Version: v1alpha1, Resource: c.resource}
			var r dynamic.ResourceInterface = dynamic.NewForConfigOrDie(config).Resource(gvr)
			if u.GetNamespace() != "" {
				r = dynamic.NewForConfigOrDie(config).Resource(gvr).Namespace(u.GetNamespace())
			}
			must(r.Create(context.Background(), u, metav1.CreateOptions{}))
			if len(warnings.texts) != 1 || !strings.HasPrefix(warnings.texts[0], c.want) {
				t.Errorf("warnings are %q, want %q", warnings.texts, c.want)
			}
		})
	}
}

type recorder struct{ texts []string }

func (r *recorder) HandleWarningHeader(_ int, _, text string) { r.texts = append(r.texts, text) }

// TestUnknownFieldIsRefused when the client asks for strict validation, as kubectl does.
func TestUnknownFieldIsRefused(t *testing.T) {
	u := sample(t, "propagationpolicy")
	set(t, u, "x", "spec", "placment")
	_, err := client(t, "propagationpolicies", v1alpha1).Create(context.Background(), u, metav1.CreateOptions{FieldValidation: metav1.FieldValidationStrict})
	if !apierrors.IsBadRequest(err) || !strings.Contains(err.Error(), "spec.placment") {
		t.Errorf("unknown field: %v, want a refusal that names it", err)
	}
}

// TestMergePatchOfStatus patches a condition, as controllers do.
func TestMergePatchOfStatus(t *testing.T) {
	ctx := context.Background()
	r := client(t, "resourcebindings", v1alpha2)
	created := must(r.Create(ctx, sample(t, "resourcebinding"), metav1.CreateOptions{}))
	patch := []byte(`{"status":{"schedulerObservedGeneration":1},"spec":{"replicas":99}}`)
	patched := must(r.Patch(ctx, created.GetName(), types.MergePatchType, patch, metav1.PatchOptions{}, "status"))
	if get(t, patched, "status", "schedulerObservedGeneration") != int64(1) || get(t, patched, "spec", "replicas") != int64(2) {
		t.Errorf("patched binding is %v", patched.Object)
	}
	invalid := []byte(`{"status":{"conditions":[{"type":"Scheduled","status":"Maybe","reason":"x","message":"","lastTransitionTime":"2024-01-02T03:04:05Z"}]}}`)
	_, err := r.Patch(ctx, created.GetName(), types.MergePatchType, invalid, metav1.PatchOptions{}, "status")
	if !apierrors.IsInvalid(err) || !strings.Contains(err.Error(), "status.conditions[0].status") {
		t.Errorf("condition with an unknown status: %v, want a refusal that names the field", err)
	}
}

// TestOpenAPI wants the types of every group to be described, for kubectl explain and server-side apply.
func TestOpenAPI(t *testing.T) {
	rc, err := rest.UnversionedRESTClientFor(&rest.Config{Host: plane.config.Host, ContentConfig: rest.ContentConfig{
		GroupVersion: &schema.GroupVersion{}, NegotiatedSerializer: runtime.NewSimpleNegotiatedSerializer(runtime.SerializerInfo{})}})
	if err != nil {
		t.Fatal(err)
	}
	for _, gv := range GroupVersions() {
		var document struct {
			Components struct {
				Schemas map[string]struct {
					Kinds []schema.GroupVersionKind `json:"x-kubernetes-group-version-kind"`
				}
			}
		}
		if err := json.Unmarshal(must(rc.Get().AbsPath("/openapi/v3/apis/"+gv.String()).DoRaw(context.Background())), &document); err != nil {
			t.Fatal(err)
		}
		described := 0
		for name, model := range document.Components.Schemas {
			prefix := "com.github.karmada-io."
			if strings.HasSuffix(gv.Group, ".atoll.dev") {
				prefix = "dev.atoll."
			}
			if !strings.HasPrefix(name, prefix) || len(model.Kinds) == 0 {
				continue
			}
			if len(model.Kinds) != 1 || model.Kinds[0].GroupVersion() != gv {
				t.Errorf("OpenAPI of %s: %s is the schema of %v", gv, name, model.Kinds)
			}
			described++
		}
		if described == 0 {
			t.Errorf("OpenAPI of %s describes no kind", gv)
		}
	}
	raw := string(must(rc.Get().AbsPath("/openapi/v3/apis/policy.karmada.io/v1alpha1").DoRaw(context.Background())))
	if !strings.Contains(raw, "Placement represents the rule for select clusters to propagate resources.") {
		t.Error("OpenAPI of placements has no descriptions")
	}
}
