// Package estimator says how many more replicas of a workload each cluster can
// hold. An Estimator answers for all candidate clusters of a decision at once;
// several are asked side by side and the lowest answer counts, since each knows of
// limits that the others do not.
//
// Members answers from what the members tell about themselves, the most accurate
// that a member gives: its nodes, or its resource models; and in either case at
// most what its summary and the quotas of the namespace leave. Package remote asks
// an estimator that runs in the member.
//
// Members also holds what decisions have taken that the members do not show yet,
// as Claims, and leaves it out of every answer. Decisions make claims through
// package reservation, which knows how long each of them lasts; estimates read them.
// For each cluster there is a book with a lock of its own, held for one answer or claim.
package estimator
