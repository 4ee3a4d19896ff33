package estimator

import (
	"cmp"
	"slices"

	workv1alpha2 "github.com/karmada-io/karmada/pkg/apis/work/v1alpha2"

	"atoll.dev/atoll/pkg/scheduler/snapshot"
)

// Take is what a decision adds to a cluster.
type Take struct {
	Cluster *snapshot.Cluster
	// Replicas, or whole sets of components; not negative.
	Replicas int32
}

// Claim is what a decision has taken of one cluster: estimates leave it out until it
// is dropped. All methods are safe for concurrent use.
type Claim struct {
	book *book
	ask  *ask
	// times and pods are guarded by book.mu.
	times int64
	pods  []Pods
}

// Claim claims what is taken of the clusters, all of it or nothing, in one step that
// no other Claim comes between. If limited it returns false if a cluster does not hold
// what is taken of it any more. Otherwise it returns one Claim for each of takes, in
// their order.
func (m *Members) Claim(spec *workv1alpha2.ResourceBindingSpec, takes []Take, limited bool) ([]*Claim, bool) {
	a := askOf(spec)
	claims := make([]*Claim, len(takes))
	order := make([]int, len(takes))
	for i, t := range takes {
		c := &Claim{book: m.book(t.Cluster.Name), ask: a, times: int64(max(t.Replicas, 0))}
		if i > 0 && claims[i-1].times == c.times { // as for all of what is duplicated
			c.pods = claims[i-1].pods
		} else {
			c.pods = a.by(c.times)
		}
		claims[i], order[i] = c, i
	}
	if !limited {
		for _, c := range claims {
			c.book.mu.Lock()
			c.book.add(c)
			c.book.mu.Unlock()
		}
		return claims, true
	}
	slices.SortFunc(order, func(i, j int) int { return cmp.Compare(takes[i].Cluster.Name, takes[j].Cluster.Name) })
	for _, i := range order {
		claims[i].book.mu.Lock()
		defer claims[i].book.mu.Unlock()
	}
	for i, c := range claims {
		if !c.book.holds(takes[i].Cluster, a, c.times) {
			return nil, false
		}
	}
	for _, c := range claims {
		c.book.add(c)
	}
	return claims, true
}

// holds tells whether there is room for so many times what is asked for. mu is held.
func (b *book) holds(c *snapshot.Cluster, a *ask, n int64) bool {
	if h, ok := b.heard[a.key]; ok && (h.stale || h.left < n) {
		return false
	}
	left := b.left(c, a)
	return left == int64(Unlimited) || left >= n
}

// Replicas returns how many replicas, or whole sets of components, are claimed.
func (c *Claim) Replicas() int32 {
	c.book.mu.Lock()
	defer c.book.mu.Unlock()
	return int32(c.times)
}

// Shrink lowers the claim to so many replicas; a claim of fewer stays as it is.
func (c *Claim) Shrink(replicas int32) {
	c.book.mu.Lock()
	defer c.book.mu.Unlock()
	n := int64(max(replicas, 0))
	if n >= c.times || !c.book.remove(c) {
		return
	}
	c.times, c.pods = n, c.ask.by(n)
	c.book.add(c)
}

// Drop gives the claim back. It may be called more than once.
func (c *Claim) Drop() { c.Shrink(0) }
