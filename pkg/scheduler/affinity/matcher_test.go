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

func field(key string, operator corev1.NodeSelectorOperator, values ...string) *policyv1alpha1.FieldSelector {
	return &policyv1alpha1.FieldSelector{MatchExpressions: []corev1.NodeSelectorRequirement{{Key: key, Operator: operator, Values: values}}}
}

func TestMatches(t *testing.T) {
	cluster := fixture.Cluster("m1", fixture.Label("env", "prod"), fixture.At("aws", "eu", "eu-1", "eu-2"))
	bare := fixture.Cluster("bare")
	type rule = policyv1alpha1.ClusterAffinity
	env := func(value string) *metav1.LabelSelector {
		return &metav1.LabelSelector{MatchLabels: map[string]string{"env": value}}
	}
	for _, c := range []struct {
		name             string
		rule             *rule
		m1, withoutProps bool
	}{
		{"no rule", nil, true, true},
		{"empty rule", &rule{}, true, true},
		{"named", &rule{ClusterNames: []string{"x", "m1"}}, true, false},
		{"excluded", &rule{ExcludeClusters: []string{"m1"}}, false, true},
		{"named and excluded", &rule{ClusterNames: []string{"m1"}, ExcludeClusters: []string{"m1"}}, false, false},
		{"label", &rule{LabelSelector: env("prod")}, true, false},
		{"other label", &rule{LabelSelector: env("test")}, false, false},
		{"empty label selector", &rule{LabelSelector: &metav1.LabelSelector{}}, true, true},
		{"label and name disagree", &rule{LabelSelector: env("prod"), ClusterNames: []string{"bare"}}, false, false},
		{"label selector that cannot be parsed", &rule{LabelSelector: &metav1.LabelSelector{MatchExpressions: []metav1.LabelSelectorRequirement{{Key: "a", Operator: "Sometimes"}}}}, false, false},
		{"provider in", &rule{FieldSelector: field("provider", corev1.NodeSelectorOpIn, "aws", "gcp")}, true, false},
		{"provider not in", &rule{FieldSelector: field("provider", corev1.NodeSelectorOpNotIn, "aws")}, false, true},
		{"region exists", &rule{FieldSelector: field("region", corev1.NodeSelectorOpExists)}, true, false},
		{"region in another", &rule{FieldSelector: field("region", corev1.NodeSelectorOpIn, "us")}, false, false},
		{"one of the zones", &rule{FieldSelector: field("zone", corev1.NodeSelectorOpIn, "eu-2", "eu-3")}, true, false},
		{"none of the zones", &rule{FieldSelector: field("zone", corev1.NodeSelectorOpNotIn, "eu-2")}, false, true},
		{"some zone", &rule{FieldSelector: field("zone", corev1.NodeSelectorOpExists)}, true, false},
		{"no zone", &rule{FieldSelector: field("zone", corev1.NodeSelectorOpDoesNotExist)}, false, true},
		{"zones do not compare", &rule{FieldSelector: field("zone", corev1.NodeSelectorOpGt, "1")}, false, false},
		{"unknown operator", &rule{FieldSelector: field("region", "Sometimes", "eu")}, false, false},
		{"operator without values", &rule{FieldSelector: field("region", corev1.NodeSelectorOpIn)}, false, false},
		{"no expressions", &rule{FieldSelector: &policyv1alpha1.FieldSelector{}}, true, true},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := snapshot.New(cluster, bare)
			m := affinity.Compile(c.rule)
			if got := m.Matches(s.Get("m1")); got != c.m1 {
				t.Errorf("matches m1 = %v, want %v", got, c.m1)
			}
			if got := m.Matches(s.Get("bare")); got != c.withoutProps {
				t.Errorf("matches a cluster without properties = %v, want %v", got, c.withoutProps)
			}
		})
	}
}
