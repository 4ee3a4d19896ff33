package match

import (
	"sync"

	policyv1alpha1 "github.com/karmada-io/karmada/pkg/apis/policy/v1alpha1"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/util/sets"

	"atoll.dev/atoll/pkg/propagation/compact"
	"atoll.dev/atoll/pkg/propagation/selection"
	"atoll.dev/atoll/pkg/propagation/templates"
	"atoll.dev/atoll/pkg/propagation/twin"
)

// index finds the policies that could select a template without looking at the others: by scope
// (the policy's namespace, "" for cluster policies), kind and, for selectors with a name, name.
type index struct {
	mu       sync.RWMutex
	policies map[types.NamespacedName]*indexed
	buckets  map[bucket]sets.Set[types.NamespacedName]
}

type bucket struct {
	scope string
	kind  schema.GroupVersionKind
	name  string // "" for selectors without a name
}

type indexed struct {
	twin.Policy
	selectors []selection.Selector
}

func newIndex() *index {
	return &index{policies: map[types.NamespacedName]*indexed{}, buckets: map[bucket]sets.Set[types.NamespacedName]{}}
}

func (i *index) set(p twin.Policy) *indexed {
	entry := &indexed{Policy: p, selectors: selection.Parse(p.Spec.ResourceSelectors, p.GetNamespace())}
	i.mu.Lock()
	defer i.mu.Unlock()
	i.remove(p.Key())
	i.policies[p.Key()] = entry
	for _, s := range entry.selectors {
		b := bucket{p.GetNamespace(), s.Kind, s.Name}
		if i.buckets[b] == nil {
			i.buckets[b] = sets.New[types.NamespacedName]()
		}
		i.buckets[b].Insert(p.Key())
	}
	return entry
}

func (i *index) delete(key types.NamespacedName) {
	i.mu.Lock()
	defer i.mu.Unlock()
	i.remove(key)
}

func (i *index) remove(key types.NamespacedName) {
	old := i.policies[key]
	if old == nil {
		return
	}
	for _, s := range old.selectors {
		b := bucket{old.GetNamespace(), s.Kind, s.Name}
		i.buckets[b].Delete(key)
		if i.buckets[b].Len() == 0 {
			delete(i.buckets, b)
		}
	}
	delete(i.policies, key)
}

func (i *index) get(key types.NamespacedName) *indexed {
	i.mu.RLock()
	defer i.mu.RUnlock()
	return i.policies[key]
}

// candidates returns the policies of a scope that may select the template.
func (i *index) candidates(scope string, t *compact.Object) []*indexed {
	i.mu.RLock()
	defer i.mu.RUnlock()
	var found []*indexed
	named := i.buckets[bucket{scope, t.GroupVersionKind(), t.Name}]
	for key := range named {
		found = append(found, i.policies[key])
	}
	for key := range i.buckets[bucket{scope, t.GroupVersionKind(), ""}] {
		if !named.Has(key) {
			found = append(found, i.policies[key])
		}
	}
	return found
}

// matches returns how exactly the policy selects the template. What every cluster has
// by itself only a name selects.
func (p *indexed) matches(t *compact.Object) selection.Exactness {
	exactness := selection.Best(p.selectors, t)
	if exactness != selection.ByName && templates.OnlyByName(t.GroupVersionKind().GroupKind(), t) {
		return selection.Mismatch
	}
	return exactness
}

// better tells whether p goes before other for a template that both select: explicit priority, then
// exactness, then the name that sorts first.
func (p *indexed) better(t *compact.Object, other *indexed) bool {
	switch {
	case other == nil:
		return true
	case p.Priority() != other.Priority():
		return p.Priority() > other.Priority()
	case p.matches(t) != other.matches(t):
		return p.matches(t) > other.matches(t)
	}
	return p.GetName() < other.GetName()
}

// best returns the policy of a scope that should have the template, nil if none selects it.
func (i *index) best(scope string, t *compact.Object, may func(*indexed) bool) *indexed {
	var best *indexed
	for _, p := range i.candidates(scope, t) {
		if p.GetDeletionTimestamp().IsZero() && p.PermanentID() != "" && p.matches(t) > selection.Mismatch && may(p) && p.better(t, best) {
			best = p
		}
	}
	return best
}

// choose returns the policy that the template with this claim belongs to, nil if to none.
//
// A claim stands as long as its policy selects the template; a policy with preemption Always takes
// it over with a higher explicit priority, and any namespaced one from any cluster policy. Without a
// claim a namespaced policy goes before cluster policies. Karmada lets preemption work for selectors
// with names only; here it works for all.
func (i *index) choose(t *compact.Object, claim twin.Claim) *indexed {
	any := func(*indexed) bool { return true }
	current := i.get(claim.Policy)
	if claim == (twin.Claim{}) || current == nil || !current.GetDeletionTimestamp().IsZero() || current.matches(t) == selection.Mismatch {
		if t.Namespace != "" {
			if p := i.best(t.Namespace, t, any); p != nil {
				return p
			}
		}
		return i.best("", t, any)
	}
	preempts := func(p *indexed) bool {
		return p.Spec.Preemption == policyv1alpha1.PreemptAlways && p.Priority() > current.Priority()
	}
	if current.ClusterScoped() {
		if t.Namespace != "" {
			if p := i.best(t.Namespace, t, func(p *indexed) bool { return p.Spec.Preemption == policyv1alpha1.PreemptAlways }); p != nil {
				return p
			}
		}
		if p := i.best("", t, preempts); p != nil {
			return p
		}
		return current
	}
	if p := i.best(current.GetNamespace(), t, preempts); p != nil {
		return p
	}
	return current
}
