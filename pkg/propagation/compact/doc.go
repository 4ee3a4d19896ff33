// Package compact holds API objects of any kind in the form in which the
// propagation's caches keep them: the metadata decoded, the rest as JSON in two
// parts, the specification (what a user wrote) and the status. That is about a
// third of the memory of an unstructured map, answers most questions without
// decoding, and makes "has the specification changed" a comparison of bytes.
// Informers write these objects through Transform; everybody else only reads.
package compact
