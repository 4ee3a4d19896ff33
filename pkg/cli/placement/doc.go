// Package placement asks the scheduler where workloads are, or would be, and why, and
// prints its answers. A question is a PlacementReview, which is created, waited for
// and deleted again, also when the user interrupts. What is sent is what is needed:
// the data of Secrets stays here.
package placement
