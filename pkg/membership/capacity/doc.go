// Package capacity sums up what a member's nodes offer and its pods ask for. A
// Ledger watches nodes, pods, quotas and volumes but keeps no copy of them: of a
// node its allocatable amounts, readiness, labels and taints, the latter two shared
// by all nodes that are alike; of a pod its requests and its node; next to running
// totals that are adjusted at each change. The status controller reads the totals.
// The scheduler reads Views, which show each node with what it has left; a View is
// made from its predecessor when somebody asks for it. Nothing here writes to a member.
package capacity
