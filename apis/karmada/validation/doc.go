// Package validation says what is wrong with an object of Karmada's API: the
// rules of Karmada's CRD schemas and of its validating webhooks, as of v1.18,
// on the Go types. Storage strategies call it before anything is written; an
// empty list means that the object may be stored. Every error names the field,
// its value and what would be right. Where Go cannot tell an absent value from
// an empty one, an empty value of a required field is refused. Kinds that no
// controller acts on yet are checked by their schema alone (schema_only_*.go).
package validation
