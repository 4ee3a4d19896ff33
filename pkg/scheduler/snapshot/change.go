package snapshot

import (
	"maps"

	"k8s.io/apimachinery/pkg/api/equality"
)

// Change says in which respects a cluster differs from what it was; several can hold at once.
type Change uint16

const (
	// Joined: the cluster is new.
	Joined Change = 1 << iota
	// Left: the cluster is gone or is being deleted.
	Left
	// Labels of the Cluster object differ.
	Labels
	// Topology: provider, region or zones differ.
	Topology
	// Taints that keep workloads away differ.
	Taints
	// APIs: the member serves other kinds than before.
	APIs
	// MoreRoom: some resource has more left than before, in the member as a whole or on some node.
	MoreRoom
	// Nodes came, went, or differ in labels, taints or readiness.
	Nodes
	// Quotas: some ResourceQuota of the member is gone or leaves more than before.
	Quotas
	// Claims: other claims than before are bound to volumes on the member's nodes.
	Claims
	// Stuck: other pods than before are unschedulable in the member. It lets nobody in.
	Stuck

	// None: nothing that a decision depends on.
	None Change = 0
	// Any is every change that can let a workload in where it was refused.
	Any = Joined | Labels | Topology | Taints | APIs | MoreRoom | Nodes | Quotas | Claims
)

// Has tells whether any of the respects of other is among those of c.
func (c Change) Has(other Change) bool { return c&other != 0 }

// Compare returns what changed from before to after; nil stands for a cluster that is not there.
func Compare(before, after *Cluster) Change {
	switch {
	case before == nil && after == nil:
		return None
	case before == nil:
		if after.Leaving {
			return Left
		}
		return Joined
	case after == nil:
		return Left
	}
	var c Change
	if after.Leaving && !before.Leaving {
		c |= Left
	}
	if before.Leaving && !after.Leaving { // deleted and made again under the same name
		c |= Joined
	}
	if !maps.Equal(before.Labels, after.Labels) {
		c |= Labels
	}
	if !sameTopology(before, after) {
		c |= Topology
	}
	if !equality.Semantic.DeepEqual(before.Taints, after.Taints) {
		c |= Taints
	}
	if !maps.Equal(before.apis, after.apis) {
		c |= APIs
	}
	if grew(before.Room, after.Room) {
		c |= MoreRoom
	}
	return c
}
