package capacity

import (
	"fmt"
	"math/rand/v2"
	"testing"

	corev1 "k8s.io/api/core/v1"
	apiequality "k8s.io/apimachinery/pkg/api/equality"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

func list(pairs ...string) corev1.ResourceList {
	out := corev1.ResourceList{}
	for i := 0; i < len(pairs); i += 2 {
		out[corev1.ResourceName(pairs[i])] = resource.MustParse(pairs[i+1])
	}
	return out
}

func node(name string, ready bool, allocatable corev1.ResourceList) *corev1.Node {
	n := &corev1.Node{ObjectMeta: metav1.ObjectMeta{Name: name}}
	n.Status.Allocatable = allocatable
	n.Status.Conditions = []corev1.NodeCondition{{Type: corev1.NodeReady, Status: corev1.ConditionFalse}}
	if ready {
		n.Status.Conditions[0].Status = corev1.ConditionTrue
	}
	return n
}

func pod(name, onNode string, phase corev1.PodPhase, requests ...corev1.ResourceList) *corev1.Pod {
	p := &corev1.Pod{ObjectMeta: metav1.ObjectMeta{Namespace: "default", Name: name}}
	p.Spec.NodeName, p.Status.Phase = onNode, phase
	for _, r := range requests {
		p.Spec.Containers = append(p.Spec.Containers, corev1.Container{Resources: corev1.ResourceRequirements{Requests: r}})
	}
	return p
}

func synced(t *testing.T) *Ledger {
	t.Helper()
	l := NewLedger()
	if err := l.nodeStore().Replace(nil, ""); err != nil {
		t.Fatal(err)
	}
	if n, r := l.Summary(); n != nil || r != nil {
		t.Error("there is a summary although pods were not listed yet")
	}
	if err := l.podStore().Replace(nil, ""); err != nil {
		t.Fatal(err)
	}
	return l
}

func TestWhatCounts(t *testing.T) {
	initContainer := pod("init", "n1", corev1.PodRunning, list("cpu", "100m"))
	initContainer.Spec.InitContainers = []corev1.Container{{Resources: corev1.ResourceRequirements{Requests: list("cpu", "300m")}}}
	initContainer.Spec.Overhead = list("cpu", "50m")
	for name, c := range map[string]struct {
		pod                   *corev1.Pod
		allocating, allocated corev1.ResourceList
	}{
		"a pod on a node holds its requests": {pod("p", "n1", corev1.PodRunning, list("cpu", "250m", "memory", "1Gi"), list("cpu", "1")),
			nil, list("cpu", "1250m", "memory", "1Gi", "pods", "1")},
		"a pod without a node waits for them":       {pod("p", "", corev1.PodPending, list("cpu", "1", "nvidia.com/gpu", "2")), list("cpu", "1", "nvidia.com/gpu", "2", "pods", "1"), nil},
		"a pod that succeeded holds nothing":        {pod("p", "n1", corev1.PodSucceeded, list("cpu", "1")), nil, nil},
		"a pod that failed holds nothing":           {pod("p", "n1", corev1.PodFailed, list("cpu", "1")), nil, nil},
		"the largest of init and app, and overhead": {initContainer, nil, list("cpu", "350m", "pods", "1")},
	} {
		l := synced(t)
		if err := l.podStore().Add(c.pod); err != nil {
			t.Fatal(err)
		}
		_, got := l.Summary()
		if !apiequality.Semantic.DeepEqual(got.Allocating, c.allocating) || !apiequality.Semantic.DeepEqual(got.Allocated, c.allocated) {
			t.Errorf("%s: allocating %v, allocated %v; want %v, %v", name, got.Allocating, got.Allocated, c.allocating, c.allocated)
		}
		if err := l.podStore().Delete(c.pod); err != nil {
			t.Fatal(err)
		}
		if _, got = l.Summary(); got.Allocating != nil || got.Allocated != nil {
			t.Errorf("%s: after its deletion %v and %v remain", name, got.Allocating, got.Allocated)
		}
	}
}

func TestNodes(t *testing.T) {
	l := synced(t)
	for _, n := range []*corev1.Node{node("n1", true, list("cpu", "4", "memory", "8Gi", "pods", "110")), node("n2", false, list("cpu", "2", "hugepages-2Mi", "4Mi"))} {
		if err := l.nodeStore().Add(n); err != nil {
			t.Fatal(err)
		}
	}
	nodes, resources := l.Summary()
	if nodes.TotalNum != 2 || nodes.ReadyNum != 1 {
		t.Errorf("got %d of %d nodes ready, want 1 of 2", nodes.ReadyNum, nodes.TotalNum)
	}
	want := list("cpu", "6", "memory", "8Gi", "pods", "110", "hugepages-2Mi", "4Mi")
	if !apiequality.Semantic.DeepEqual(resources.Allocatable, want) {
		t.Errorf("allocatable is %v, want %v", resources.Allocatable, want)
	}
}

// Running totals equal those of a fresh count after any sequence of events, repeated and missed ones included.
func TestTotalsDoNotDrift(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 2))
	l := synced(t)
	nodes, pods := map[string]*corev1.Node{}, map[string]*corev1.Pod{}
	for step := range 5000 {
		switch name := fmt.Sprint(rng.IntN(40)); rng.IntN(7) {
		case 0, 1:
			n := node(name, rng.IntN(2) == 0, list("cpu", fmt.Sprint(rng.IntN(8)), "example.com/x", fmt.Sprint(rng.IntN(2))))
			nodes[name] = n
			apply(t, l.nodeStore().Update(n))
		case 2:
			if n, ok := nodes[name]; ok {
				delete(nodes, name)
				apply(t, l.nodeStore().Delete(n))
			}
		case 3, 4:
			p := pod(name, []string{"", "n1"}[rng.IntN(2)], []corev1.PodPhase{corev1.PodPending, corev1.PodRunning, corev1.PodFailed}[rng.IntN(3)],
				list("cpu", fmt.Sprintf("%dm", rng.IntN(900)), "memory", fmt.Sprintf("%dMi", rng.IntN(64))))
			pods[name] = p
			apply(t, l.podStore().Add(p))
		case 5:
			apply(t, l.podStore().Delete(pod(name, "n1", corev1.PodRunning))) // what a deletion shows need not be what was counted
			delete(pods, name)
		case 6: // a watch broke and everything is listed anew
			var all []any
			for name, p := range pods {
				if rng.IntN(10) == 0 {
					delete(pods, name) // deleted while nobody watched
					continue
				}
				all = append(all, p)
			}
			apply(t, l.podStore().Replace(all, ""))
		}
		if step%250 != 0 {
			continue
		}
		fresh := synced(t)
		for _, n := range nodes {
			apply(t, fresh.nodeStore().Add(n))
		}
		for _, p := range pods {
			apply(t, fresh.podStore().Add(p))
		}
		gotNodes, got := l.Summary()
		wantNodes, want := fresh.Summary()
		if *gotNodes != *wantNodes || !apiequality.Semantic.DeepEqual(got, want) {
			t.Fatalf("step %d: got %v %v, a fresh count gives %v %v", step, gotNodes, got, wantNodes, want)
		}
	}
}

