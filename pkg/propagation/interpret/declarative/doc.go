// Package declarative interprets kinds as the ResourceInterpreterCustomizations of
// the control plane say. Administrators write them; the interpreter follows them
// through the manager's cache, compiles their scripts once and tells its listeners
// of which kinds something else is said now.
package declarative
