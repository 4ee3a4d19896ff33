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
// lastScheduledTime. It writes only what differs, as one Decision that Atoll's API
// server applies in one transaction if the binding's spec and the last decision are
// still what it was based on. Where the API server does not take Decisions it sends two
// patches, the decision first and the status second, each based on the version that was
// read; a scheduler that dies between the two finds the status missing and completes it.
package scheduler
