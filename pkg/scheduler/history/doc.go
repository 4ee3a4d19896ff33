// Package history is the last decisions about a binding, in an annotation of the
// binding: when, because of what, and which clusters gained or lost. Whoever writes
// spec.clusters adds to it in the same write, so that nothing moves without its
// reason standing beside it, and no write is made for its sake; everybody else only
// reads. A decision that moves nothing is not recorded. Its size has a bound that
// does not depend on the number of clusters, and whatever others put there instead
// is ignored.
package history
