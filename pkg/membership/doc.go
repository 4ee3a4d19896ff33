// Package membership keeps the control plane's picture of its member clusters.
// join (sub-package, run by the CLI) writes Cluster objects and credentials;
// the cluster controller here gives each Cluster its finalizer, its execution
// namespace and the taints that follow from its conditions, and takes all of it
// down again when the Cluster is deleted; the status controller (sub-package
// status) is the one writer of Cluster.status. Members are reached only through
// the connection pool, each by a goroutine of its own, so that a dead member
// delays nobody.
package membership
