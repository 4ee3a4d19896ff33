package capacity

import (
	"maps"
	"time"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/types"
)

// View is what one member's nodes can still hold, at one moment. It is immutable:
// everything reachable from it is shared between decisions and must not be written.
type View struct {
	// Nodes in the order of their names, those that are not ready or are cordoned included.
	Nodes []Node
	// Quotas are the member's ResourceQuotas by namespace, in the order of their names; nil if
	// the member does not let us see them.
	Quotas map[string][]Quota
	// LocalClaims are the PersistentVolumeClaims that are bound to volumes which live
	// on this member's own nodes (local, hostPath, or bound to one hostname), by namespace
	// and name; nil if the member does not let us see its volumes.
	LocalClaims map[types.NamespacedName]struct{}
	// Stuck are, by workload, the times since which each of its pods has been
	// unschedulable in the member, the earliest first.
	Stuck map[Workload][]time.Time
}

// Node is one node of a member.
type Node struct {
	Name string
	// Hostname is its label kubernetes.io/hostname, empty if it has none.
	Hostname string
	// Class is what the node has in common with others.
	*Class
	// Ready is the node's Ready condition.
	Ready bool
	// Free is allocatable less what the pods on the node ask for; it may be negative. Of
	// what is not mentioned there is nothing.
	Free Amounts
}

var _ labels.Labels = &Node{}

// Has tells whether the node has a label. With Get and Lookup it makes a node what selectors match.
func (n *Node) Has(label string) bool {
	_, ok := n.Lookup(label)
	return ok
}

// Get returns the value of a label, or "".
func (n *Node) Get(label string) string {
	value, _ := n.Lookup(label)
	return value
}

// Lookup returns the value of a label, and whether the node has it.
func (n *Node) Lookup(label string) (string, bool) {
	if label == corev1.LabelHostname {
		return n.Hostname, n.Hostname != ""
	}
	if n.Class == nil {
		return "", false
	}
	value, ok := n.Labels[label]
	return value, ok
}

// LabelSet returns a copy of all labels, kubernetes.io/hostname included.
func (n *Node) LabelSet() labels.Set {
	all := labels.Set{}
	if n.Class != nil {
		maps.Copy(all, n.Labels)
	}
	if n.Hostname != "" {
		all[corev1.LabelHostname] = n.Hostname
	}
	return all
}

// Class is the part of a node that many nodes share. Nodes of one view that have the same
// share the address, too.
type Class struct {
	// Labels but kubernetes.io/hostname, which is the node's own.
	Labels labels.Set
	// Taints with effect NoSchedule or NoExecute, without the times of their making; spec.unschedulable is among them as
	// node.kubernetes.io/unschedulable.
	Taints []corev1.Taint
}

// Quota is one ResourceQuota of a member.
type Quota struct {
	Name string
	// Scopes restrict the pods that count; nil means all of them.
	Scopes []corev1.ScopedResourceSelectorRequirement
	// Left is hard less used, for each resource that the quota limits, under its name
	// there (requests.cpu, count/jobs.batch): CPU in thousandths, the rest in units.
	Left map[corev1.ResourceName]int64
}

// Workload is what owns pods in a member: what a template has become there. Pods of a
// Deployment's ReplicaSet are the Deployment's, pods that nobody owns their own.
type Workload struct{ Kind, Namespace, Name string }
