package identity

import (
	"fmt"
	"slices"
	"strings"

	rbacv1 "k8s.io/api/rbac/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
)

// admissionGroup holds the policies that fence a superseded control plane. Whoever may write there
// can lift the fence, so no writer may.
const admissionGroup = "admissionregistration.k8s.io"

// RefusedError says that no writer is ever given a resource.
type RefusedError struct{ Resource schema.GroupResource }

func (e *RefusedError) Error() string {
	return fmt.Sprintf("%s cannot be propagated: the control plane's writer never holds rights on it in a member", e.Resource)
}

// Refused returns a *RefusedError if no writer may ever be granted the resource, else nil.
func Refused(r schema.GroupResource) error {
	if r.Group == admissionGroup || withheld(r) {
		return &RefusedError{Resource: r}
	}
	return nil
}

// withheld lists subresources by which a writer would reach beyond its role: minting other
// identities' tokens, and the kubelet behind the API server.
func withheld(r schema.GroupResource) bool {
	return r.Group == "" && (r.Resource == "serviceaccounts/token" || r.Resource == "nodes/proxy")
}

// Grants is the set of resources that a writer's role lets it manage.
type Grants struct {
	resources map[schema.GroupResource]bool
	groups    map[string]bool
}

// GrantsOf reads the rules of a writer's cluster role.
func GrantsOf(rules []rbacv1.PolicyRule) Grants {
	g := Grants{resources: map[schema.GroupResource]bool{}, groups: map[string]bool{}}
	for _, rule := range rules {
		if len(rule.ResourceNames) > 0 || !coversWrite(rule.Verbs) {
			continue
		}
		for _, group := range rule.APIGroups {
			for _, resource := range rule.Resources {
				if resource == rbacv1.ResourceAll {
					g.groups[group] = true
				}
				g.resources[schema.GroupResource{Group: group, Resource: resource}] = true
			}
		}
	}
	return g
}

// Has tells whether the writer may manage the resource.
func (g Grants) Has(r schema.GroupResource) bool {
	return g.groups[r.Group] || g.groups[rbacv1.APIGroupAll] || g.resources[r]
}

func coversWrite(verbs []string) bool {
	if slices.Contains(verbs, rbacv1.VerbAll) {
		return true
	}
	for _, v := range writeVerbs {
		if !slices.Contains(verbs, v) {
			return false
		}
	}
	return true
}

// WithGrant returns rules enlarged by the resource, in the way that suits the mode, and whether
// anything was added. It returns a *RefusedError for what no writer may hold.
func WithGrant(rules []rbacv1.PolicyRule, mode Mode, r schema.GroupResource) ([]rbacv1.PolicyRule, bool, error) {
	if err := Refused(r); err != nil {
		return rules, false, err
	}
	if GrantsOf(rules).Has(r) {
		return rules, false, nil
	}
	if mode == Admin && r.Group != "" {
		r.Resource = rbacv1.ResourceAll
	}
	out := slices.Clone(rules)
	// One rule a group, so that the role stays readable however many kinds are propagated.
	for i := range out {
		if len(out[i].ResourceNames) == 0 && slices.Equal(out[i].APIGroups, []string{r.Group}) && slices.Equal(out[i].Verbs, writeVerbs) {
			out[i].Resources = sortedWith(out[i].Resources, r.Resource)
			return out, true, nil
		}
	}
	return append(out, rbacv1.PolicyRule{Verbs: slices.Clone(writeVerbs), APIGroups: []string{r.Group}, Resources: []string{r.Resource}}), true, nil
}

// AdminRules returns the writer's rules in admin mode: every API group of the member, except that
// admission policies are read only and the core group is listed resource by resource, because a
// wildcard there would include service-account tokens.
// served lists what the member serves, subresources included.
func AdminRules(served []schema.GroupResource) []rbacv1.PolicyRule {
	rules := append(WriterBase(), rbacv1.PolicyRule{Verbs: readVerbs, APIGroups: []string{admissionGroup}, Resources: []string{rbacv1.ResourceAll}})
	var core, groups []string
	for _, r := range served {
		switch {
		case r.Group == "" && !withheld(r):
			core = append(core, r.Resource)
		case r.Group != "" && r.Group != admissionGroup && !slices.Contains(groups, r.Group):
			groups = append(groups, r.Group)
		}
	}
	slices.Sort(core)
	slices.Sort(groups)
	if core = slices.Compact(core); len(core) > 0 {
		rules = append(rules, rbacv1.PolicyRule{Verbs: slices.Clone(writeVerbs), APIGroups: []string{""}, Resources: core})
	}
	for _, g := range groups {
		rules = append(rules, rbacv1.PolicyRule{Verbs: slices.Clone(writeVerbs), APIGroups: []string{g}, Resources: []string{rbacv1.ResourceAll}})
	}
	return rules
}

// MergeRules returns the rules of have with those of want added that are not there yet word for
// word, and whether any was added. Nothing is removed: a role that was granted kinds keeps them.
func MergeRules(have, want []rbacv1.PolicyRule) ([]rbacv1.PolicyRule, bool) {
	keys := make(map[string]bool, len(have))
	for _, r := range have {
		keys[ruleKey(r)] = true
	}
	out, added := slices.Clone(have), false
	for _, r := range want {
		if !keys[ruleKey(r)] {
			out, added = append(out, r), true
		}
	}
	return out, added
}

func ruleKey(r rbacv1.PolicyRule) string {
	return strings.Join([]string{strings.Join(r.Verbs, ","), strings.Join(r.APIGroups, ","), strings.Join(r.Resources, ","),
		strings.Join(r.ResourceNames, ","), strings.Join(r.NonResourceURLs, ",")}, "|")
}

func sortedWith(list []string, item string) []string {
	out := append(slices.Clone(list), item)
	slices.Sort(out)
	return slices.Compact(out)
}
