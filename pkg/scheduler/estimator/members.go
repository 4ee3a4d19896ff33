package estimator

import (
	"context"
	"sync"

	workv1alpha2 "github.com/karmada-io/karmada/pkg/apis/work/v1alpha2"

	"atoll.dev/atoll/pkg/scheduler/snapshot"
)

// Members estimates from what members tell about themselves, less what is claimed. The
// answer for a cluster is the lowest of those that apply:
//
//   - Nodes, if its nodes are known: how many replicas fit on each node that is ready and
//     that selectors, affinity and tolerations allow. Exact but for what only the
//     member's scheduler looks at, such as pod affinity and volumes;
//   - ResourceModels, if its nodes are not known and it reports models that range over all
//     resources that are asked for: the same over the nodes that the models stand for, of
//     which nothing but the amounts is known;
//   - ResourceQuotas, if its nodes are known: what the quotas of the namespace leave;
//   - ResourceSummary: what is left in the member as a whole, an upper bound. A member
//     that has not reported anything has room for nothing.
//
// The zero value is ready to use. All methods are safe for concurrent use.
type Members struct {
	// books by the names of clusters.
	books sync.Map
}

var _ Explainer = &Members{}

// Name implements Estimator.
func (*Members) Name() string { return "Members" }

// Estimate implements Estimator.
func (m *Members) Estimate(_ context.Context, spec *workv1alpha2.ResourceBindingSpec, clusters []*snapshot.Cluster) ([]int32, error) {
	a := askOf(spec)
	answer := make([]int32, len(clusters))
	for i, c := range clusters {
		b := m.book(c.Name)
		b.mu.Lock()
		answer[i] = int32(b.left(c, a))
		b.mu.Unlock()
	}
	return answer, nil
}

func (m *Members) book(cluster string) *book {
	if b, ok := m.books.Load(cluster); ok {
		return b.(*book)
	}
	b, _ := m.books.LoadOrStore(cluster, &book{})
	return b.(*book)
}

// Claimed returns the pods that are claimed of a cluster, by what they require, and
// the version of this answer for Heard.
func (m *Members) Claimed(cluster string) ([]Pods, uint64) {
	b := m.book(cluster)
	b.mu.Lock()
	defer b.mu.Unlock()
	var pods []Pods
	for _, kinds := range b.kinds {
		for _, kind := range kinds {
			pods = append(pods, *kind)
		}
	}
	return pods, b.version
}

// Heard takes in what an estimator in the member answered about spec when the claims
// were those of version, so that claims stay within it; known is false if it did not
// answer. An answer that claims have overtaken lets no claim through until there is a
// newer one.
func (m *Members) Heard(cluster string, spec *workv1alpha2.ResourceBindingSpec, version uint64, replicas int32, known bool) {
	key := askOf(spec).key
	b := m.book(cluster)
	b.mu.Lock()
	defer b.mu.Unlock()
	if !known {
		delete(b.heard, key)
		return
	}
	if b.heard == nil || len(b.heard) >= maxHeard {
		b.heard = map[string]*heard{}
	}
	b.heard[key] = &heard{left: int64(replicas), stale: version != b.version}
}

// Unheard takes in that a cluster has no estimator of its own any more.
func (m *Members) Unheard(cluster string) {
	b := m.book(cluster)
	b.mu.Lock()
	defer b.mu.Unlock()
	b.heard = nil
}

// Sweep lets go of what nobody asks for any more: views that no decision has gone by
// since the last Sweep, and clusters that exists denies.
func (m *Members) Sweep(exists func(cluster string) bool) {
	m.books.Range(func(name, value any) bool {
		b := value.(*book)
		b.mu.Lock()
		defer b.mu.Unlock()
		kept := b.stocks[:0]
		for i, s := range b.stocks {
			if i == 0 && exists(name.(string)) || !s.idle {
				kept = append(kept, s)
			}
			s.idle = true
		}
		clear(b.stocks[len(kept):])
		b.stocks = kept
		return true
	})
}
