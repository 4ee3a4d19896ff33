// Package bind renders bindings into Works: for every member that a binding's
// spec.clusters names, one Work in the member's execution namespace, with the
// template's manifest as that member shall have it. It writes the metadata and
// spec of Works and nothing else; it also sends the users' namespaces to all
// members. Data flows from template and binding to Work.
package bind
