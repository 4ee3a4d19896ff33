package binding

import (
	"iter"
	"sync"

	"k8s.io/apimachinery/pkg/util/resourceversion"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

// Store is the newest known version of every binding. Its zero value is empty and ready to use.
type Store struct {
	mu       sync.RWMutex
	bindings map[Key]*Binding
	// peers follows bindings under mu.
	peers Index
}

// Peers finds the bindings of the Store by what they have in common.
func (s *Store) Peers() *Index { return &s.peers }

// Get returns a binding, or nil if there is none.
func (s *Store) Get(key Key) *Binding {
	s.mu.RLock()
	defer s.mu.RUnlock()
	return s.bindings[key]
}

// Observe takes in an object that a watch delivered. It returns the version known
// before, nil if none, and false if the object is no news.
func (s *Store) Observe(object client.Object) (before *Binding, news bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	key := KeyOf(object)
	before = s.bindings[key]
	if before != nil && before.Object.GetUID() == object.GetUID() && !newer(object, before.Object) {
		if before.Object.GetResourceVersion() == object.GetResourceVersion() {
			s.put(key, Of(object)) // the same, and the watch cache keeps it anyway: what was assumed can go
		}
		return before, false
	}
	if s.bindings == nil {
		s.bindings = map[Key]*Binding{}
	}
	s.put(key, Of(object))
	return before, true
}

// Assume takes in an object that the API server answered with to a write or read
// of our own. It changes nothing if a watch has delivered a newer version or the
// object's deletion meanwhile.
func (s *Store) Assume(object client.Object) {
	s.mu.Lock()
	defer s.mu.Unlock()
	key := KeyOf(object)
	if now := s.bindings[key]; now != nil && now.Object.GetUID() == object.GetUID() && newer(object, now.Object) {
		s.put(key, Of(object))
	}
}

// put makes b the version that is known. Callers hold mu.
func (s *Store) put(key Key, b *Binding) {
	s.bindings[key] = b
	s.peers.set(key, MemberOf(key, b.Spec, b.Object.GetAnnotations()))
}

// Forget takes in that a watch delivered the object's deletion.
func (s *Store) Forget(object client.Object) {
	s.mu.Lock()
	defer s.mu.Unlock()
	key := KeyOf(object)
	if now := s.bindings[key]; now != nil && now.Object.GetUID() == object.GetUID() {
		delete(s.bindings, key)
		s.peers.set(key, nil)
	}
}

// All yields every binding that was there when it was called.
func (s *Store) All() iter.Seq2[Key, *Binding] {
	s.mu.RLock()
	defer s.mu.RUnlock()
	type entry struct {
		key     Key
		binding *Binding
	}
	entries := make([]entry, 0, len(s.bindings))
	for key, b := range s.bindings {
		entries = append(entries, entry{key, b})
	}
	return func(yield func(Key, *Binding) bool) {
		for _, e := range entries {
			if !yield(e.key, e.binding) {
				return
			}
		}
	}
}

// newer tells whether a is a later version than b of the same object. Versions that
// cannot be compared count as later: what arrives last is then believed.
func newer(a, b client.Object) bool {
	order, err := resourceversion.CompareResourceVersion(a.GetResourceVersion(), b.GetResourceVersion())
	return err != nil || order > 0
}
