package dependencies

import (
	"slices"
	"sync"

	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/types"

	"atoll.dev/atoll/pkg/propagation/compact"
	"atoll.dev/atoll/pkg/propagation/selection"
	"atoll.dev/atoll/pkg/propagation/templates"
)

// index finds the bindings that require a template without looking at the others. The zero value is empty.
type index struct {
	mu       sync.RWMutex
	bindings map[types.NamespacedName]*requirement
	// named holds who requires a template by name, selecting who requires any of a kind by labels.
	named     map[templates.Key]map[types.NamespacedName]struct{}
	selecting map[scope]map[types.NamespacedName]struct{}
}

// scope is a kind in a namespace.
type scope struct {
	kind      schema.GroupVersionKind
	namespace string
}

// set replaces what a binding requires, nil for nothing, and returns what it required before.
func (i *index) set(binding types.NamespacedName, now *requirement) (before *requirement) {
	i.mu.Lock()
	defer i.mu.Unlock()
	if i.bindings == nil {
		i.bindings = map[types.NamespacedName]*requirement{}
		i.named = map[templates.Key]map[types.NamespacedName]struct{}{}
		i.selecting = map[scope]map[types.NamespacedName]struct{}{}
	}
	before = i.bindings[binding]
	if before != nil {
		for _, s := range before.references {
			if s.Name != "" {
				remove(i.named, keyOf(s), binding)
			} else {
				remove(i.selecting, scope{s.Kind, s.Namespace}, binding)
			}
		}
		delete(i.bindings, binding)
	}
	if now != nil {
		for _, s := range now.references {
			if s.Name != "" {
				add(i.named, keyOf(s), binding)
			} else {
				add(i.selecting, scope{s.Kind, s.Namespace}, binding)
			}
		}
		i.bindings[binding] = now
	}
	return before
}

// of returns what requires a template, in the order of namespaces and names of the bindings.
func (i *index) of(t *compact.Object) []*requirement {
	i.mu.RLock()
	defer i.mu.RUnlock()
	var found []*requirement
	take := func(bindings map[types.NamespacedName]struct{}) {
		for b := range bindings {
			r := i.bindings[b]
			if selection.Best(r.references, t) > selection.Mismatch && !slices.Contains(found, r) {
				found = append(found, r)
			}
		}
	}
	take(i.named[templates.KeyOf(t)])
	take(i.selecting[scope{t.GroupVersionKind(), t.Namespace}])
	slices.SortFunc(found, compareRequirements)
	return found
}

func keyOf(s selection.Selector) templates.Key {
	return templates.Key{GroupVersionKind: s.Kind, NamespacedName: types.NamespacedName{Namespace: s.Namespace, Name: s.Name}}
}

func add[K comparable](m map[K]map[types.NamespacedName]struct{}, key K, binding types.NamespacedName) {
	if m[key] == nil {
		m[key] = map[types.NamespacedName]struct{}{}
	}
	m[key][binding] = struct{}{}
}

func remove[K comparable](m map[K]map[types.NamespacedName]struct{}, key K, binding types.NamespacedName) {
	delete(m[key], binding)
	if len(m[key]) == 0 {
		delete(m, key)
	}
}
