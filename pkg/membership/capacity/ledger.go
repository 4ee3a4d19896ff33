package capacity

import (
	"sync"

	clusterv1alpha1 "github.com/karmada-io/karmada/pkg/apis/cluster/v1alpha1"
)

// Ledger holds one member's totals. Reflectors write it, the status controller reads it.
type Ledger struct {
	// changed is called, without any lock held, after a change that moved a total.
	changed func()

	// mu guards what follows.
	mu    sync.Mutex
	nodes account[nodeShare]
	pods  account[podShare]

	readyNodes                         int32
	allocatable, allocating, allocated Amounts
}

// account is what is remembered of one kind's objects.
type account[S any] struct {
	shares map[string]S
	synced bool
}

// NewLedger returns an empty ledger that calls changed after each change of its totals.
func NewLedger(changed func()) *Ledger {
	return &Ledger{changed: changed,
		nodes: account[nodeShare]{shares: map[string]nodeShare{}},
		pods:  account[podShare]{shares: map[string]podShare{}}}
}

// Synced tells whether both nodes and pods have been seen in full, so that the totals mean something.
func (l *Ledger) Synced() bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.nodes.synced && l.pods.synced
}

// Summary returns the totals in the form of Cluster.status, or nils until Synced.
func (l *Ledger) Summary() (*clusterv1alpha1.NodeSummary, *clusterv1alpha1.ResourceSummary) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if !l.nodes.synced || !l.pods.synced {
		return nil, nil
	}
	return &clusterv1alpha1.NodeSummary{TotalNum: int32(len(l.nodes.shares)), ReadyNum: l.readyNodes},
		&clusterv1alpha1.ResourceSummary{Allocatable: l.allocatable.list(), Allocating: l.allocating.list(), Allocated: l.allocated.list()}
}

// countNode adds a node to the totals, sign times. mu is held.
func (l *Ledger) countNode(n nodeShare, sign int64) {
	l.allocatable.add(n.allocatable, sign)
	if n.ready {
		l.readyNodes += int32(sign)
	}
}

// countPod adds a pod to the totals, sign times. mu is held.
func (l *Ledger) countPod(p podShare, sign int64) {
	switch p.phase {
	case waiting:
		l.allocating.add(p.requests, sign)
	case placed:
		l.allocated.add(p.requests, sign)
	}
}
