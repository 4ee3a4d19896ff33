// Package binding lets one implementation serve ResourceBindings and
// ClusterResourceBindings: a Binding is what both have in common. Store holds the
// newest version of each that the scheduler knows, from watch events or from the
// answers to its own writes, whichever is newer; so a decision never starts from
// something older than the scheduler's own last word. Bindings are shared with the
// watch cache and must not be written.
//
// What workloads have to do with each other, affinity groups and fixed ports, is in
// the Store's Index: a Member for each binding that has a part in something, found
// by its Stakes. The Index follows the Store version by version. A decision claims
// in it what it is about to write, so that of two made at the same time the second
// sees the first.
package binding
