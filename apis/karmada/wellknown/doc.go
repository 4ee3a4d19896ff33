// Package wellknown holds the vocabulary that Atoll shares with Karmada's
// clients and that Karmada keeps outside its API types: label, annotation and
// finalizer keys, reserved namespaces, and the rules by which bindings, works
// and execution namespaces get their names. Keys that Karmada's API packages
// export (policyv1alpha1, workv1alpha2, clusterv1alpha1) are used from there
// and not repeated here. Keys under atoll.dev are Atoll's own.
package wellknown
