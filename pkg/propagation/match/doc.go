// Package match decides which policy claims which template and keeps the binding
// of each claimed template. A template's claim (labels and annotations) and its
// binding (all but spec.clusters and what failover and dependencies write) are
// written here and nowhere else. Data flows from templates and policies to
// bindings: the loop is keyed by template, and a policy that changes only has the
// templates looked at that it claims or selects.
package match
