package parking

import (
	"sync"

	"atoll.dev/atoll/pkg/scheduler/binding"
	"atoll.dev/atoll/pkg/scheduler/snapshot"
)

// Lot is where bindings wait. Its zero value is empty and ready to use.
type Lot struct {
	mu     sync.Mutex
	places map[binding.Key]Place
	turns  uint64
}

// Place is where a binding waits.
type Place struct {
	// Waits are the changes of a cluster of which any may end the wait.
	Waits snapshot.Change
	// Turn grows with every parking: who has the lower one has waited longer.
	Turn uint64
	// Woken tells that it is to be tried again already.
	Woken bool
}

// Park makes a binding wait for any of the changes; what it waited for before is forgotten.
func (l *Lot) Park(key binding.Key, waits snapshot.Change) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.places == nil {
		l.places = map[binding.Key]Place{}
	}
	l.turns++
	l.places[key] = Place{Waits: waits, Turn: l.turns}
}

// Wake notes that a binding is to be tried again. It returns false if it does not
// wait, or has been woken before.
func (l *Lot) Wake(key binding.Key) (Place, bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	place, parked := l.places[key]
	if !parked || place.Woken {
		return place, false
	}
	place.Woken = true
	l.places[key] = place
	return place, true
}

// Leave takes a binding out, and returns false if it was not there.
func (l *Lot) Leave(key binding.Key) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	_, parked := l.places[key]
	delete(l.places, key)
	return parked
}

// At returns where a binding waits, and false if it does not.
func (l *Lot) At(key binding.Key) (Place, bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	place, parked := l.places[key]
	return place, parked
}

// Len returns how many bindings wait.
func (l *Lot) Len() int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return len(l.places)
}
