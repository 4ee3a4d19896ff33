// Package spread chooses the clusters that a workload is spread over, so that all
// spread constraints of its placement hold at once: as many clusters, regions, zones,
// providers and values of a label as they ask for, with room for the replicas. It is
// given the candidates of a decision, best first, and returns the chosen ones with an
// Outcome that tells how, or a Shortage that says which constraint cannot be met.
//
// Clusters alone are taken by rank. One property with one group a cluster is solved
// exactly, for the combination of groups with the highest sum of scores; everything
// else by a depth-first search over kinds of clusters, those that are in the same
// groups, which is cut off after a fixed number of steps. Both depend on nothing but
// their input.
package spread
