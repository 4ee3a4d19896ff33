// Package rescheduling tests what moves a workload that runs, with the built server
// and real members: pods that a member cannot run, and a WorkloadRebalancer. It needs
// bin/atolld, bin/atoll and bin/member.
package rescheduling