func apply(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func TestOnlyMovesTell(t *testing.T) {
	told := 0
	l := NewLedger()
	stop := l.OnTotals(func() { told++ })
	viewed := 0
	l.OnView(func() { viewed++ })
	apply(t, l.nodeStore().Replace(nil, ""))
	apply(t, l.podStore().Replace(nil, ""))
	apply(t, l.quotaStore().Replace(nil, ""))
	told = 0
	p := pod("p", "n1", corev1.PodRunning, list("cpu", "1"))
	apply(t, l.podStore().Add(p))
	if told != 1 {
		t.Errorf("told %d times of a new pod, want once", told)
	}
	p = p.DeepCopy()
	p.Status.PodIP = "10.0.0.1"
	apply(t, l.podStore().Update(p))
	if told != 1 {
		t.Error("told of a change that moves no total")
	}
	told, viewed = 0, 0
	apply(t, l.quotaStore().Add(quota("default", "q", list("pods", "5"), nil)))
	if told != 0 || viewed != 1 {
		t.Errorf("a quota was told of %d times to who wants totals and %d times to who wants views", told, viewed)
	}
	stop()
	apply(t, l.podStore().Delete(p))
	if told != 0 || viewed != 2 {
		t.Errorf("after its stop a listener was called %d times, the other one %d times", told, viewed)
	}
}
