package validation

import (
	"slices"
	"strings"
	"testing"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/util/validation/field"
	"k8s.io/utils/ptr"

	"atoll.dev/atoll/apis/scheduling/v1alpha1"
)

func raw(json string) runtime.RawExtension { return runtime.RawExtension{Raw: []byte(json)} }

var configMap = raw(`{"apiVersion":"v1","kind":"ConfigMap","metadata":{"name":"c","namespace":"web"}}`)

const policyHead = `{"apiVersion":"policy.karmada.io/v1alpha1","kind":"PropagationPolicy","metadata":{"name":"p","namespace":"web"},"spec":`

func simulate(alter func(*v1alpha1.Simulation)) v1alpha1.PlacementReviewSpec {
	s := &v1alpha1.Simulation{Templates: []runtime.RawExtension{configMap}}
	if alter != nil {
		alter(s)
	}
	return v1alpha1.PlacementReviewSpec{Simulate: s}
}

func cluster(c v1alpha1.ClusterChange) v1alpha1.PlacementReviewSpec {
	return simulate(func(s *v1alpha1.Simulation) { s.Changes.Clusters = []v1alpha1.ClusterChange{c} })
}

func TestPlacementReview(t *testing.T) {
	for _, c := range []struct {
		name  string
		spec  v1alpha1.PlacementReviewSpec
		wants []string // "field: part of the message"
	}{
		{"a binding", v1alpha1.PlacementReviewSpec{Binding: &v1alpha1.BindingReference{Namespace: "web", Name: "b"}}, nil},
		{"a template", v1alpha1.PlacementReviewSpec{Template: &v1alpha1.TemplateReference{APIVersion: "apps/v1", Kind: "Deployment", Name: "d"}}, nil},
		{"a simulation", simulate(nil), nil},
		{"nothing", v1alpha1.PlacementReviewSpec{}, []string{"spec: exactly one of"}},
		{"two questions", v1alpha1.PlacementReviewSpec{Binding: &v1alpha1.BindingReference{Name: "b"}, Simulate: simulate(nil).Simulate}, []string{"spec: exactly one of"}},
		{"a nameless binding", v1alpha1.PlacementReviewSpec{Binding: &v1alpha1.BindingReference{}}, []string{"spec.binding.name: must be the name"}},
		{"an incomplete template", v1alpha1.PlacementReviewSpec{Template: &v1alpha1.TemplateReference{APIVersion: "a/b/c"}},
			[]string{"spec.template.apiVersion: GROUP/VERSION", "spec.template.kind: Required", "spec.template.name: Required"}},
		{"no templates", simulate(func(s *v1alpha1.Simulation) { s.Templates = nil }), []string{"spec.simulate.templates: at least one"}},
		{"no object", simulate(func(s *v1alpha1.Simulation) { s.Templates = append(s.Templates, raw(`[]`)) }), []string{"spec.simulate.templates[1]: must be an object"}},
		{"a nameless template", simulate(func(s *v1alpha1.Simulation) { s.Templates[0] = raw(`{"apiVersion":"v1","kind":"ConfigMap"}`) }),
			[]string{"spec.simulate.templates[0]: metadata.name"}},
		{"the data of a Secret", simulate(func(s *v1alpha1.Simulation) {
			s.Templates[0] = raw(`{"apiVersion":"v1","kind":"Secret","metadata":{"name":"s"},"data":{"a":"aHVzaA=="},"stringData":{}}`)
		}), []string{"spec.simulate.templates[0].data: leave it out", "spec.simulate.templates[0].stringData: leave it out"}},
		{"a policy among templates", simulate(func(s *v1alpha1.Simulation) { s.Templates[0] = raw(policyHead + `{}}`) }), []string{"spec.simulate.templates[0]: under policies"}},
		{"a template among policies", simulate(func(s *v1alpha1.Simulation) { s.Policies = []runtime.RawExtension{configMap} }),
			[]string{"spec.simulate.policies[0]: must be a PropagationPolicy"}},
		{"a policy that the API server refuses", simulate(func(s *v1alpha1.Simulation) { s.Policies = []runtime.RawExtension{raw(policyHead + `{}}`)} }),
			[]string{"spec.simulate.policies[0].spec.resourceSelectors: at least one"}},
		{"a field that there is not", simulate(func(s *v1alpha1.Simulation) {
			s.Policies = []runtime.RawExtension{raw(policyHead + `{"plcement":{}}}`)}
		}),
			[]string{"spec.simulate.policies[0]: plcement"}},
		{"negative replicas", simulate(func(s *v1alpha1.Simulation) { s.Replicas = ptr.To[int32](-1) }), []string{"spec.simulate.replicas: negative"}},
		{"too much at once", simulate(func(s *v1alpha1.Simulation) {
			s.Templates[0] = raw(`{"apiVersion":"v1","kind":"ConfigMap","metadata":{"name":"c"},"data":{"a":"` + strings.Repeat("x", MaxManifestBytes) + `"}}`)
		}), []string{"spec.simulate: fewer at a time"}},
		{"a cluster twice", simulate(func(s *v1alpha1.Simulation) { s.Changes.Clusters = []v1alpha1.ClusterChange{{Name: "m"}, {Name: "m"}} }),
			[]string{"spec.simulate.changes.clusters[1].name: Duplicate"}},
		{"a nameless cluster", cluster(v1alpha1.ClusterChange{}), []string{"spec.simulate.changes.clusters[0].name: Required"}},
		{"failed and labelled", cluster(v1alpha1.ClusterChange{Name: "m", Fail: true, Labels: map[string]string{"a": "b"}}), []string{"spec.simulate.changes.clusters[0].fail: other changes"}},
		{"a bad label", cluster(v1alpha1.ClusterChange{Name: "m", Labels: map[string]string{"a": "b c"}}), []string{"spec.simulate.changes.clusters[0].labels: Invalid"}},
		{"a label set and removed", cluster(v1alpha1.ClusterChange{Name: "m", Labels: map[string]string{"a": "b"}, RemoveLabels: []string{"a"}}),
			[]string{"spec.simulate.changes.clusters[0].removeLabels[0]: at once"}},
		{"a taint without effect", cluster(v1alpha1.ClusterChange{Name: "m", Taints: []corev1.Taint{{Key: "gpu"}}}),
			[]string{"spec.simulate.changes.clusters[0].taints[0].effect: supported"}},
	} {
		t.Run(c.name, func(t *testing.T) { expect(t, PlacementReview(&v1alpha1.PlacementReview{Spec: c.spec}), c.wants) })
	}
}

