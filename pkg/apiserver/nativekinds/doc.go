// Package nativekinds stores Karmada's API groups, and Atoll's own, natively in
// the API server. A table of descriptors says what distinguishes one kind from another
// (names, scope, columns, rules, defaults); one strategy and one storage serve
// them all. Users and controllers write through it, etcd holds what it encodes
// as JSON under GROUP/RESOURCE, the same place and form in which Karmada's own
// CRDs keep their objects. StorageProviders is what an API server installs;
// ConfigureStorageFactory and GroupVersions are what it needs to know before.
package nativekinds
