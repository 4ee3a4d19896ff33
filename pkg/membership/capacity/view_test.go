package capacity

import (
	"fmt"
	"math/rand/v2"
	"reflect"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/utils/ptr"
)

func quota(namespace, name string, hard, used corev1.ResourceList) *corev1.ResourceQuota {
	q := &corev1.ResourceQuota{ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: name}}
	q.Spec.Hard, q.Status.Hard, q.Status.Used = hard, hard, used
	return q
}

func volume(name, claim string, change ...func(*corev1.PersistentVolume)) *corev1.PersistentVolume {
	v := &corev1.PersistentVolume{ObjectMeta: metav1.ObjectMeta{Name: name}}
	v.Spec.Local = &corev1.LocalVolumeSource{}
	v.Spec.ClaimRef = &corev1.ObjectReference{Namespace: "default", Name: claim}
	v.Status.Phase = corev1.VolumeBound
	for _, c := range change {
		c(v)
	}
	return v
}

// stuck makes a pod one that no node was found for.
func stuck(p *corev1.Pod, since int64) *corev1.Pod {
	p.Spec.NodeName, p.Status.Phase = "", corev1.PodPending
	p.Status.Conditions = []corev1.PodCondition{{Type: corev1.PodScheduled, Status: corev1.ConditionFalse,
		Reason: corev1.PodReasonUnschedulable, LastTransitionTime: metav1.NewTime(time.Unix(since, 0))}}
	return p
}

func ownedBy(p *corev1.Pod, kind, name, hash string) *corev1.Pod {
	p.OwnerReferences = []metav1.OwnerReference{{Kind: kind, Name: name, Controller: ptr.To(true)}}
	if hash != "" {
		p.Labels = map[string]string{"pod-template-hash": hash}
	}
	return p
}

// seeing is a synced ledger whose quotas and volumes are known, too.
func seeing(t *testing.T) *Ledger {
	t.Helper()
	l := synced(t)
	if l.View() != nil {
		t.Error("there is a view although quotas and volumes were not listed yet")
	}
	apply(t, l.quotaStore().Replace(nil, ""))
	apply(t, l.volumeStore().Replace(nil, ""))
	return l
}

func TestNodesOfAView(t *testing.T) {
	l := seeing(t)
	a := node("a", true, list("cpu", "4", "memory", "8Gi", "pods", "110", "hugepages-2Mi", "0", "nvidia.com/gpu", "2"))
	a.Labels = map[string]string{"kubernetes.io/hostname": "a", "zone": "x"}
	b := node("b", false, list("cpu", "2"))
	b.Labels = map[string]string{"kubernetes.io/hostname": "b.example.com", "zone": "x"}
	apply(t, l.nodeStore().Replace([]any{b, a}, ""))
	apply(t, l.podStore().Add(pod("p", "a", corev1.PodRunning, list("cpu", "1500m", "nvidia.com/gpu", "1"))))
	v := l.View()
	if len(v.Nodes) != 2 || v.Nodes[0].Name != "a" || v.Nodes[1].Name != "b" {
		t.Fatalf("nodes are %+v, want a and b", v.Nodes)
	}
	want := Amounts{MilliCPU: 2500, Memory: 8 << 30, Pods: 109, Other: map[corev1.ResourceName]int64{"nvidia.com/gpu": 1}}
	if got := v.Nodes[0].Free; !reflect.DeepEqual(got, want) {
		t.Errorf("free on a is %+v, want %+v", got, want)
	}
	if !v.Nodes[0].Ready || v.Nodes[1].Ready {
		t.Error("a is ready and b is not")
	}
	if v.Nodes[0].Class != v.Nodes[1].Class {
		t.Error("nodes that differ by their hostname only do not share a class")
	}
	for _, selector := range []string{"zone=x", "kubernetes.io/hostname=b.example.com", "!missing"} {
		s, err := labels.Parse(selector)
		apply(t, err)
		if !s.Matches(&v.Nodes[1]) || !s.Matches(v.Nodes[1].LabelSet()) {
			t.Errorf("%s does not match b", selector)
		}
	}

	b.Spec.Unschedulable = true
	b.Spec.Taints = []corev1.Taint{{Key: "soft", Effect: corev1.TaintEffectPreferNoSchedule},
		{Key: "gone", Effect: corev1.TaintEffectNoExecute, TimeAdded: ptr.To(metav1.Now())}}
	apply(t, l.nodeStore().Update(b))
	w := l.View()
	if got, want := w.Nodes[1].Taints, []corev1.Taint{{Key: "gone", Effect: "NoExecute"}, {Key: "node.kubernetes.io/unschedulable", Effect: "NoSchedule"}}; !reflect.DeepEqual(got, want) {
		t.Errorf("taints of b are %v, want %v", got, want)
	}
	if len(v.Nodes[1].Taints) != 0 {
		t.Error("an older view changed")
	}
	if l.View() != w {
		t.Error("with nothing changed there is another view")
	}
}

