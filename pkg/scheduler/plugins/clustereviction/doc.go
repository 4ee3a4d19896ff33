// Package clustereviction refuses clusters from which the workload is being
// evicted: a task in gracefulEvictionTasks holds the cluster until the workload
// runs elsewhere, and placing it there again meanwhile would undo the eviction.
package clustereviction
