package override

import (
	"cmp"
	"slices"
	"strings"
	"sync"

	policyv1alpha1 "github.com/karmada-io/karmada/pkg/apis/policy/v1alpha1"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"atoll.dev/atoll/pkg/propagation/selection"
	"atoll.dev/atoll/pkg/scheduler/affinity"
)

// policy is an override policy of either scope, made ready.
type policy struct {
	namespace, name string
	selectors       []selection.Selector
	// everything is set for a policy without selectors.
	everything bool
	rules      []rule
}

type rule struct {
	clusters   *affinity.Matcher
	overriders policyv1alpha1.Overriders
}

// parse makes a policy ready; it returns nil for one that is being deleted.
func parse(object client.Object) *policy {
	var spec *policyv1alpha1.OverrideSpec
	switch o := object.(type) {
	case *policyv1alpha1.OverridePolicy:
		spec = &o.Spec
	case *policyv1alpha1.ClusterOverridePolicy:
		spec = &o.Spec
	}
	if spec == nil || !object.GetDeletionTimestamp().IsZero() {
		return nil
	}
	p := &policy{
		namespace: object.GetNamespace(), name: object.GetName(),
		selectors:  selection.Parse(spec.ResourceSelectors, object.GetNamespace()),
		everything: len(spec.ResourceSelectors) == 0,
	}
	rules := spec.OverrideRules
	if len(rules) == 0 { // the deprecated form, still served
		rules = []policyv1alpha1.RuleWithCluster{{TargetCluster: spec.TargetCluster, Overriders: spec.Overriders}}
	}
	for _, r := range rules {
		p.rules = append(p.rules, rule{affinity.Compile(r.TargetCluster), r.Overriders})
	}
	return p
}

// matches returns how exactly the policy means a template.
func (p *policy) matches(template selection.Object) selection.Exactness {
	switch {
	case p.namespace != "" && p.namespace != template.GetNamespace():
		return selection.Mismatch
	case p.everything:
		return selection.ByKind
	}
	return selection.Best(p.selectors, template)
}

// Policies are the override policies that there are. The zero value is empty and ready to use.
type Policies struct {
	mu     sync.RWMutex
	scopes map[string]map[string]*policy // namespace ("": cluster-wide) → name
}

// set takes a policy in, or out if it is nil, and returns what was there.
func (s *Policies) set(key types.NamespacedName, p *policy) (before *policy) {
	s.mu.Lock()
	defer s.mu.Unlock()
	before = s.scopes[key.Namespace][key.Name]
	switch {
	case p == nil:
		delete(s.scopes[key.Namespace], key.Name)
	case s.scopes == nil:
		s.scopes = map[string]map[string]*policy{}
		fallthrough
	default:
		if s.scopes[key.Namespace] == nil {
			s.scopes[key.Namespace] = map[string]*policy{}
		}
		s.scopes[key.Namespace][key.Name] = p
	}
	return before
}

// of returns the policies of a scope that mean the template, in the order in which they apply.
func (s *Policies) of(scope string, template selection.Object) []*policy {
	type match struct {
		*policy
		exactness selection.Exactness
	}
	var found []match
	s.mu.RLock()
	for _, p := range s.scopes[scope] {
		if e := p.matches(template); e > selection.Mismatch {
			found = append(found, match{p, e})
		}
	}
	s.mu.RUnlock()
	slices.SortFunc(found, func(a, b match) int {
		return cmp.Or(cmp.Compare(a.exactness, b.exactness), strings.Compare(a.name, b.name))
	})
	policies := make([]*policy, len(found))
	for i := range found {
		policies[i] = found[i].policy
	}
	return policies
}

// all returns the policies of both scopes that mean the template, in the order in which they apply.
func (s *Policies) all(template selection.Object) []*policy {
	policies := s.of("", template)
	if template.GetNamespace() != "" {
		policies = append(policies, s.of(template.GetNamespace(), template)...)
	}
	return policies
}