func TestQuotasOfAView(t *testing.T) {
	l := seeing(t)
	q := quota("ns", "b", list("requests.cpu", "2", "pods", "10", "count/jobs.batch", "3"), list("requests.cpu", "500m", "pods", "4"))
	q.Spec.Scopes = []corev1.ResourceQuotaScope{corev1.ResourceQuotaScopeNotBestEffort}
	q.Spec.ScopeSelector = &corev1.ScopeSelector{MatchExpressions: []corev1.ScopedResourceSelectorRequirement{
		{ScopeName: corev1.ResourceQuotaScopePriorityClass, Operator: corev1.ScopeSelectorOpIn, Values: []string{"high"}}}}
	apply(t, l.quotaStore().Add(q))
	apply(t, l.quotaStore().Add(quota("ns", "a", nil, nil)))
	want := map[string][]Quota{"ns": {{Name: "a", Left: map[corev1.ResourceName]int64{}}, {Name: "b",
		Scopes: []corev1.ScopedResourceSelectorRequirement{{ScopeName: "NotBestEffort", Operator: "Exists"}, {ScopeName: "PriorityClass", Operator: "In", Values: []string{"high"}}},
		Left:   map[corev1.ResourceName]int64{"requests.cpu": 1500, "pods": 6, "count/jobs.batch": 3}}}}
	if got := l.View().Quotas; !reflect.DeepEqual(got, want) {
		t.Errorf("quotas are %+v, want %+v", got, want)
	}
	l.quotaStore().refuse()
	if got := l.View().Quotas; got != nil {
		t.Errorf("quotas that the member denies us are %v, want unknown", got)
	}
	apply(t, l.quotaStore().Replace(nil, ""))
	if got := l.View().Quotas; got == nil || len(got) != 0 {
		t.Errorf("quotas of a member that has none are %v, want none", got)
	}
}

func TestLocalClaimsOfAView(t *testing.T) {
	affinity := func(key string) func(*corev1.PersistentVolume) {
		return func(v *corev1.PersistentVolume) {
			v.Spec.Local = nil
			v.Spec.NodeAffinity = &corev1.VolumeNodeAffinity{Required: &corev1.NodeSelector{NodeSelectorTerms: []corev1.NodeSelectorTerm{
				{MatchExpressions: []corev1.NodeSelectorRequirement{{Key: key, Operator: corev1.NodeSelectorOpIn, Values: []string{"x"}}}}}}}
		}
	}
	for name, c := range map[string]struct {
		volume *corev1.PersistentVolume
		want   bool
	}{
		"local":                       {volume("v", "c"), true},
		"hostPath":                    {volume("v", "c", func(v *corev1.PersistentVolume) { v.Spec.Local, v.Spec.HostPath = nil, &corev1.HostPathVolumeSource{} }), true},
		"bound to a hostname":         {volume("v", "c", affinity("kubernetes.io/hostname")), true},
		"bound to a zone":             {volume("v", "c", affinity("topology.kubernetes.io/zone")), false},
		"somewhere":                   {volume("v", "c", func(v *corev1.PersistentVolume) { v.Spec.Local = nil }), false},
		"available":                   {volume("v", "c", func(v *corev1.PersistentVolume) { v.Status.Phase = corev1.VolumeAvailable }), false},
		"released":                    {volume("v", "c", func(v *corev1.PersistentVolume) { v.Status.Phase = corev1.VolumeReleased }), false},
		"bound, but says not to whom": {volume("v", "c", func(v *corev1.PersistentVolume) { v.Spec.ClaimRef = nil }), false},
	} {
		l := seeing(t)
		apply(t, l.volumeStore().Add(c.volume))
		if _, got := l.View().LocalClaims[types.NamespacedName{Namespace: "default", Name: "c"}]; got != c.want {
			t.Errorf("%s: the claim is local: %v, want %v", name, got, c.want)
		}
		released := c.volume.DeepCopy()
		released.Status.Phase = corev1.VolumeReleased
		apply(t, l.volumeStore().Update(released))
		if got := l.View().LocalClaims; got == nil || len(got) != 0 {
			t.Errorf("%s: after its release the claims are %v, want none", name, got)
		}
		l.volumeStore().refuse()
		if got := l.View().LocalClaims; got != nil {
			t.Errorf("%s: claims that the member denies us are %v, want unknown", name, got)
		}
	}
}

