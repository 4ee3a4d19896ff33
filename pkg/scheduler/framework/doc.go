// Package framework is what a plugin of the scheduler sees: the Request, one
// attempt to place one workload over one snapshot, and the interfaces that a
// plugin implements. A FilterPlugin says which clusters cannot take the workload
// and why, a ScorePlugin which of the others are better. Plugins read, they never
// write: everything in a Request is shared with other decisions running at once.
//
// A plugin prepares once for a Request and returns a function that is asked for
// each cluster, so that what depends on the workload alone is computed once; a
// plugin without a say in a Request returns nil and costs nothing.
package framework
