// Package rebalance carries out WorkloadRebalancers: for each workload that one
// names it asks the scheduler for a fresh decision, by spec.rescheduleTriggeredAt of
// the workload's binding, and notes on the binding who asked. It is the only writer
// of both, and of the status of WorkloadRebalancers: one result a workload, written
// once all of them have been tried. A finished WorkloadRebalancer is deleted when its
// time to live is over. Dying between two writes costs nothing: what a binding says
// already is not written again.
package rebalance