func TestStuckPodsOfAView(t *testing.T) {
	l := seeing(t)
	leaving := stuck(pod("leaving", "", ""), 1)
	leaving.DeletionTimestamp = ptr.To(metav1.Now())
	waiting := pod("waiting", "", corev1.PodPending)
	gated := stuck(pod("gated", "", ""), 1)
	gated.Status.Conditions[0].Reason = corev1.PodReasonSchedulingGated
	for _, p := range []*corev1.Pod{
		leaving, waiting, gated, pod("running", "n1", corev1.PodRunning),
		ownedBy(stuck(pod("w1", "", ""), 30), "ReplicaSet", "web-5d9", "5d9"),
		ownedBy(stuck(pod("w2", "", ""), 20), "ReplicaSet", "web-77b", "77b"),
		ownedBy(stuck(pod("r", "", ""), 10), "ReplicaSet", "alone", ""),
		ownedBy(stuck(pod("o", "", ""), 10), "ReplicaSet", "odd", "77b"),
		ownedBy(stuck(pod("j", "", ""), 10), "Job", "batch", ""),
		ownedBy(stuck(pod("s", "", ""), 10), "StatefulSet", "db", "5d9"),
		stuck(pod("p", "", ""), 10),
	} {
		apply(t, l.podStore().Add(p))
	}
	at := func(s ...int64) (out []time.Time) {
		for _, s := range s {
			out = append(out, time.Unix(s, 0))
		}
		return out
	}
	want := map[Workload][]time.Time{
		{"Deployment", "default", "web"}:   at(20, 30),
		{"ReplicaSet", "default", "alone"}: at(10),
		{"ReplicaSet", "default", "odd"}:   at(10),
		{"Job", "default", "batch"}:        at(10),
		{"StatefulSet", "default", "db"}:   at(10),
		{"Pod", "default", "p"}:            at(10),
	}
	if got := l.View().Stuck; !reflect.DeepEqual(got, want) {
		t.Errorf("stuck are %v, want %v", got, want)
	}
	for _, name := range []string{"w1", "w2", "r", "o", "j", "s"} {
		apply(t, l.podStore().Update(pod(name, "n1", corev1.PodPending)))
	}
	apply(t, l.podStore().Delete(pod("p", "", "")))
	if got := l.View().Stuck; got != nil {
		t.Errorf("after all have a node or are gone, stuck are %v", got)
	}
}

// A label that no two nodes share costs a class each, but neither sharing among the rest nor memory for ever.
func TestClassesAreForgotten(t *testing.T) {
	l := seeing(t)
	for i := range 10000 {
		n := node("n", true, list("cpu", "1"))
		n.Labels = map[string]string{"heartbeat": fmt.Sprint(i)}
		apply(t, l.nodeStore().Update(n))
	}
	if l.classes.count > 100 || len(l.classes.strings) > 200 {
		t.Errorf("one node that changed its label 10000 times left %d classes and %d strings", l.classes.count, len(l.classes.strings))
	}
	a, b := node("a", true, nil), node("b", true, nil)
	a.Labels, b.Labels = map[string]string{"x": "y"}, map[string]string{"x": "y"}
	apply(t, l.nodeStore().Replace([]any{a, b}, ""))
	apply(t, l.nodeStore().Update(node("c", true, nil)))
	c := node("c", true, nil)
	c.Labels = map[string]string{"x": "y"}
	apply(t, l.nodeStore().Update(c))
	if v := l.View(); v.Nodes[0].Class != v.Nodes[1].Class || v.Nodes[0].Class != v.Nodes[2].Class {
		t.Error("nodes that are alike do not share a class")
	}
}

