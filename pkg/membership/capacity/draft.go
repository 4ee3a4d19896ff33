package capacity

import (
	"cmp"
	"slices"
	"strings"
	"time"

	"k8s.io/apimachinery/pkg/types"
)

// draft is what has to change in the last view to make the next one.
type draft struct {
	// view was taken last; nil if none was.
	view *View
	// nodes that may differ from those in view.
	nodes map[string]struct{}
	// quotas, claims and stuck are set if these may differ.
	quotas, claims, stuck bool
}

func (d *draft) node(name string) {
	if d.view != nil { // a first view is made from scratch
		d.nodes[name] = struct{}{}
	}
}

// View returns the member as it is now, or nil until everything has been seen in full. As long as
// nothing changes it is the same View; a new one shares with the last what is alike. It costs a
// copy of the nodes, which holders of older views keep: take it as often as it is needed.
func (l *Ledger) View() *View {
	l.mu.Lock()
	defer l.mu.Unlock()
	if !l.nodes.synced || !l.pods.synced || !l.quotas.settled() || !l.volumes.settled() {
		return nil
	}
	d := &l.draft
	first := d.view == nil
	if !first && len(d.nodes) == 0 && !d.quotas && !d.claims && !d.stuck {
		return d.view
	}
	next := &View{}
	if first {
		next.Nodes = l.allNodes()
	} else {
		*next = *d.view
		next.Nodes = l.patchedNodes(d.view.Nodes, d.nodes)
	}
	if first || d.quotas {
		next.Quotas = l.quotasByNamespace()
	}
	if first || d.claims {
		next.LocalClaims = l.localClaims()
	}
	if first || d.stuck {
		next.Stuck = l.stuckByWorkload()
	}
	*d = draft{view: next, nodes: d.nodes}
	clear(d.nodes)
	return next
}

// viewOf returns a node as a view shows it. mu is held.
func (l *Ledger) viewOf(name string, n nodeShare) Node {
	free := n.allocatable
	if u := l.used[name]; u != nil {
		free = free.minus(u.Amounts)
	}
	return Node{Name: name, Hostname: n.hostname, Class: n.class, Ready: n.ready, Free: free}
}

func byName(n Node, name string) int { return strings.Compare(n.Name, name) }

// allNodes returns the nodes in the order of their names. mu is held.
func (l *Ledger) allNodes() []Node {
	nodes := make([]Node, 0, len(l.nodes.shares))
	for name, n := range l.nodes.shares {
		nodes = append(nodes, l.viewOf(name, n))
	}
	slices.SortFunc(nodes, func(a, b Node) int { return strings.Compare(a.Name, b.Name) })
	return nodes
}

// patchedNodes returns a copy of nodes with the changed ones as they are now. mu is held.
func (l *Ledger) patchedNodes(nodes []Node, changed map[string]struct{}) []Node {
	if len(changed) == 0 {
		return nodes
	}
	patched := slices.Clone(nodes)
	gone := false
	for name := range changed {
		i, was := slices.BinarySearchFunc(patched, name, byName)
		n, is := l.nodes.shares[name]
		switch {
		case is && was:
			patched[i] = l.viewOf(patched[i].Name, n)
		case is: // a node came, which is rare
			return l.allNodes()
		case was:
			gone = true
		}
	}
	if gone {
		patched = slices.DeleteFunc(patched, func(n Node) bool {
			_, is := l.nodes.shares[n.Name]
			return !is
		})
	}
	return patched
}

// quotasByNamespace is nil if quotas are not known. mu is held.
func (l *Ledger) quotasByNamespace() map[string][]Quota {
	if l.quotas.refused {
		return nil
	}
	all := map[string][]Quota{}
	for _, q := range l.quotas.shares {
		all[q.namespace] = append(all[q.namespace], q.Quota)
	}
	for _, quotas := range all {
		slices.SortFunc(quotas, func(a, b Quota) int { return cmp.Compare(a.Name, b.Name) })
	}
	return all
}

// localClaims is nil if volumes are not known. mu is held.
func (l *Ledger) localClaims() map[types.NamespacedName]struct{} {
	if l.volumes.refused {
		return nil
	}
	claims := make(map[types.NamespacedName]struct{}, len(l.volumes.shares))
	for _, claim := range l.volumes.shares {
		claims[claim] = struct{}{}
	}
	return claims
}

// stuckByWorkload returns the stuck pods of each workload, the earliest first. mu is held.
func (l *Ledger) stuckByWorkload() map[Workload][]time.Time {
	var all map[Workload][]time.Time
	for _, p := range l.stuck {
		if all == nil {
			all = map[Workload][]time.Time{}
		}
		all[p.workload] = append(all[p.workload], p.since)
	}
	for _, times := range all {
		slices.SortFunc(times, time.Time.Compare)
	}
	return all
}
