package parking

import (
	"sync"

	"atoll.dev/atoll/pkg/scheduler/binding"
	"atoll.dev/atoll/pkg/scheduler/snapshot"
)

// Lot is where bindings wait. Its zero value is empty and ready to use.
type Lot struct {
	mu    sync.Mutex
	waits map[binding.Key]snapshot.Change
}

// Park makes a binding wait for any of the changes; what it waited for before is forgotten.
func (l *Lot) Park(key binding.Key, waits snapshot.Change) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.waits == nil {
		l.waits = map[binding.Key]snapshot.Change{}
	}
	l.waits[key] = waits
}

// Leave takes a binding out.
func (l *Lot) Leave(key binding.Key) {
	l.mu.Lock()
	defer l.mu.Unlock()
	delete(l.waits, key)
}

// Waits returns what a binding waits for, and false if it is not parked.
func (l *Lot) Waits(key binding.Key) (snapshot.Change, bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	waits, parked := l.waits[key]
	return waits, parked
}

// Len returns how many bindings wait.
func (l *Lot) Len() int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return len(l.waits)
}
