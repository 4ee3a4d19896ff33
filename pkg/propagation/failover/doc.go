// Package failover moves workloads away from clusters that are lost or not wanted
// any more, and from clusters in which they stay unhealthy. It writes two fields of
// bindings, always together and based on the version that was read: a cluster that is
// evicted leaves spec.clusters and becomes a task in spec.gracefulEvictionTasks. The
// scheduler then places elsewhere and the binder keeps the old copy for as long as the
// task stands. A task ends when the workload runs elsewhere, or is withdrawn: the
// cluster goes back where it was. decide says what becomes of one binding, from that
// binding and what is known of clusters, and of nothing else: a restart goes on where
// the last process stopped.
package failover
