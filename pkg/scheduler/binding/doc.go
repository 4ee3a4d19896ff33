// Package binding lets one implementation serve ResourceBindings and
// ClusterResourceBindings: a Binding is what both have in common. Store holds the
// newest version of each that the scheduler knows, from watch events or from the
// answers to its own writes, whichever is newer; so a decision never starts from
// something older than the scheduler's own last word. Bindings are shared with the
// watch cache and must not be written.
package binding