// A view made from its predecessors equals one made from scratch after any sequence of events, and none ever changes.
func TestViewsDoNotDrift(t *testing.T) {
	rng := rand.New(rand.NewPCG(3, 4))
	l := seeing(t)
	nodes, pods := map[string]any{}, map[string]any{}
	quotas, volumes := map[string]any{}, map[string]any{}
	values := func(m map[string]any) (out []any) {
		for _, v := range m {
			out = append(out, v)
		}
		return out
	}
	scratch := func() *View {
		fresh := seeing(t)
		apply(t, fresh.podStore().Replace(values(pods), ""))
		apply(t, fresh.nodeStore().Replace(values(nodes), ""))
		apply(t, fresh.quotaStore().Replace(values(quotas), ""))
		apply(t, fresh.volumeStore().Replace(values(volumes), ""))
		return fresh.View()
	}
	var last, lastWanted *View
	for step := range 4000 {
		id := rng.IntN(15)
		name := fmt.Sprint(id)
		switch rng.IntN(14) {
		case 0, 1, 2:
			n := node(name, rng.IntN(3) > 0, list("cpu", fmt.Sprint(rng.IntN(8)), "pods", "10", "example.com/x", fmt.Sprint(rng.IntN(2))))
			n.Labels = map[string]string{"kubernetes.io/hostname": name, "zone": fmt.Sprint(rng.IntN(3))}
			n.Spec.Unschedulable = rng.IntN(4) == 0
			nodes[name] = n
			apply(t, l.nodeStore().Update(n))
		case 3:
			if n, ok := nodes[name]; ok {
				delete(nodes, name)
				apply(t, l.nodeStore().Delete(n))
			}
		case 4, 5, 6:
			p := pod(name, []string{"", "1", "2", "3"}[rng.IntN(4)], []corev1.PodPhase{corev1.PodPending, corev1.PodRunning, corev1.PodFailed}[rng.IntN(3)],
				list("cpu", fmt.Sprintf("%dm", rng.IntN(900)), "example.com/x", fmt.Sprint(rng.IntN(2))))
			if rng.IntN(3) == 0 {
				ownedBy(stuck(p, rng.Int64N(3)), "ReplicaSet", fmt.Sprintf("w%d-h", id%3), "h")
			}
			pods[name] = p
			apply(t, l.podStore().Update(p))
		case 7:
			delete(pods, name)
			apply(t, l.podStore().Delete(pod(name, "1", corev1.PodRunning)))
		case 8:
			q := quota(fmt.Sprint(id%3), name, list("pods", fmt.Sprint(rng.IntN(9))), list("pods", "1"))
			quotas[name] = q
			apply(t, l.quotaStore().Update(q))
		case 9:
			delete(quotas, name)
			apply(t, l.quotaStore().Delete(quota(fmt.Sprint(id%3), name, nil, nil)))
		case 10:
			v := volume(name, fmt.Sprint(rng.IntN(15)))
			if rng.IntN(3) == 0 {
				v.Status.Phase = corev1.VolumeReleased
			}
			volumes[name] = v
			apply(t, l.volumeStore().Update(v))
		case 11:
			delete(volumes, name)
			apply(t, l.volumeStore().Delete(volume(name, "")))
		case 12: // watches broke, and something happened meanwhile
			delete(nodes, name)
			apply(t, l.nodeStore().Replace(values(nodes), ""))
		case 13:
			delete(pods, name)
			apply(t, l.podStore().Replace(values(pods), ""))
		}
		if rng.IntN(5) > 0 {
			continue
		}
		got, want := l.View(), scratch()
		if !reflect.DeepEqual(got, want) {
			t.Fatalf("step %d: got\n%+v\nmade from scratch it is\n%+v", step, got, want)
		}
		if last != nil && !reflect.DeepEqual(last, lastWanted) {
			t.Fatalf("step %d changed an older view", step)
		}
		last, lastWanted = got, want
		if len(pods) == 0 && len(l.used) != 0 || len(l.stuck) > len(pods) {
			t.Fatalf("step %d: what nobody uses any more is remembered", step)
		}
	}
}
