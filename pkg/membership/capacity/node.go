package capacity

import (
	"fmt"

	corev1 "k8s.io/api/core/v1"
)

// nodeShare is what is remembered of a node.
type nodeShare struct {
	ready       bool
	hostname    string
	class       *Class
	allocatable Amounts
}

func (n nodeShare) equal(o nodeShare) bool {
	return n.ready == o.ready && n.hostname == o.hostname && n.class == o.class && n.allocatable.equal(o.allocatable)
}

func (l *Ledger) nodeStore() *store[nodeShare] {
	return &store[nodeShare]{ledger: l, account: &l.nodes, equal: nodeShare.equal, count: l.countNode, reduceObject: l.reduceNode, totals: true,
		replaced: func() { l.classes.keepOnly(l.nodes.shares) }}
}

func (l *Ledger) reduceNode(obj any) (keyed[nodeShare], error) {
	node, ok := obj.(*corev1.Node)
	if !ok {
		return keyed[nodeShare]{}, fmt.Errorf("got a %T, want a node", obj)
	}
	s := nodeShare{
		hostname:    node.Labels[corev1.LabelHostname],
		class:       l.classes.of(node),
		allocatable: AmountsOf(node.Status.Allocatable),
	}
	if s.hostname == node.Name {
		s.hostname = node.Name // one string for both
	}
	for _, c := range node.Status.Conditions {
		if c.Type == corev1.NodeReady {
			s.ready = c.Status == corev1.ConditionTrue
		}
	}
	return keyed[nodeShare]{key: node.Name, share: s}, nil
}

// countNode adds a node to the totals, sign times. mu is held.
func (l *Ledger) countNode(name string, n nodeShare, sign int64) {
	l.allocatable.add(n.allocatable, sign)
	if n.ready {
		l.readyNodes += int32(sign)
	}
	l.draft.node(name)
	if sign > 0 { // only then does nodes hold what was reduced last
		l.classes.tidy(l.nodes.shares)
	}
}
