package framework

import (
	"k8s.io/utils/clock"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"atoll.dev/atoll/pkg/scheduler/snapshot"
)

// Handle is what a plugin may use of the scheduler that runs it. Everything in it
// is safe for concurrent use.
type Handle interface {
	// Reader reads objects of the control plane from a cache. The cache is filled
	// when the scheduler starts: read while deciding, not in a Factory. Reading a
	// kind for the first time starts to watch all objects of that kind and waits until
	// these are known, in vain if the scheduler's user may not list and watch them.
	Reader() client.Reader
	// Snapshot returns the member clusters as they are now. A decision reads its
	// Request's snapshot instead, which does not change under it.
	Snapshot() *snapshot.Snapshot
	// Clock is the scheduler's clock.
	Clock() clock.PassiveClock
}
