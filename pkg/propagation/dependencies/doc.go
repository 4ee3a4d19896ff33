// Package dependencies sends what templates need along with them: the ConfigMaps,
// Secrets, accounts and claims of a workload whose policy says propagateDeps. It
// reads bindings that have been placed and asks the interpreter what their templates
// need; for each of these other templates it keeps, in that one's binding, the list
// of bindings that require it and where they are (spec.requiredBy), and makes the
// binding if no policy did. The binder then sends it to all these clusters.
//
// Two loops over one index in memory: the first brings what a binding requires into
// the index and onto its annotation, from which a restart takes it up before anything
// else; the second brings a template's binding to what the index says. Of a binding
// that no policy claims the second loop also keeps the template's version, the
// conflict resolution and what happens at its deletion; when nothing requires such a
// binding any more it is deleted.
package dependencies
