// Package foundation tests the built server and command line tool from outside,
// against real members: that a template and a policy end as running objects in
// members with their status back, that this survives crashes, that Kubernetes'
// and Karmada's own clients work, and that bad input is refused in one clear
// sentence with nothing left half-made.
//
// One fleet is shared by the package: a server, three members joined to it and
// a spare one that tests join and unjoin. Tests run one after the other; each
// works in namespaces of its own. They need bin/atolld and bin/atoll.
package foundation
