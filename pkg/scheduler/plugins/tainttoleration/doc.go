// Package tainttoleration refuses clusters with a NoSchedule or NoExecute taint
// that the placement does not tolerate. A cluster that holds the workload already
// always passes: to evict it is the taint's controllers' business, which know
// about grace periods.
package tainttoleration
