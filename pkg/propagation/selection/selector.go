package selection

import (
	policyv1alpha1 "github.com/karmada-io/karmada/pkg/apis/policy/v1alpha1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/runtime/schema"
)

// Object is what a selector looks at.
type Object interface {
	metav1.Object
	GroupVersionKind() schema.GroupVersionKind
}

// Selector is a ResourceSelector made ready.
type Selector struct {
	Kind schema.GroupVersionKind
	// Namespace and Name mean any if empty.
	Namespace, Name string
	// Labels mean any if nil. They count only without a name.
	Labels labels.Selector
}

// Exactness is Karmada's implicit priority: how exactly a policy means an object.
type Exactness int

const (
	// Mismatch: not at all.
	Mismatch Exactness = iota
	// ByKind: as any object of its kind.
	ByKind
	// ByLabels: by its labels.
	ByLabels
	// ByName: by its name.
	ByName
)

// Parse makes the selectors of a policy ready; namespace is the policy's own, empty
// for one that is cluster-scoped. A selector that cannot be read selects nothing: the
// API server refuses such.
func Parse(selectors []policyv1alpha1.ResourceSelector, namespace string) []Selector {
	var parsed []Selector
	for _, rs := range selectors {
		s := Selector{Kind: schema.FromAPIVersionAndKind(rs.APIVersion, rs.Kind), Namespace: rs.Namespace, Name: rs.Name}
		if namespace != "" {
			// A policy reaches no further than its own namespace; another one in a selector selects nothing.
			if rs.Namespace != "" && rs.Namespace != namespace {
				continue
			}
			s.Namespace = namespace
		}
		if rs.Name == "" && rs.LabelSelector != nil {
			var err error
			if s.Labels, err = metav1.LabelSelectorAsSelector(rs.LabelSelector); err != nil {
				continue
			}
		}
		parsed = append(parsed, s)
	}
	return parsed
}

// Matches returns how exactly the selector means an object: a name decides alone,
// labels only without a name, as in Karmada's ResourceSelectorPriority.
func (s Selector) Matches(o Object) Exactness {
	switch {
	case s.Kind != o.GroupVersionKind(), s.Namespace != "" && s.Namespace != o.GetNamespace():
		return Mismatch
	case s.Name != "":
		if s.Name == o.GetName() {
			return ByName
		}
		return Mismatch
	case s.Labels == nil:
		return ByKind
	case s.Labels.Matches(labels.Set(o.GetLabels())):
		return ByLabels
	}
	return Mismatch
}

// Best returns how exactly the most exact of the selectors means an object.
func Best(selectors []Selector, o Object) Exactness {
	best := Mismatch
	for _, s := range selectors {
		best = max(best, s.Matches(o))
	}
	return best
}
