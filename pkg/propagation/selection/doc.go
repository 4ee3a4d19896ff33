// Package selection reads the resource selectors of policies: which templates a
// policy means, and how exactly. Policies that propagate and policies that
// override share it. It keeps nothing and writes nothing.
package selection
