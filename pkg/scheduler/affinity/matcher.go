package affinity

import (
	"slices"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/selection"

	policyv1alpha1 "github.com/karmada-io/karmada/pkg/apis/policy/v1alpha1"

	"atoll.dev/atoll/pkg/scheduler/snapshot"
)

// Matcher is a parsed ClusterAffinity. A nil Matcher means every cluster.
type Matcher struct {
	names    []string
	excluded []string
	labels   labels.Selector
	fields   labels.Selector
	zones    []corev1.NodeSelectorRequirement
	// nothing is set for a rule that cannot be parsed.
	nothing bool
}

// Compile parses a rule; nil means every cluster. Admission refuses rules that
// cannot be parsed, so for one that got past it the safe reading is: no cluster.
func Compile(rule *policyv1alpha1.ClusterAffinity) *Matcher {
	if rule == nil {
		return nil
	}
	m := &Matcher{names: rule.ClusterNames, excluded: rule.ExcludeClusters}
	if rule.LabelSelector != nil {
		selector, err := metav1.LabelSelectorAsSelector(rule.LabelSelector)
		if err != nil {
			return &Matcher{nothing: true}
		}
		m.labels = selector
	}
	if rule.FieldSelector != nil && !m.compileFields(rule.FieldSelector.MatchExpressions) {
		return &Matcher{nothing: true}
	}
	return m
}

// Names returns the names to which the rule is limited, or none if it is not limited by name.
func (m *Matcher) Names() []string {
	if m == nil {
		return nil
	}
	return m.names
}

// Matches tells whether the rule means the cluster.
func (m *Matcher) Matches(c *snapshot.Cluster) bool {
	if m == nil {
		return true
	}
	if m.nothing ||
		slices.Contains(m.excluded, c.Name) ||
		len(m.names) > 0 && !slices.Contains(m.names, c.Name) ||
		m.labels != nil && !m.labels.Matches(c.Labels) ||
		m.fields != nil && !m.fields.Matches(c.Fields) {
		return false
	}
	for i := range m.zones {
		if !matchesZones(&m.zones[i], c.Zones) {
			return false
		}
	}
	return true
}

var fieldOperators = map[corev1.NodeSelectorOperator]selection.Operator{
	corev1.NodeSelectorOpIn:           selection.In,
	corev1.NodeSelectorOpNotIn:        selection.NotIn,
	corev1.NodeSelectorOpExists:       selection.Exists,
	corev1.NodeSelectorOpDoesNotExist: selection.DoesNotExist,
	corev1.NodeSelectorOpGt:           selection.GreaterThan,
	corev1.NodeSelectorOpLt:           selection.LessThan,
}

func (m *Matcher) compileFields(expressions []corev1.NodeSelectorRequirement) bool {
	var fields []labels.Requirement
	for _, e := range expressions {
		if e.Key == snapshot.ZoneField {
			m.zones = append(m.zones, e)
			continue
		}
		operator, ok := fieldOperators[e.Operator]
		if !ok {
			return false
		}
		requirement, err := labels.NewRequirement(e.Key, operator, e.Values)
		if err != nil {
			return false
		}
		fields = append(fields, *requirement)
	}
	if len(fields) > 0 {
		m.fields = labels.NewSelector().Add(fields...)
	}
	return true
}

// matchesZones answers for a cluster that may lie in several zones: In wants one
// of them listed, NotIn none. Other operators mean no cluster.
func matchesZones(e *corev1.NodeSelectorRequirement, zones []string) bool {
	listed := func(zone string) bool { return slices.Contains(e.Values, zone) }
	switch e.Operator {
	case corev1.NodeSelectorOpIn:
		return slices.ContainsFunc(zones, listed)
	case corev1.NodeSelectorOpNotIn:
		return !slices.ContainsFunc(zones, listed)
	case corev1.NodeSelectorOpExists:
		return len(zones) > 0
	case corev1.NodeSelectorOpDoesNotExist:
		return len(zones) == 0
	default:
		return false
	}
}
