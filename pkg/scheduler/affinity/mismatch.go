package affinity

import (
	"fmt"
	"slices"
	"strings"

	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/selection"

	"atoll.dev/atoll/pkg/scheduler/snapshot"
)

// Mismatch returns why the rule does not mean the cluster, in words that follow its
// name in parentheses: "label zone=a is missing". It returns an empty string if it does.
func (m *Matcher) Mismatch(c *snapshot.Cluster) string {
	switch {
	case m.Matches(c):
		return ""
	case m.nothing:
		return "the rule cannot be read"
	case slices.Contains(m.excluded, c.Name):
		return "it is excluded"
	case len(m.names) > 0 && !slices.Contains(m.names, c.Name):
		return "it is not among the cluster names"
	case m.labels != nil && !m.labels.Matches(c.Labels):
		return unsatisfied("label", m.labels, c.Labels)
	case m.fields != nil && !m.fields.Matches(c.Fields):
		return unsatisfied("field", m.fields, c.Fields)
	}
	for i := range m.zones {
		if e := &m.zones[i]; !matchesZones(e, c.Zones) {
			return fmt.Sprintf("its zones are [%s], the rule wants zone %s [%s]", strings.Join(c.Zones, " "), e.Operator, strings.Join(e.Values, " "))
		}
	}
	return ""
}

// unsatisfied describes the first requirement that a set of labels or fields does not satisfy.
func unsatisfied(what string, selector labels.Selector, set labels.Set) string {
	requirements, _ := selector.Requirements()
	for i := range requirements {
		if r := &requirements[i]; !r.Matches(set) {
			return describe(what, r, set)
		}
	}
	return "" // selectors are conjunctions: one that does not match has such a requirement
}

func describe(what string, r *labels.Requirement, set labels.Set) string {
	value, has := set[r.Key()]
	wanted := labelValues(r)
	switch r.Operator() {
	case selection.In, selection.Equals, selection.DoubleEquals:
		switch {
		case has && len(wanted) == 1:
			return fmt.Sprintf("%s %s is %q, not %q", what, r.Key(), value, wanted[0])
		case has:
			return fmt.Sprintf("%s %s is %q, not one of %s", what, r.Key(), value, strings.Join(wanted, ", "))
		case len(wanted) == 1:
			return fmt.Sprintf("%s %s=%s is missing", what, r.Key(), wanted[0])
		default:
			return fmt.Sprintf("%s %s is missing, it must be one of %s", what, r.Key(), strings.Join(wanted, ", "))
		}
	case selection.Exists:
		return fmt.Sprintf("%s %s is missing", what, r.Key())
	case selection.GreaterThan, selection.LessThan:
		if !has {
			return fmt.Sprintf("%s %s is missing", what, r.Key())
		}
	}
	return fmt.Sprintf("%s %s is %q, the rule wants %s", what, r.Key(), value, r)
}

func labelValues(r *labels.Requirement) []string {
	values := r.ValuesUnsorted()
	slices.Sort(values)
	return values
}
