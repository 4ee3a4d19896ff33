package capacity

import (
	"slices"
	"sync"

	clusterv1alpha1 "github.com/karmada-io/karmada/pkg/apis/cluster/v1alpha1"
	"k8s.io/apimachinery/pkg/types"
)

// Ledger holds what is remembered of one member: shares of its objects, running totals over them,
// and the last view that somebody took. Reflectors write it.
type Ledger struct {
	classes *classes

	// listening guards listeners; it is not held while they are called.
	listening sync.Mutex
	listeners []*listener

	// mu guards what follows.
	mu      sync.Mutex
	nodes   account[nodeShare]
	pods    account[podShare]
	quotas  account[quotaShare]
	volumes account[types.NamespacedName]

	readyNodes                         int32
	allocatable, allocating, allocated Amounts

	// used is by name of the node; there may be no such node (yet).
	used map[string]*usage
	// stuck is by the key of the pod.
	stuck map[string]*stuckPod

	draft draft
}

// listener is somebody who wants to know of changes.
type listener struct {
	totalsOnly bool
	call       func()
}

// NewLedger returns an empty ledger.
func NewLedger() *Ledger {
	return &Ledger{
		classes: newClasses(),
		nodes:   account[nodeShare]{shares: map[string]nodeShare{}},
		pods:    account[podShare]{shares: map[string]podShare{}},
		quotas:  account[quotaShare]{shares: map[string]quotaShare{}},
		volumes: account[types.NamespacedName]{shares: map[string]types.NamespacedName{}},
		used:    map[string]*usage{},
		stuck:   map[string]*stuckPod{},
		draft:   draft{nodes: map[string]struct{}{}},
	}
}

// OnTotals has changed called after each change that may have moved the totals, until stop is called.
// It must not block. A call that is under way when stop returns may still go on.
func (l *Ledger) OnTotals(changed func()) (stop func()) { return l.listen(changed, true) }

// OnView is OnTotals for all that a View shows.
func (l *Ledger) OnView(changed func()) (stop func()) { return l.listen(changed, false) }

func (l *Ledger) listen(changed func(), totalsOnly bool) (stop func()) {
	one := &listener{totalsOnly: totalsOnly, call: changed}
	l.listening.Lock()
	defer l.listening.Unlock()
	l.listeners = append(slices.Clip(l.listeners), one) // tell may be using the old slice
	return func() {
		l.listening.Lock()
		defer l.listening.Unlock()
		l.listeners = slices.DeleteFunc(slices.Clone(l.listeners), func(other *listener) bool { return other == one })
	}
}

// tell calls the listeners. mu is not held.
func (l *Ledger) tell(totals bool) {
	l.listening.Lock()
	listeners := l.listeners
	l.listening.Unlock()
	for _, one := range listeners {
		if totals || !one.totalsOnly {
			one.call()
		}
	}
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
