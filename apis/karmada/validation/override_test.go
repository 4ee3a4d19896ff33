package validation

import (
	"testing"

	corev1 "k8s.io/api/core/v1"
	apiextensionsv1 "k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	policyv1alpha1 "github.com/karmada-io/karmada/pkg/apis/policy/v1alpha1"
)

func TestOverridePolicy(t *testing.T) {
	one := apiextensionsv1.JSON{Raw: []byte("1")}
	const path = "spec.overrideRules[0].overriders"
	for name, c := range map[string]struct {
		overriders policyv1alpha1.Overriders
		wants      []string
	}{
		"plaintext": {policyv1alpha1.Overriders{Plaintext: []policyv1alpha1.PlaintextOverrider{{Path: "/spec/replicas", Operator: "replace", Value: one}}}, nil},
		"plaintext with a path that is no pointer": {
			policyv1alpha1.Overriders{Plaintext: []policyv1alpha1.PlaintextOverrider{{Path: "spec.replicas", Operator: "replace", Value: one}}},
			[]string{path + ".plaintext[0].path: must be a JSON pointer such as /spec/replicas"}},
		"plaintext with an unknown operator": {
			policyv1alpha1.Overriders{Plaintext: []policyv1alpha1.PlaintextOverrider{{Path: "/a", Operator: "patch", Value: one}}},
			[]string{path + `.plaintext[0].operator: supported values: "add", "remove", "replace"`}},
		"image with a predicate that is no pointer": {
			policyv1alpha1.Overriders{ImageOverrider: []policyv1alpha1.ImageOverrider{{Component: "Tag", Operator: "replace", Predicate: &policyv1alpha1.ImagePredicate{Path: "a"}}}},
			[]string{path + ".imageOverrider[0].predicate.path: JSON pointer"}},
		"image of an unknown component": {
			policyv1alpha1.Overriders{ImageOverrider: []policyv1alpha1.ImageOverrider{{Component: "Digest", Operator: "replace"}}},
			[]string{path + ".imageOverrider[0].component: supported values"}},
		"label that is none": {
			policyv1alpha1.Overriders{LabelsOverrider: []policyv1alpha1.LabelAnnotationOverrider{{Operator: "add", Value: map[string]string{"a b": "c d"}}}},
			[]string{path + ".labelsOverrider[0].value: a b", path + ".labelsOverrider[0].value: c d"}},
		"annotation that is none": {
			policyv1alpha1.Overriders{AnnotationsOverrider: []policyv1alpha1.LabelAnnotationOverrider{{Operator: "add", Value: map[string]string{"a b": "c d"}}}},
			[]string{path + ".annotationsOverrider[0].value: a b"}},
		"field as JSON and YAML": {
			policyv1alpha1.Overriders{FieldOverrider: []policyv1alpha1.FieldOverrider{{FieldPath: "/data/a",
				JSON: []policyv1alpha1.JSONPatchOperation{{SubPath: "/a", Operator: "add", Value: one}}, YAML: []policyv1alpha1.YAMLPatchOperation{{SubPath: "/a", Operator: "remove"}}}}},
			[]string{path + ".fieldOverrider[0].yaml: use one of the two"}},
		"field as neither": {
			policyv1alpha1.Overriders{FieldOverrider: []policyv1alpha1.FieldOverrider{{FieldPath: "/data/a"}}},
			[]string{path + ".fieldOverrider[0]: must have json or yaml"}},
		"field added without, and removed with a value": {
			policyv1alpha1.Overriders{FieldOverrider: []policyv1alpha1.FieldOverrider{{FieldPath: "/data/a",
				JSON: []policyv1alpha1.JSONPatchOperation{{SubPath: "/a", Operator: "add"}, {SubPath: "a", Operator: "remove", Value: one}}}}},
			[]string{path + ".fieldOverrider[0].json[0].value: must be set if operator is add", path + ".fieldOverrider[0].json[1].subPath: JSON pointer",
				path + ".fieldOverrider[0].json[1].value: cannot be set if operator is remove"}},
	} {
		t.Run(name, func(t *testing.T) {
			p := &policyv1alpha1.OverridePolicy{Spec: policyv1alpha1.OverrideSpec{OverrideRules: []policyv1alpha1.RuleWithCluster{{Overriders: c.overriders}}}}
			expect(t, OverridePolicy(p), c.wants...)
		})
	}
}

func TestOverridePolicyForms(t *testing.T) {
	rules := []policyv1alpha1.RuleWithCluster{{}}
	labels := policyv1alpha1.Overriders{LabelsOverrider: []policyv1alpha1.LabelAnnotationOverrider{{Operator: "add", Value: map[string]string{"a": "b"}}}}
	zone := &policyv1alpha1.ClusterAffinity{FieldSelector: &policyv1alpha1.FieldSelector{MatchExpressions: []corev1.NodeSelectorRequirement{{Key: "zone", Operator: "Gt", Values: []string{"a"}}}}}
	for name, c := range map[string]struct {
		spec  policyv1alpha1.OverrideSpec
		wants []string
	}{
		"rules":     {policyv1alpha1.OverrideSpec{OverrideRules: rules}, nil},
		"old form":  {policyv1alpha1.OverrideSpec{Overriders: labels, TargetCluster: &policyv1alpha1.ClusterAffinity{}}, nil},
		"both":      {policyv1alpha1.OverrideSpec{OverrideRules: rules, Overriders: labels, TargetCluster: &policyv1alpha1.ClusterAffinity{}}, []string{"spec.targetCluster: move it into a rule", "spec.overriders: move it into a rule"}},
		"namespace": {policyv1alpha1.OverrideSpec{ResourceSelectors: []policyv1alpha1.ResourceSelector{{APIVersion: "v1", Kind: "Secret", Namespace: "other"}}}, []string{"spec.resourceSelectors[0].namespace: default"}},
		"target": {policyv1alpha1.OverrideSpec{OverrideRules: []policyv1alpha1.RuleWithCluster{{TargetCluster: zone}}},
			[]string{"spec.overrideRules[0].targetCluster.fieldSelector.matchExpressions[0].operator: supported values"}},
	} {
		t.Run(name, func(t *testing.T) {
			expect(t, OverridePolicy(&policyv1alpha1.OverridePolicy{ObjectMeta: metav1.ObjectMeta{Namespace: "default"}, Spec: c.spec}), c.wants...)
		})
	}
}
