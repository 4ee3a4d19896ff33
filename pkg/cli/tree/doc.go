// Package tree answers one question: is this template (or policy, or cluster)
// where it should be, and if not, what is in the way? It reads the control plane
// from the top down, template, policy, binding, clusters, and says for each node
// whether it is ready and why not, so that the first line that is not ready from
// the bottom is the cause. It only reads; status prints what it finds.
package tree
