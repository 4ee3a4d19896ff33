// Package cycle decides where a workload goes. One decision is five steps over an
// immutable snapshot, each in a file of its own that reads as the algorithm:
//
//  1. groups: which clusters the placement allows; with several groups, steps 2 to
//     5 for one group after the other until one works out;
//  2. filter: which of these clusters can take the workload, and why not the others;
//  3. score: which of them suit better;
//  4. select: how many of them, and so which, the spread constraints ask for;
//  5. assign: how many replicas each of them gets.
//
// Clusters that the workload must not leave, as its volumes are there, are found
// after step 2 (file pin.go): steps 4 and 5 may not take them or their replicas away.
//
// A decision reads the binding, its peers and the snapshot, writes nothing, and depends on
// nothing else, so any number of them run at once and the same input gives the
// same answer. Its Result keeps what each step found, for those who ask why.
package cycle
