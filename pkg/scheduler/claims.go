package scheduler

import (
	"context"

	"k8s.io/utils/clock"
	"sigs.k8s.io/controller-runtime/pkg/manager"

	"atoll.dev/atoll/pkg/scheduler/binding"
	"atoll.dev/atoll/pkg/scheduler/estimator"
	"atoll.dev/atoll/pkg/scheduler/reservation"
)

// newClaims makes the book in which decisions claim room; nil if no estimator holds claims.
func newClaims(opts Options, bindings *binding.Store, freed func(cluster string)) *reservation.Book {
	for _, e := range opts.Estimators {
		if members, ok := e.(*estimator.Members); ok {
			return reservation.New(members, opts.Clock, freed).Consult(bindings)
		}
	}
	return nil
}

// roomFreed queues those who wait for room in a cluster of which claims ended.
func (s *Scheduler) roomFreed(cluster string) { s.alarm.raise(s.clusters.Freed(cluster)) }

// endClaims ends claims whose time has come, until the context ends.
func (s *Scheduler) endClaims() manager.RunnableFunc {
	return func(ctx context.Context) error {
		if s.claims != nil {
			s.claims.Run(ctx, clock.RealClock{}, s.bindings, s.clusters)
		}
		return nil
	}
}
