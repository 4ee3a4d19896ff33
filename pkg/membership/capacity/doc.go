// Package capacity sums up what a member's nodes offer and its pods ask for. It
// watches nodes and pods but keeps no copy of them: of a node its allocatable
// amounts and readiness, of a pod its requests and whether it has a node, next to
// running totals that are adjusted at each change. The status controller reads
// the totals; nothing else does, and nothing here writes to a member.
package capacity
