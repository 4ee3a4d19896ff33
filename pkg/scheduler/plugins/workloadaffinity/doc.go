// Package workloadaffinity keeps workloads of one group together or apart, as
// spec.workloadAffinityGroups of their ResourceBindings says. There are two
// plugins: WorkloadAffinity lets a workload only where all others of its affinity
// group are placed, the first one anywhere; WorkloadAntiAffinity lets it nowhere
// where another of its anti-affinity group is placed. A group belongs to a
// namespace, and is what bindings have in common that name it alike.
//
// A cluster that holds the workload already always passes: to change a label is no
// reason to take a workload away. Decisions made at the same time claim what they
// chose, so that they neither meet nor split. Who was refused is looked at again
// when another member of the group moves or goes.
package workloadaffinity
