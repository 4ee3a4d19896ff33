// Package clusteraffinity refuses clusters that the placement does not name: by
// its clusterAffinity, or by the group of its clusterAffinities that is being
// tried, the group's overflow clusters included. It holds for clusters that have
// the workload already, too: a placement that no longer names a cluster takes the
// workload away from it.
package clusteraffinity
