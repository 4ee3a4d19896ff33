package scheduler

import (
	"k8s.io/utils/clock"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"atoll.dev/atoll/pkg/scheduler/snapshot"
)

// handle is a framework.Handle. It hides that its reader may also be able to write.
type handle struct {
	reader   struct{ client.Reader }
	clusters *snapshot.Store
	clock    clock.PassiveClock
}

func (h *handle) Reader() client.Reader        { return h.reader }
func (h *handle) Snapshot() *snapshot.Snapshot { return h.clusters.Snapshot() }
func (h *handle) Clock() clock.PassiveClock    { return h.clock }
