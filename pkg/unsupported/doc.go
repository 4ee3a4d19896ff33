// Package unsupported speaks for kinds that the API server serves and that no
// controller acts on yet: it gives each such object the condition Unsupported, or
// an event where the kind's status has no conditions. It is the one writer of
// that condition. When a kind gets its controller, its line here goes, and the
// controller removes the condition.
package unsupported
