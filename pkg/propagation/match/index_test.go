package match

import (
	"testing"

	policyv1alpha1 "github.com/karmada-io/karmada/pkg/apis/policy/v1alpha1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/utils/ptr"

	"atoll.dev/atoll/pkg/propagation/compact"
	"atoll.dev/atoll/pkg/propagation/twin"
)

const configMapAPI, configMapKind = "v1", "ConfigMap"

func selects(name string, labels map[string]string) policyv1alpha1.ResourceSelector {
	rs := policyv1alpha1.ResourceSelector{APIVersion: configMapAPI, Kind: configMapKind, Name: name}
	if labels != nil {
		rs.LabelSelector = &metav1.LabelSelector{MatchLabels: labels}
	}
	return rs
}

type option func(*metav1.ObjectMeta, *policyv1alpha1.PropagationSpec)

func priority(n int32) option {
	return func(_ *metav1.ObjectMeta, s *policyv1alpha1.PropagationSpec) { s.Priority = ptr.To(n) }
}

func preempts(_ *metav1.ObjectMeta, s *policyv1alpha1.PropagationSpec) {
	s.Preemption = policyv1alpha1.PreemptAlways
}

func deleting(m *metav1.ObjectMeta, _ *policyv1alpha1.PropagationSpec) {
	now := metav1.Now()
	m.DeletionTimestamp = &now
}

func unidentified(m *metav1.ObjectMeta, _ *policyv1alpha1.PropagationSpec) { m.Labels = nil }

// policy makes one that selects ConfigMaps: a cluster policy if namespace is empty.
func policy(namespace, name string, selector policyv1alpha1.ResourceSelector, options ...option) twin.Policy {
	meta := metav1.ObjectMeta{Namespace: namespace, Name: name}
	spec := policyv1alpha1.PropagationSpec{ResourceSelectors: []policyv1alpha1.ResourceSelector{selector}}
	if namespace == "" {
		meta.Labels = map[string]string{policyv1alpha1.ClusterPropagationPolicyPermanentIDLabel: name}
	} else {
		meta.Labels = map[string]string{policyv1alpha1.PropagationPolicyPermanentIDLabel: name}
	}
	for _, o := range options {
		o(&meta, &spec)
	}
	if namespace == "" {
		return twin.PolicyOf(&policyv1alpha1.ClusterPropagationPolicy{ObjectMeta: meta, Spec: spec})
	}
	return twin.PolicyOf(&policyv1alpha1.PropagationPolicy{ObjectMeta: meta, Spec: spec})
}

func claimOf(namespace, name string) twin.Claim {
	return twin.Claim{Policy: types.NamespacedName{Namespace: namespace, Name: name}, ID: name}
}

