package capacity

import (
	"fmt"
	"runtime"
	"testing"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/client-go/tools/cache"
)

// A member of 5,000 nodes and 20,000 pods may cost 25 MB in all; its ledger is to stay well below.
const ledgerLimit = 15 << 20

func TestALedgerIsSmall(t *testing.T) {
	before := heap()
	l := NewLedger(func() {})
	// As the reflector does it: objects are reduced one by one into a temporary store, which then replaces ours.
	nodes := stream(t, l.nodeStore(), 5000, func(i int) any {
		n := node(fmt.Sprintf("node-%05d.datacenter.example.com", i), true, list("cpu", "64", "memory", "256Gi", "pods", "110", "ephemeral-storage", "1Ti"))
		n.Annotations = map[string]string{"weight": string(make([]byte, 8<<10))} // what must not be kept
		return n
	})
	apply(t, l.nodeStore().Replace(nodes, ""))
	pods := stream(t, l.podStore(), 20000, func(i int) any {
		p := pod(fmt.Sprintf("workload-%05d-7d9c6b8f5-abcde", i), "node-00001.datacenter.example.com", corev1.PodRunning, list("cpu", "250m", "memory", "512Mi"))
		p.Annotations = map[string]string{"weight": string(make([]byte, 8<<10))}
		return p
	})
	apply(t, l.podStore().Replace(pods, ""))
	nodes, pods = nil, nil
	if used := heap() - before; used > ledgerLimit {
		t.Errorf("a ledger of 5000 nodes and 20000 pods holds %d MB, want at most %d", used>>20, ledgerLimit>>20)
	} else {
		t.Logf("%.1f MB", float64(used)/(1<<20))
	}
	if n, r := l.Summary(); n.TotalNum != 5000 || r.Allocated.Pods().Value() != 20000 {
		t.Errorf("got %+v %+v", n, r)
	}
}

func stream(t *testing.T, s cache.TransformingStore, count int, object func(int) any) []any {
	t.Helper()
	out := make([]any, count)
	for i := range out {
		var err error
		if out[i], err = s.Transformer()(object(i)); err != nil {
			t.Fatal(err)
		}
	}
	return out
}

func heap() int64 {
	runtime.GC()
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return int64(m.HeapAlloc)
}
