package estimator

import (
	"slices"
	"sync"

	corev1 "k8s.io/api/core/v1"

	"atoll.dev/atoll/pkg/membership/capacity"
	"atoll.dev/atoll/pkg/scheduler/snapshot"
)

// maxStocks is how many views of a cluster are kept counted: decisions that started
// before a new view arrived go by the old one still.
const maxStocks = 2

// book is what is known of one cluster beyond its snapshot: the claims on it, and
// its views with these claims taken off. Locks of several books are taken in the order of
// the clusters' names.
type book struct {
	mu sync.Mutex
	// claims in the order in which they were made.
	claims []*Claim
	// kinds are the claimed pods by namespace and the key of their requirement, total what
	// all take together.
	kinds map[string]map[string]*Pods
	total map[corev1.ResourceName]int64
	// version grows with every claim that is added.
	version uint64
	// stocks, the one used last first.
	stocks []*stock
	models *models
	// heard are the answers of the member's own estimator, by the key of what was asked.
	heard map[string]*heard
}

// heard is what an estimator in the member answered, less what was claimed since.
type heard struct {
	left int64
	// stale: something else was claimed since, so that nobody can tell.
	stale bool
}

// absurd is more of any resource than a cluster can have. No claim counts for more, so
// that claims which nobody checked do not sum up to more than a number holds.
const absurd = 1 << 53

// maxHeard is how many answers of the member's own estimator a book keeps.
const maxHeard = 64

// stock returns the nodes that the cluster has or its models stand for, whichever
// has a say; nil if none does. mu is held.
func (b *book) stock(c *snapshot.Cluster, a *ask) (s *stock, source string) {
	if c.Nodes != nil {
		return b.stockOf(c.Nodes, false), FromNodes
	}
	if b.models = modelsOf(c, b.models); b.models.apply(a) {
		return b.stockOf(b.models.view, true), FromModels
	}
	return nil, ""
}

func (b *book) stockOf(view *capacity.View, blind bool) *stock {
	i := slices.IndexFunc(b.stocks, func(s *stock) bool { return s.view == view })
	var s *stock
	switch {
	case i >= 0:
		s = b.stocks[i]
	default:
		s = newStock(view, blind)
		for _, c := range b.claims {
			s.hold(c)
		}
		if len(b.stocks) < maxStocks {
			b.stocks = append(b.stocks, nil)
		}
		i = len(b.stocks) - 1
	}
	copy(b.stocks[1:i+1], b.stocks[:i])
	b.stocks[0] = s
	s.idle = false
	return s
}

// left returns how many times the cluster holds what is asked for; at most Unlimited. mu is held.
func (b *book) left(c *snapshot.Cluster, a *ask) int64 {
	left := int64(Unlimited)
	s, _ := b.stock(c, a)
	if s != nil {
		left = min(left, s.room(a))
	}
	if c.Nodes != nil && len(c.Nodes.Quotas) > 0 {
		n, _, _, _ := quotaRoom(c.Nodes, a, b.kinds)
		left = min(left, n)
	}
	if summarySpeaks(c) {
		n, _ := b.summaryRoom(c, a)
		left = min(left, n)
	}
	return left
}

// summarySpeaks tells whether the summary has a say: not if the member's nodes are
// known before its summary is.
func summarySpeaks(c *snapshot.Cluster) bool { return c.Room != nil || c.Nodes == nil }

// summaryRoom returns how many times the summary holds what is asked for, and the
// resource that limits it. mu is held.
func (b *book) summaryRoom(c *snapshot.Cluster, a *ask) (int64, corev1.ResourceName) {
	room, limit := int64(Unlimited), corev1.ResourceName("")
	for _, s := range a.sum {
		n := max(c.Room[s.resource]-b.total[s.resource], 0) / s.quantity
		if n < room {
			room, limit = n, s.resource
		}
	}
	return room, limit
}

// add enters a claim; one of nothing changes nothing. mu is held.
func (b *book) add(c *Claim) {
	if c.times == 0 {
		return
	}
	b.version++
	b.claims = append(b.claims, c)
	b.enter(c, 1)
	for _, s := range b.stocks {
		s.hold(c)
	}
	key, n := c.ask.key, c.times
	for k, h := range b.heard {
		if k == key {
			h.left -= n
		} else {
			h.stale = true
		}
	}
}

// remove takes a claim out; one that is not there changes nothing. mu is held.
func (b *book) remove(c *Claim) bool {
	i := slices.Index(b.claims, c)
	if i < 0 {
		return false
	}
	b.claims = slices.Delete(b.claims, i, i+1)
	b.enter(c, -1)
	for _, s := range b.stocks {
		s.release(c)
	}
	return true
}

// enter adds a claim to the sums, sign times. mu is held.
func (b *book) enter(c *Claim, sign int64) {
	if b.kinds == nil {
		b.kinds, b.total = map[string]map[string]*Pods{}, map[corev1.ResourceName]int64{}
	}
	for _, p := range c.pods {
		kinds := b.kinds[p.Namespace]
		if kinds == nil {
			kinds = map[string]*Pods{}
			b.kinds[p.Namespace] = kinds
		}
		kind := kinds[p.key]
		if kind == nil {
			kind = &Pods{Requirement: p.Requirement}
			kinds[p.key] = kind
		}
		if kind.Count += sign * p.Count; kind.Count == 0 {
			delete(kinds, p.key)
			if len(kinds) == 0 {
				delete(b.kinds, p.Namespace)
			}
		}
		p.each(func(resource corev1.ResourceName, quantity int64) {
			if b.total[resource] += sign * min(times(quantity, p.Count), absurd); b.total[resource] == 0 {
				delete(b.total, resource)
			}
		})
	}
}
