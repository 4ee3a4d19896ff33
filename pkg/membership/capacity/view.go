package capacity

import (
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
	// Quotas are the member's ResourceQuotas by namespace.
	Quotas map[string][]Quota
	// LocalClaims are the PersistentVolumeClaims that are bound to volumes which live
	// on this member's own nodes (local, hostPath), by namespace and name.
	LocalClaims map[types.NamespacedName]struct{}
	// Stuck are, by workload, the times since which each of its pods has been
	// unschedulable in the member, the earliest first.
	Stuck map[Workload][]time.Time
}

// Node is one node of a member.
type Node struct {
	Name string
	// Class is what the node has in common with others.
	*Class
	// Ready is the node's Ready condition.
	Ready bool
	// Free is allocatable less what the pods on the node ask for; it may be negative.
	Free Amounts
}

// Class is the part of a node that many nodes share. It is compared by address.
type Class struct {
	// Labels but kubernetes.io/hostname, which is the node's own: see Node.LabelSet.
	Labels labels.Set
	// Taints with effect NoSchedule or NoExecute; spec.unschedulable is among them as
	// node.kubernetes.io/unschedulable.
	Taints []corev1.Taint
}

// Quota is one ResourceQuota of a member.
type Quota struct {
	Name string
	// Scopes restrict the pods that count; nil means all of them.
	Scopes []corev1.ScopedResourceSelectorRequirement
	// Left is hard less used, for each resource that the quota limits.
	Left map[corev1.ResourceName]int64
}

// Workload is what owns pods in a member: what a template has become there.
type Workload struct{ Kind, Namespace, Name string }
