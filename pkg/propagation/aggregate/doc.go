// Package aggregate brings the statuses of Works together: in the status of their
// binding (aggregatedStatus and the condition FullyApplied, which it owns) and in
// the status of the template, added up by the interpreter. The statuses of Works
// are written by the reflector; the other conditions of a binding are the
// scheduler's. Changes of one binding are brought together: the first is written
// at once, the rest at most once in a settle window, whatever the number of members.
// What a cluster said before contact with it was lost stays in the binding, marked as
// stale, and does not count in the template until the cluster is Ready again.
// What a cluster said before contact with it was lost stays in the binding, marked as
// stale, and no longer counts in the template, until the cluster is Ready again.
package aggregate
