// Package apienablement refuses clusters that are not known to serve the kind of
// the workload. A cluster that holds the workload already always passes: an API
// that went missing is not a reason to take the workload away.
package apienablement
