// Package deschedule finds replicas that a member cannot run, and remembers where
// that was. A member's view says since when pods of a workload have been
// unschedulable there; Examine says how many of them have been for longer than the
// dwell time and when to look again. It decides nothing: the scheduler places such
// replicas elsewhere in the one decision that takes them off their cluster, and only
// if they have a place elsewhere. Where they were taken off the workload gets no more
// replicas than it could run there, for some time (Limits, kept in an annotation of
// the binding and written with the decision), so that they do not come and go.
package deschedule
