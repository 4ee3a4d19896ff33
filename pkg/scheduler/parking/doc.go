// Package parking remembers the bindings that could not be placed and which
// changes of a cluster could alter that, so that they are tried again when one of
// these happens and cost nothing until then. The worker that failed to place a
// binding parks it; whoever sees a cluster change asks which bindings it concerns.
// It is memory only: after a restart every binding that is not placed is tried once.
package parking
