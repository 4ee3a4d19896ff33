// Package apiserver is Atoll's API server: Kubernetes' generic control plane as
// a library, with Karmada's groups stored natively beside the Kubernetes kinds
// that serve as templates. Every object of the control plane enters through it
// and lives in its etcd; controllers and users alike are its clients.
package apiserver
