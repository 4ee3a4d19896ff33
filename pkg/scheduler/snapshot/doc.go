// Package snapshot is the scheduler's view of the member clusters: what a
// decision may know about them, parsed once when a Cluster changes and never
// while deciding. Store takes in Cluster events, and views of the members' nodes
// where somebody watches them, and is the only writer; a
// Snapshot taken from it never changes, so that any number of decisions read one
// without locks while newer events make newer snapshots.
//
// A Cluster and the slice that holds it are shared between snapshots: an event
// replaces one element, and copies the slice only if a snapshot still holds it.
// Change says in which respects a Cluster differs from its predecessor, which
// decides who has to be asked again.
package snapshot
