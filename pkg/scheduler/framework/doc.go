// Package framework is the contract between the scheduler and its plugins, those
// that come with it and those of other programs alike. A FilterPlugin says which
// clusters cannot take a workload and why, a ScorePlugin which of the others are
// better, a ReservePlugin keeps decisions from taking the same thing twice. A
// Registry holds the Factory of each by name; a factory gets the arguments that
// the configuration gives the plugin and a Handle to what it may use.
//
// What a plugin decides about is the Request, one attempt to place one workload over
// one snapshot. Plugins read, they never write: everything in a Request is shared
// with other decisions running at once. A plugin prepares once for a Request and
// returns a function that is asked for each cluster, so that what depends on the
// workload alone is computed once; a plugin without a say in a Request returns nil
// and costs nothing.
package framework
