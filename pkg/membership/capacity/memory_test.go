package capacity

import (
	"fmt"
	"runtime"
	"testing"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/client-go/tools/cache"
)

// A member of this size may cost the control plane 25 MB in all, its view included.
const (
	manyNodes   = 5000
	manyPods    = 20000
	memoryLimit = 25 << 20
)

// as is an object as it comes over the wire: with strings of its own.
type onTheWire interface{ Marshal() ([]byte, error) }

func decoded[T any, P interface {
	*T
	onTheWire
	Unmarshal([]byte) error
}](t testing.TB, object P) any {
	t.Helper()
	raw, err := object.Marshal()
	if err != nil {
		t.Fatal(err)
	}
	out := P(new(T))
	if err := out.Unmarshal(raw); err != nil {
		t.Fatal(err)
	}
	return out
}

// largeNode has 20 labels; own is how many of them no other node has, next to its hostname.
func largeNode(t testing.TB, i, own int) any {
	name := fmt.Sprintf("node-%05d.datacenter-3.example.com", i)
	n := node(name, true, list("cpu", "64", "memory", "256Gi", "pods", "110", "ephemeral-storage", "1Ti", "hugepages-1Gi", "0", "hugepages-2Mi", "0"))
	n.Annotations = map[string]string{"weight": string(make([]byte, 8<<10))} // what must not be kept
	n.Labels = map[string]string{corev1.LabelHostname: name, corev1.LabelTopologyZone: fmt.Sprintf("zone-%d", i%3),
		corev1.LabelInstanceTypeStable: fmt.Sprintf("type-%d", i%8), "rack.example.com/name": fmt.Sprintf("rack-%d", i%5)}
	for k := 4; k < 20; k++ {
		value := "some-value-of-usual-length"
		if k < 4+own {
			value = fmt.Sprintf("9f0c2c1e-%04d-4f1e-9d6c-%012d", k, i)
		}
		n.Labels[fmt.Sprintf("feature-%02d.node.example.com/capability", k)] = value
	}
	return decoded(t, n)
}

func largePod(t testing.TB, i int) any {
	set := fmt.Sprintf("workload-%04d-7d9c6b8f5", i/10)
	p := ownedBy(pod(fmt.Sprintf("%s-%05d", set, i), fmt.Sprintf("node-%05d.datacenter-3.example.com", i%manyNodes), corev1.PodRunning,
		list("cpu", "250m", "memory", "512Mi")), "ReplicaSet", set, "7d9c6b8f5")
	p.Namespace = fmt.Sprintf("team-%03d", i%200)
	p.Annotations = map[string]string{"weight": string(make([]byte, 8<<10))}
	if i%100 == 0 {
		stuck(p, int64(i))
	}
	return decoded(t, p)
}

// fill fills a ledger as reflectors do: objects are reduced one by one into a temporary store, which then replaces ours.
func fill(t testing.TB, own int) *Ledger {
	t.Helper()
	l := NewLedger()
	replace := func(s interface {
		cache.TransformingStore
		Replace([]any, string) error
	}, count int, object func(int) any) {
		reduced := make([]any, count)
		for i := range reduced {
			var err error
			if reduced[i], err = s.Transformer()(object(i)); err != nil {
				t.Fatal(err)
			}
		}
		if err := s.Replace(reduced, ""); err != nil {
			t.Fatal(err)
		}
	}
	replace(l.nodeStore(), manyNodes, func(i int) any { return largeNode(t, i, own) })
	replace(l.podStore(), manyPods, func(i int) any { return largePod(t, i) })
	replace(l.quotaStore(), 200, func(i int) any {
		return decoded(t, quota(fmt.Sprintf("team-%03d", i), "compute", list("requests.cpu", "200", "requests.memory", "1Ti", "pods", "1000"), list("requests.cpu", "25", "pods", "100")))
	})
	replace(l.volumeStore(), 1000, func(i int) any {
		return decoded(t, volume(fmt.Sprintf("pvc-9f0c2c1e-8f1e-4f1e-9d6c-%012d", i), fmt.Sprintf("data-%05d", i)))
	})
	return l
}

func TestALedgerIsSmall(t *testing.T) {
	for name, own := range map[string]int{"20 labels": 0, "20 labels, one of them the node's own": 1, "20 labels, five of them the node's own": 5} {
		t.Run(name, func(t *testing.T) {
			before := heap()
			l := fill(t, own)
			older := l.View()
			for i := range manyNodes { // every node differs from what the older view shows
				apply(t, l.podStore().Update(largePod(t, i)))
				apply(t, l.podStore().Delete(largePod(t, i+manyNodes)))
			}
			newer := l.View()
			used := heap() - before
			if used > memoryLimit {
				t.Errorf("a member of %d nodes and %d pods holds %.1f MB, want at most %d", manyNodes, manyPods, float64(used)/(1<<20), memoryLimit>>20)
			} else {
				t.Logf("%.1f MB", float64(used)/(1<<20))
			}
			if n, r := l.Summary(); n.TotalNum != manyNodes || r.Allocated.Pods().Value() != manyPods-manyNodes-150 {
				t.Errorf("got %+v %+v", n, r)
			}
			if older == newer || len(older.Nodes) != len(newer.Nodes) || len(newer.Quotas) != 200 || len(newer.LocalClaims) != 1000 {
				t.Error("the views are not what was measured")
			}
		})
	}
}

func heap() int64 {
	runtime.GC()
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return int64(m.HeapAlloc)
}

// BenchmarkLedger measures what a change of a pod costs, with a view taken after every 100th: more
// often than at full speed anybody takes one.
func BenchmarkLedger(b *testing.B) {
	l := fill(b, 0)
	pods := make([]any, 2)
	for i := range pods {
		p := largePod(b, 1).(*corev1.Pod)
		p.Spec.Containers[0].Resources.Requests = list("cpu", fmt.Sprintf("%dm", 100+i), "memory", "512Mi")
		pods[i] = p
	}
	s := l.podStore()
	for i := 0; b.Loop(); i++ {
		if err := s.Update(pods[i%2]); err != nil {
			b.Fatal(err)
		}
		if i%100 == 0 {
			l.View()
		}
	}
}

func BenchmarkView(b *testing.B) {
	l := fill(b, 0)
	pods := []any{largePod(b, 1), pod("other", "node-00007.datacenter-3.example.com", corev1.PodRunning, list("cpu", "1"))}
	l.View()
	b.ReportAllocs()
	for i := 0; b.Loop(); i++ {
		if err := l.podStore().Update(pods[1]); err != nil {
			b.Fatal(err)
		}
		l.View()
		if err := l.podStore().Delete(pods[1]); err != nil {
			b.Fatal(err)
		}
		l.View()
	}
}
