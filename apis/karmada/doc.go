// Package karmada registers Karmada's API groups, as of v1.18, so that an API
// server can serve them natively. The Go types are Karmada's own; kinds that
// have no internal type are their own internal type, and ResourceBinding and
// ClusterResourceBinding are held as v1alpha2 and converted to and from
// v1alpha1 at the edge. Schema defaults are part of the registration (package
// defaults); rules are in package validation; storage is in
// pkg/apiserver/nativekinds.
package karmada
