package affinity_test

import (
	"testing"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	policyv1alpha1 "github.com/karmada-io/karmada/pkg/apis/policy/v1alpha1"

	"atoll.dev/atoll/pkg/scheduler/affinity"
	"atoll.dev/atoll/pkg/scheduler/internal/fixture"
	"atoll.dev/atoll/pkg/scheduler/snapshot"
)

func TestMismatch(t *testing.T) {
	labelled := func(key string, operator metav1.LabelSelectorOperator, values ...string) policyv1alpha1.ClusterAffinity {
		return policyv1alpha1.ClusterAffinity{LabelSelector: &metav1.LabelSelector{
			MatchExpressions: []metav1.LabelSelectorRequirement{{Key: key, Operator: operator, Values: values}},
		}}
	}
	field := func(key string, operator corev1.NodeSelectorOperator, values ...string) policyv1alpha1.ClusterAffinity {
		return policyv1alpha1.ClusterAffinity{FieldSelector: &policyv1alpha1.FieldSelector{
			MatchExpressions: []corev1.NodeSelectorRequirement{{Key: key, Operator: operator, Values: values}},
		}}
	}
	for _, c := range []struct {
		name string
		rule policyv1alpha1.ClusterAffinity
		want string
	}{
		{"matches", labelled("tier", metav1.LabelSelectorOpIn, "gold"), ""},
		{"excluded", policyv1alpha1.ClusterAffinity{ExcludeClusters: []string{"m1"}}, "it is excluded"},
		{"not named", fixture.Named("m2"), "it is not among the cluster names"},
		{"label missing", policyv1alpha1.ClusterAffinity{LabelSelector: &metav1.LabelSelector{MatchLabels: map[string]string{"zone": "a"}}}, "label zone=a is missing"},
		{"another value", labelled("tier", metav1.LabelSelectorOpIn, "silver"), `label tier is "gold", not "silver"`},
		{"none of several", labelled("tier", metav1.LabelSelectorOpIn, "tin", "silver"), `label tier is "gold", not one of silver, tin`},
		{"several, missing", labelled("zone", metav1.LabelSelectorOpIn, "b", "a"), "label zone is missing, it must be one of a, b"},
		{"must exist", labelled("zone", metav1.LabelSelectorOpExists), "label zone is missing"},
		{"must not exist", labelled("tier", metav1.LabelSelectorOpDoesNotExist), `label tier is "gold", the rule wants !tier`},
		{"must not be", labelled("tier", metav1.LabelSelectorOpNotIn, "gold"), `label tier is "gold", the rule wants tier notin (gold)`},
		{"provider", field("provider", corev1.NodeSelectorOpIn, "acme"), `field provider is "other", not "acme"`},
		{"zone", field("zone", corev1.NodeSelectorOpIn, "z9"), "its zones are [z1 z2], the rule wants zone In [z9]"},
		{"unreadable", labelled("tier", "Near"), "the rule cannot be read"},
	} {
		cluster := snapshot.New(fixture.Cluster("m1", fixture.Label("tier", "gold"), fixture.At("other", "r", "z1", "z2"))).Get("m1")
		m := affinity.Compile(&c.rule)
		if got := m.Mismatch(cluster); got != c.want {
			t.Errorf("%s: %q, want %q", c.name, got, c.want)
		}
		if m.Matches(cluster) != (c.want == "") {
			t.Errorf("%s: the rule and its explanation disagree", c.name)
		}
	}
}
