// Package interpret answers what the propagation asks about a kind: how many
// replicas, how to set them, what a member owns, what its status means, whether
// it is healthy, what it depends on. An Interpreter gives the hooks of a kind; a
// Chain puts several behind each other so that the first that knows a hook
// answers. Interpreters only read what they are given and return values: the
// loops that call them do all writing.
package interpret
