// Package clusterlocality prefers clusters that have the workload already, so
// that choosing anew among more clusters than are wanted does not move it.
package clusterlocality
