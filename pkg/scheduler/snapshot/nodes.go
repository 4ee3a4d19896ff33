package snapshot

import (
	"maps"
	"slices"
	"time"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/equality"

	"atoll.dev/atoll/pkg/membership/capacity"
)

// SetNodes replaces what is known of a member's nodes; nil stands for nothing. A view that comes
// before its cluster is kept for it, until nil is set.
//
// Calls for one cluster must not overlap.
func (s *Store) SetNodes(cluster string, v *capacity.View) Event {
	s.mu.Lock()
	was := s.views[cluster]
	s.mu.Unlock()
	change, gained := compareViews(was, v) // while others may take snapshots

	s.mu.Lock()
	defer s.mu.Unlock()
	if v == nil {
		delete(s.views, cluster)
	} else {
		if s.views == nil {
			s.views = map[string]*capacity.View{}
		}
		s.views[cluster] = v
	}
	i, found := find(s.clusters, cluster)
	if !found || s.clusters[i].Nodes == v {
		return Event{}
	}
	after := *s.clusters[i]
	after.Nodes = v
	e := Event{Before: s.clusters[i], After: &after, Change: change, Gained: gained}
	s.own()
	s.clusters[i] = &after
	s.changed(Event{Change: change &^ frequent})
	return e
}

// frequent are changes of nodes that do not make a generation: somewhere a pod comes or goes all the time.
const frequent = MoreRoom | Quotas | Stuck

// compareViews returns what changed of a member's nodes, and what gained they have.
func compareViews(before, after *capacity.View) (Change, *capacity.Amounts) {
	switch {
	case before == after:
		return None, nil
	case before == nil, after == nil: // what is unknown keeps nobody out
		return Nodes | MoreRoom | Quotas | Claims | Stuck, nil
	}
	c, gained := compareNodes(before.Nodes, after.Nodes)
	if quotasGrew(before.Quotas, after.Quotas) {
		c |= Quotas
	}
	if !maps.Equal(before.LocalClaims, after.LocalClaims) {
		c |= Claims
	}
	if !maps.EqualFunc(before.Stuck, after.Stuck, slices.Equal[[]time.Time]) {
		c |= Stuck
	}
	return c, gained
}

// compareNodes walks along both lists, which are sorted by name.
func compareNodes(before, after []capacity.Node) (Change, *capacity.Amounts) {
	if len(before) == len(after) && (len(before) == 0 || &before[0] == &after[0]) {
		return None, nil
	}
	var (
		c      Change
		gained *capacity.Amounts
	)
	gains := func(n *capacity.Node) {
		c |= MoreRoom
		if gained == nil {
			gained = &capacity.Amounts{}
		}
		gained.Raise(n.Free)
	}
	for len(before) > 0 || len(after) > 0 {
		switch {
		case len(after) == 0 || len(before) > 0 && before[0].Name < after[0].Name:
			c |= Nodes
			before = before[1:]
			continue
		case len(before) == 0 || after[0].Name < before[0].Name:
			c |= Nodes
			gains(&after[0])
			after = after[1:]
			continue
		}
		b, a := &before[0], &after[0]
		other := b.Class != a.Class && !sameClass(b.Class, a.Class)
		if other || b.Ready != a.Ready {
			c |= Nodes
		}
		// What a node of another class has left, others may use now.
		if other || a.Ready && (!b.Ready || a.Free.Exceeds(b.Free)) {
			gains(a)
		}
		before, after = before[1:], after[1:]
	}
	return c, gained
}

// sameClass compares classes of different views, which need not share them.
func sameClass(a, b *capacity.Class) bool {
	return a != nil && b != nil && maps.Equal(a.Labels, b.Labels) && equality.Semantic.DeepEqual(a.Taints, b.Taints)
}

// quotasGrew tells whether some quota is gone, reads otherwise, or leaves more than before.
func quotasGrew(before, after map[string][]capacity.Quota) bool {
	for namespace, was := range before {
		is := after[namespace]
		for i := range was {
			j := slices.IndexFunc(is, func(q capacity.Quota) bool { return q.Name == was[i].Name })
			if j < 0 || !equality.Semantic.DeepEqual(was[i].Scopes, is[j].Scopes) || leavesMore(was[i].Left, is[j].Left) {
				return true
			}
		}
	}
	return false
}

// leavesMore tells whether some resource has a higher limit in b than in a, or none any more.
func leavesMore(a, b map[corev1.ResourceName]int64) bool {
	for name, left := range a {
		if now, limited := b[name]; !limited || now > left {
			return true
		}
	}
	return false
}
