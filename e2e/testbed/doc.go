// Package testbed runs real member clusters and Atoll itself as processes on
// loopback, for tests and for trying things by hand.
//
// A Bed is one etcd shared by its members (a key prefix each). A Member is a
// kube-apiserver, kube-controller-manager, kube-scheduler and KWOK of its own,
// with its own CA; KWOK plays the kubelets of its nodes. An Atoll is the built
// server on a data directory. All processes belong to the caller and die with
// it, unless the Bed is detached: then pid files keep track of them.
// State is written by the Bed below its directory only; tests read kubeconfigs,
// logs and audit logs there. Linux only: processes are told apart by /proc.
package testbed
