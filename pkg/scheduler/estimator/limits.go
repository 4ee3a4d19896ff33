package estimator

import (
	"context"
	"fmt"
	"strings"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"

	workv1alpha2 "github.com/karmada-io/karmada/pkg/apis/work/v1alpha2"

	"atoll.dev/atoll/pkg/membership/capacity"
	"atoll.dev/atoll/pkg/scheduler/snapshot"
)

// Explain implements Explainer.
func (m *Members) Explain(_ context.Context, spec *workv1alpha2.ResourceBindingSpec, clusters []*snapshot.Cluster) [][]Answer {
	a := askOf(spec)
	all := make([][]Answer, len(clusters))
	for i, c := range clusters {
		b := m.book(c.Name)
		b.mu.Lock()
		all[i] = b.explain(c, a)
		b.mu.Unlock()
	}
	return all
}

// explain returns the answers that left is the lowest of. mu is held.
func (b *book) explain(c *snapshot.Cluster, a *ask) []Answer {
	var answers []Answer
	if s, source := b.stock(c, a); s != nil {
		n := s.room(a)
		answers = append(answers, Answer{source, capped(n), s.limit(a, n) + b.lessClaims()})
	}
	if c.Nodes != nil {
		if n, quota, limit, left := quotaRoom(c.Nodes, a, b.kinds); quota != nil {
			answers = append(answers, Answer{FromQuotas, capped(n), quotaLimit(quota, limit, left)})
		}
	}
	if summarySpeaks(c) {
		n, limit := b.summaryRoom(c, a)
		answers = append(answers, Answer{FromSummary, capped(n), b.summaryLimit(c, limit)})
	}
	return answers
}

func capped(n int64) int32 { return int32(min(n, int64(Unlimited))) }

func (b *book) summaryLimit(c *snapshot.Cluster, limit corev1.ResourceName) string {
	if c.Room == nil {
		return "the member has not reported what it has room for"
	}
	if limit == "" {
		return ""
	}
	if _, ok := c.Room[limit]; !ok {
		return fmt.Sprintf("%s: the member has none", limit)
	}
	left := max(c.Room[limit]-b.total[limit], 0)
	return fmt.Sprintf("%s: %s left in the member as a whole", limit, quantityText(limit, left)) + b.lessClaims()
}

// lessClaims tells of what is claimed of the cluster. mu is held.
func (b *book) lessClaims() string {
	var pods int64
	for _, kinds := range b.kinds {
		for _, kind := range kinds {
			pods = plus(pods, kind.Count)
		}
	}
	if pods == 0 {
		return ""
	}
	return fmt.Sprintf(", less %d pods on their way", pods)
}

// limit tells what the nodes have no more of.
func (s *stock) limit(a *ask, room int64) string {
	var limits []string
	for _, p := range a.pods {
		limits = append(limits, s.limitOf(p.Requirement))
	}
	if r := a.single(); r == nil {
		return fmt.Sprintf("nodes have room for %d whole sets; %s", room, strings.Join(limits, "; "))
	}
	return limits[0]
}

// limitOf counts the nodes that hold the requirement, and those that cannot at all.
func (s *stock) limitOf(r *Requirement) string {
	var (
		f                                       = s.fitOf(r)
		notReady, tainted, unsuited, full, room int
		short                                   = map[corev1.ResourceName]int{}
	)
	for i := range s.view.Nodes {
		node := &s.view.Nodes[i]
		switch {
		case !node.Ready:
			notReady++
		case !s.allows(f, int32(i)):
			if suits(node, r) {
				tainted++
			} else {
				unsuited++
			}
		default:
			n, resource := r.tightest(s.free(int32(i)))
			short[resource]++
			if n > 0 {
				room++
			} else {
				full++
			}
		}
	}
	var parts []string
	switch {
	case len(s.view.Nodes) == 0:
		return "there is no node"
	case room == 0 && full > 0:
		parts = append(parts, fmt.Sprintf("%s: none of %s has room", most(short), nodes(full)))
	case room > 0:
		verb := "have"
		if room == 1 {
			verb = "has"
		}
		parts = append(parts, fmt.Sprintf("%s: %s %s room for %d", most(short), nodes(room), verb, f.total))
		if full > 0 {
			parts = append(parts, fmt.Sprintf("%s full", nodes(full)))
		}
	}
	for _, out := range []struct {
		count int
		why   string
	}{{unsuited, "not selected by the node selector or affinity"}, {tainted, "tainted or cordoned"}, {notReady, "not ready"}} {
		if out.count > 0 {
			parts = append(parts, fmt.Sprintf("%s %s", nodes(out.count), out.why))
		}
	}
	return strings.Join(parts, ", ")
}

// tightest returns how many of the pod the free amounts hold, and what limits them.
func (r *Requirement) tightest(free *capacity.Amounts) (n int64, limit corev1.ResourceName) {
	n = r.fit(free)
	r.each(func(resource corev1.ResourceName, quantity int64) {
		if limit == "" && max(free.Of(resource)/quantity, 0) <= n {
			limit = resource
		}
	})
	return n, limit
}

// most returns the resource that limits the most nodes.
func most(short map[corev1.ResourceName]int) corev1.ResourceName {
	var name corev1.ResourceName
	for resource, count := range short {
		if name == "" || count > short[name] || count == short[name] && resource < name {
			name = resource
		}
	}
	return name
}

func nodes(n int) string {
	if n == 1 {
		return "1 node"
	}
	return fmt.Sprintf("%d nodes", n)
}

func quantityOf(n int64) *resource.Quantity { return resource.NewQuantity(n, resource.DecimalSI) }

// quantityText writes an amount as users do.
func quantityText(name corev1.ResourceName, n int64) string {
	switch base := corev1.ResourceName(strings.TrimPrefix(string(name), corev1.DefaultResourceRequestsPrefix)); {
	case base == corev1.ResourceCPU:
		return resource.NewMilliQuantity(n, resource.DecimalSI).String()
	case base == corev1.ResourceMemory, base == corev1.ResourceEphemeralStorage, strings.HasPrefix(string(base), corev1.ResourceHugePagesPrefix):
		return resource.NewQuantity(n, resource.BinarySI).String()
	default:
		return quantityOf(n).String()
	}
}
