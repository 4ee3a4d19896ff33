// Package plugins lists the plugins that the scheduler runs unless told
// otherwise. Each lives in a package of its own beneath this one. The order is
// that in which filters are asked: a cluster that several would refuse is reported
// with the reason of the first.
package plugins
