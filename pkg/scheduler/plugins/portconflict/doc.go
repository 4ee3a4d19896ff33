// Package portconflict lets no two workloads with the same fixed port of a
// member's nodes into one member: NodePorts of Services, and host ports of pods,
// which conflict if protocol and number are the same and, for host ports, the
// address too, unless one of them means all addresses. The ports are in the
// annotation that package footprint describes. Node ports that the API server
// chose never repeat, so they conflict with nobody's choice.
//
// Who is in a cluster keeps it, the newcomer is refused, also while the one there is
// still being evicted. Decisions made at the same time claim their ports, so that
// never two of them take a member. Who was refused is looked at again when another
// workload with one of its ports moves, goes, or changes its ports.
package portconflict
