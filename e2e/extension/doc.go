// Package extension builds the example of scheduler plugins as a module of its own,
// the way somebody outside of this repository does, runs it as a server and checks
// that its plugins decide. The members are Clusters in pull mode with a status but
// nothing behind: all that counts is where the scheduler sends a workload.
package extension
