// Package architecture refuses members that have no node of the processor
// architecture or operating system that the template's pods ask for: by node
// selector, or by required node affinity, on the labels kubernetes.io/arch and
// kubernetes.io/os or their beta.kubernetes.io names. Each component of a workload
// must find a node, not all of them the same; of kinds without replicas, DaemonSets
// say, an annotation of the binding has it (pkg/propagation/footprint). Of other labels this plugin says
// nothing, nor of room: that is for estimators.
//
// A node counts unless it has a taint that the pods do not tolerate; taints that
// tell how a node is doing, those under node.kubernetes.io/, do not count, so that a
// node that is restarted lets nobody in or out. A cluster that holds the workload
// already always passes, and so does one whose nodes nobody watches.
package architecture