// The template is ConfigMap shop/cm with label app=web. The rules are Karmada's: explicit priority,
// then exactness (name over labels over kind), then the name that sorts first; a policy of the
// namespace before cluster policies; a claim stands unless it is preempted.
func TestChoose(t *testing.T) {
	web, other := map[string]string{"app": "web"}, map[string]string{"app": "other"}
	for name, c := range map[string]struct {
		policies []twin.Policy
		claim    twin.Claim
		want     string
	}{
		"none":                       {nil, twin.Claim{}, ""},
		"by kind":                    {[]twin.Policy{policy("shop", "a", selects("", nil))}, twin.Claim{}, "a"},
		"by labels over by kind":     {[]twin.Policy{policy("shop", "a", selects("", nil)), policy("shop", "b", selects("", web))}, twin.Claim{}, "b"},
		"by name over by labels":     {[]twin.Policy{policy("shop", "a", selects("", web)), policy("shop", "b", selects("cm", nil))}, twin.Claim{}, "b"},
		"priority over exactness":    {[]twin.Policy{policy("shop", "a", selects("cm", nil)), policy("shop", "b", selects("", nil), priority(1))}, twin.Claim{}, "b"},
		"negative priority is lower": {[]twin.Policy{policy("shop", "a", selects("cm", nil), priority(-1)), policy("shop", "b", selects("", nil))}, twin.Claim{}, "b"},
		"name that sorts first":      {[]twin.Policy{policy("shop", "b", selects("cm", nil)), policy("shop", "a", selects("cm", nil))}, twin.Claim{}, "a"},
		"a name decides alone":       {[]twin.Policy{policy("shop", "a", selects("cm", other))}, twin.Claim{}, "a"},
		"other labels":               {[]twin.Policy{policy("shop", "a", selects("", other))}, twin.Claim{}, ""},
		"other name":                 {[]twin.Policy{policy("shop", "a", selects("mc", nil))}, twin.Claim{}, ""},
		"other namespace":            {[]twin.Policy{policy("else", "a", selects("cm", nil))}, twin.Claim{}, ""},
		"namespaced over cluster":    {[]twin.Policy{policy("", "c", selects("cm", nil), priority(9)), policy("shop", "n", selects("", nil))}, twin.Claim{}, "n"},
		"cluster":                    {[]twin.Policy{policy("", "c", selects("cm", nil)), policy("shop", "n", selects("mc", nil))}, twin.Claim{}, "c"},
		"deleting does not count":    {[]twin.Policy{policy("shop", "a", selects("cm", nil), deleting), policy("shop", "b", selects("", nil))}, twin.Claim{}, "b"},
		"without ID does not count":  {[]twin.Policy{policy("shop", "a", selects("cm", nil), unidentified)}, twin.Claim{}, ""},

		"the claim stands":                      {[]twin.Policy{policy("shop", "a", selects("cm", nil), priority(5)), policy("shop", "b", selects("", nil))}, claimOf("shop", "b"), "b"},
		"the cluster claim stands":              {[]twin.Policy{policy("shop", "a", selects("cm", nil)), policy("", "c", selects("", nil))}, claimOf("", "c"), "c"},
		"claimant gone":                         {[]twin.Policy{policy("shop", "a", selects("cm", nil))}, claimOf("shop", "b"), "a"},
		"claimant deleting":                     {[]twin.Policy{policy("shop", "a", selects("", nil)), policy("shop", "b", selects("cm", nil), deleting)}, claimOf("shop", "b"), "a"},
		"claimant selects it no longer":         {[]twin.Policy{policy("shop", "b", selects("mc", nil)), policy("", "c", selects("", nil))}, claimOf("shop", "b"), "c"},
		"preempted by higher priority":          {[]twin.Policy{policy("shop", "a", selects("", nil), priority(1), preempts), policy("shop", "b", selects("cm", nil))}, claimOf("shop", "b"), "a"},
		"not preempted by equal priority":       {[]twin.Policy{policy("shop", "a", selects("cm", nil), preempts), policy("shop", "b", selects("", nil))}, claimOf("shop", "b"), "b"},
		"cluster claim preempted by namespaced": {[]twin.Policy{policy("shop", "a", selects("", nil), preempts), policy("", "c", selects("cm", nil), priority(9))}, claimOf("", "c"), "a"},
		"cluster claim preempted by cluster":    {[]twin.Policy{policy("", "a", selects("", nil), priority(1), preempts), policy("", "c", selects("cm", nil))}, claimOf("", "c"), "a"},
		"namespaced claim, cluster preempts":    {[]twin.Policy{policy("", "a", selects("cm", nil), priority(9), preempts), policy("shop", "b", selects("", nil))}, claimOf("shop", "b"), "b"},
	} {
		index := newIndex()
		for _, p := range c.policies {
			index.set(p)
		}
		template := &compact.Object{TypeMeta: metav1.TypeMeta{APIVersion: configMapAPI, Kind: configMapKind},
			ObjectMeta: metav1.ObjectMeta{Namespace: "shop", Name: "cm", Labels: web}}
		got := ""
		if p := index.choose(template, c.claim); p != nil {
			got = p.GetName()
		}
		if got != c.want {
			t.Errorf("%s: chose %q, want %q", name, got, c.want)
		}
	}
}

func TestIndexFollowsPolicies(t *testing.T) {
	index := newIndex()
	template := &compact.Object{TypeMeta: metav1.TypeMeta{APIVersion: configMapAPI, Kind: configMapKind}, ObjectMeta: metav1.ObjectMeta{Namespace: "shop", Name: "cm"}}
	chosen := func() string {
		if p := index.choose(template, twin.Claim{}); p != nil {
			return p.GetName()
		}
		return ""
	}
	index.set(policy("shop", "a", selects("cm", nil)))
	if got := chosen(); got != "a" {
		t.Errorf("chose %q of one that selects it", got)
	}
	index.set(policy("shop", "a", selects("mc", nil)))
	if got := chosen(); got != "" {
		t.Errorf("chose %q although its selector changed", got)
	}
	index.set(policy("shop", "a", selects("", nil)))
	index.delete(types.NamespacedName{Namespace: "shop", Name: "a"})
	if got := chosen(); got != "" || len(index.buckets) != 0 {
		t.Errorf("chose %q after its deletion, %d buckets left", got, len(index.buckets))
	}
}

// What every cluster has by itself goes out only when it is named.
func TestOnlyByName(t *testing.T) {
	account := &compact.Object{TypeMeta: metav1.TypeMeta{APIVersion: "v1", Kind: "ServiceAccount"}, ObjectMeta: metav1.ObjectMeta{Namespace: "shop", Name: "default"}}
	for name, want := range map[string]bool{"": false, "default": true} {
		index := newIndex()
		index.set(policy("shop", "a", policyv1alpha1.ResourceSelector{APIVersion: "v1", Kind: "ServiceAccount", Name: name}))
		if got := index.choose(account, twin.Claim{}) != nil; got != want {
			t.Errorf("selector with name %q selects the default service account: %t, want %t", name, got, want)
		}
	}
}

// Choosing for one template must not look at policies that cannot select it.
func TestCandidatesAreFew(t *testing.T) {
	index := newIndex()
	for i := range 1000 {
		index.set(policy("shop", "p"+string(rune('a'+i%26))+string(rune('a'+i/26)), selects("other", nil)))
	}
	index.set(policy("shop", "mine", selects("cm", nil)))
	template := &compact.Object{TypeMeta: metav1.TypeMeta{APIVersion: configMapAPI, Kind: configMapKind}, ObjectMeta: metav1.ObjectMeta{Namespace: "shop", Name: "cm"}}
	if n := len(index.candidates("shop", template)); n != 1 {
		t.Errorf("%d candidates, want 1", n)
	}
}
