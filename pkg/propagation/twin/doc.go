// Package twin gives the namespaced and the cluster-scoped variant of a Karmada
// kind one face, so that every loop of the propagation is written once: Binding
// for ResourceBinding and ClusterResourceBinding, Policy for PropagationPolicy
// and ClusterPropagationPolicy. A key without a namespace names the cluster-scoped
// twin. The package holds what differs between twins (label keys, finalizers,
// annotations) and no behaviour.
package twin