func TestSecretsAreNotRepeated(t *testing.T) {
	spec := simulate(func(s *v1alpha1.Simulation) {
		s.Templates[0] = raw(`{"apiVersion":"v1","kind":"Secret","metadata":{"name":"s"},"data":{"a":"aHVzaA=="}}`)
	})
	if text := PlacementReview(&v1alpha1.PlacementReview{Spec: spec}).ToAggregate().Error(); strings.Contains(text, "aHVzaA") {
		t.Errorf("the refusal tells the secret: %s", text)
	}
}

func TestAQuestionStays(t *testing.T) {
	old := &v1alpha1.PlacementReview{Spec: simulate(nil)}
	expect(t, PlacementReviewUpdate(old.DeepCopy(), old), nil)
	changed := old.DeepCopy()
	changed.Spec.Simulate.Replicas = ptr.To[int32](1)
	expect(t, PlacementReviewUpdate(changed, old), []string{"spec: create another"})
}

func TestStatus(t *testing.T) {
	expect(t, PlacementReviewStatus(&v1alpha1.PlacementReview{Status: v1alpha1.PlacementReviewStatus{Phase: v1alpha1.ReviewFailed}}), nil)
	expect(t, PlacementReviewStatus(&v1alpha1.PlacementReview{Status: v1alpha1.PlacementReviewStatus{Phase: "Done"}}), []string{"status.phase: supported"})
}

// expect compares errors with wants, in any order.
func expect(t *testing.T, errs field.ErrorList, wants []string) {
	t.Helper()
	left := slices.Clone(errs)
	for _, want := range wants {
		path, message, _ := strings.Cut(want, ": ")
		i := slices.IndexFunc(left, func(err *field.Error) bool { return err.Field == path && strings.Contains(err.Error(), message) })
		if i < 0 {
			t.Errorf("no error %q in %v", want, errs)
			continue
		}
		left = slices.Delete(left, i, i+1)
	}
	if len(left) > 0 {
		t.Errorf("unwanted: %v", left)
	}
}
