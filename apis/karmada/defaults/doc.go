// Package defaults completes Karmada's API objects. What Karmada's CRD schemas
// default is registered in a scheme and applied whenever an object is decoded,
// from a client or from storage (AddToScheme). What its mutating webhooks set
// is applied by the storage strategies when an object is created or updated:
// those functions are pure on the object, apart from the identifiers they mint.
package defaults
