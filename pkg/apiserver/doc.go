// Package apiserver is Atoll's API server: Kubernetes' generic control plane as
// a library, with Karmada's groups stored natively beside the Kubernetes kinds
// that serve as templates. Every object of the control plane enters through it
// and lives in its etcd; controllers and users alike are its clients, the former
// over an in-memory connection when they share its process (see InProcess).
//
// A request passes one delegation chain: aggregation → native groups → custom
// resources. New composes the chain from Options, Server.Run serves it until its
// context ends. Kubernetes keeps global state in its schemes, metrics and signal
// handling, so a process can hold only one Server, and only once.
package apiserver
