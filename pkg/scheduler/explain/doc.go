// Package explain puts a decision into words: it turns the Result of a cycle, which
// holds what each step found, into the WorkloadPlacement of a PlacementReview. It
// decides nothing and reads nothing but what it is given. Clusters that were refused
// for the same reason are told of together, and lists are cut off by Bounds, so that
// the size of an explanation does not follow that of the fleet.
package explain
