// Package estimator says how many more replicas of a workload each cluster can
// hold. An Estimator answers for all candidate clusters of a decision at once;
// several are asked side by side and the lowest answer counts, since each knows of
// limits that the others do not. Summary answers from what the members report
// about themselves as a whole.
package estimator
