// Package scheduler decides in which member clusters each template runs and with
// how many replicas.
//
// Data flows one way. Watches put Clusters into a snapshot.Store and bindings into
// a binding.Store, and queue the bindings that a change concerns. Workers take
// bindings off the queue, many at once: each asks whether a decision is due, has
// package cycle make it over the snapshot of that moment, and writes it down. A
// binding that cannot be placed is parked (package parking) until a cluster changes
// in a way that may alter that; nothing is polled.
//
// Of a binding the scheduler alone writes spec.clusters, the annotation
// policy.karmada.io/applied-placement, the condition Scheduled,
// schedulerObservedGeneration, schedulerObservingAffinityName and
// lastScheduledTime. The decision goes first and the status second, each only if it
// differs from what is there and each based on the version that was read; a
// scheduler that dies between the two finds the status missing and completes it.
package scheduler
