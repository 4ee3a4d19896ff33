package snapshot_test

import (
	"fmt"
	"reflect"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/types"

	"atoll.dev/atoll/pkg/membership/capacity"
	"atoll.dev/atoll/pkg/scheduler/internal/fixture"
	. "atoll.dev/atoll/pkg/scheduler/snapshot"
)

func TestChangesOfNodes(t *testing.T) {
	plain := &capacity.Class{Labels: labels.Set{"a": "b"}}
	alike := &capacity.Class{Labels: labels.Set{"a": "b"}}
	cordoned := &capacity.Class{Labels: labels.Set{"a": "b"}, Taints: []corev1.Taint{{Key: corev1.TaintNodeUnschedulable, Effect: corev1.TaintEffectNoSchedule}}}
	nodes := func(n ...capacity.Node) *capacity.View { return &capacity.View{Nodes: n} }
	node := func(name string, class *capacity.Class, cpu int64) capacity.Node {
		return capacity.Node{Name: name, Class: class, Ready: true, Free: capacity.Amounts{MilliCPU: cpu}}
	}
	unready := func(n capacity.Node) capacity.Node { n.Ready = false; return n }
	gpus := func(n capacity.Node, count int64) capacity.Node {
		n.Free.Other = map[corev1.ResourceName]int64{"gpu": count}
		return n
	}
	quota := func(left int64, scopes ...corev1.ScopedResourceSelectorRequirement) *capacity.View {
		return &capacity.View{Quotas: map[string][]capacity.Quota{"ns": {{Name: "q", Scopes: scopes, Left: map[corev1.ResourceName]int64{"pods": left}}}}}
	}
	everything := Nodes | MoreRoom | Quotas | Claims | Stuck
	for _, c := range []struct {
		name          string
		before, after *capacity.View
		want          Change
	}{
		{"known for the first time", nil, nodes(), everything},
		{"no longer known", nodes(), nil, everything},
		{"the same", nodes(node("a", plain, 5)), nodes(node("a", plain, 5)), None},
		{"a class made anew", nodes(node("a", plain, 5)), nodes(node("a", alike, 5)), None},
		{"less room", nodes(node("a", plain, 5)), nodes(node("a", plain, 4)), None},
		{"more room", nodes(node("a", plain, 5)), nodes(node("a", plain, 6)), MoreRoom},
		{"more room on one, less on the other", nodes(node("a", plain, 5), node("b", plain, 5)), nodes(node("a", plain, 6), node("b", plain, 4)), MoreRoom},
		{"more of another resource", nodes(gpus(node("a", plain, 5), 1)), nodes(gpus(node("a", plain, 4), 2)), MoreRoom},
		{"more room on a node that is not ready", nodes(unready(node("a", plain, 5))), nodes(unready(node("a", plain, 6))), None},
		{"ready", nodes(unready(node("a", plain, 5))), nodes(node("a", plain, 5)), Nodes | MoreRoom},
		{"not ready", nodes(node("a", plain, 5)), nodes(unready(node("a", plain, 5))), Nodes},
		{"cordoned", nodes(node("a", plain, 5)), nodes(node("a", cordoned, 5)), Nodes | MoreRoom},
		{"a node came", nodes(node("b", plain, 5)), nodes(node("a", plain, 5), node("b", plain, 5)), Nodes | MoreRoom},
		{"a node went", nodes(node("a", plain, 5), node("b", plain, 5)), nodes(node("b", plain, 5)), Nodes},
		{"the last node went", nodes(node("a", plain, 5)), nodes(), Nodes},
		{"a quota leaves less", quota(5), quota(4), None},
		{"a quota leaves more", quota(5), quota(6), Quotas},
		{"a quota is new", nodes(), quota(5), None},
		{"a quota is gone", quota(5), nodes(), Quotas},
		{"a quota is for others", quota(5), quota(5, corev1.ScopedResourceSelectorRequirement{ScopeName: corev1.ResourceQuotaScopeBestEffort}), Quotas},
		{"a claim is bound", nodes(), &capacity.View{LocalClaims: map[types.NamespacedName]struct{}{{Namespace: "ns", Name: "c"}: {}}}, Claims},
		{"a pod is stuck", nodes(), &capacity.View{Stuck: map[capacity.Workload][]time.Time{{Kind: "Job", Name: "j"}: {time.Unix(1, 0)}}}, Stuck},
	} {
		t.Run(c.name, func(t *testing.T) {
			var s Store
			s.Set(fixture.Cluster("m"))
			s.SetNodes("m", c.before)
			old, generation := s.Snapshot(), s.Generation()
			e := s.SetNodes("m", c.after)
			if e.Change != c.want {
				t.Errorf("change = %b, want %b", e.Change, c.want)
			}
			if moved := s.Generation() != generation; moved != (c.want&(Nodes|Claims) != None) {
				t.Errorf("generation moved = %v", moved)
			}
			if old.Get("m").Nodes != c.before || s.Snapshot().Get("m").Nodes != c.after {
				t.Error("the old snapshot must keep the old view, and the next one have the new")
			}
			if s.Set(fixture.Cluster("m", fixture.Label("x", "y"))); s.Snapshot().Get("m").Nodes != c.after {
				t.Error("another version of the cluster lost the view")
			}
		})
	}
}

func TestAViewMayComeBeforeItsCluster(t *testing.T) {
	var s Store
	v := &capacity.View{}
	if e := s.SetNodes("m", v); e.Change != None || len(s.Snapshot().Clusters()) != 0 {
		t.Errorf("a view without a cluster gives %+v", e)
	}
	s.Set(fixture.Cluster("m"))
	if s.Snapshot().Get("m").Nodes != v {
		t.Error("the cluster lacks the view that came before it")
	}
	s.Delete("m")
	s.SetNodes("m", nil)
	s.Set(fixture.Cluster("m"))
	if s.Snapshot().Get("m").Nodes != nil {
		t.Error("a cluster made again has the view of the one before")
	}
}

func TestWhatIsGained(t *testing.T) {
	class := &capacity.Class{}
	node := func(name string, cpu, memory, gpus int64) capacity.Node {
		return capacity.Node{Name: name, Class: class, Ready: true, Free: capacity.Amounts{MilliCPU: cpu, Memory: memory, Other: map[corev1.ResourceName]int64{"gpu": gpus}}}
	}
	var s Store
	s.Set(fixture.Cluster("m"))
	if e := s.SetNodes("m", &capacity.View{Nodes: []capacity.Node{node("a", 1, 9, 0), node("b", 5, 5, 5), node("c", 1, 1, 1)}}); e.Gained != nil {
		t.Errorf("what a first view gains is %+v, want unknown", e.Gained)
	}
	e := s.SetNodes("m", &capacity.View{Nodes: []capacity.Node{node("a", 2, 8, 0), node("b", 5, 4, 5), node("c", 1, 1, 3), node("d", 0, 0, 2)}})
	// b only lost; of a and c each resource counts for itself, with what they have and not with what they gained.
	want := capacity.Amounts{MilliCPU: 2, Memory: 8, Other: map[corev1.ResourceName]int64{"gpu": 3}}
	if e.Gained == nil || !reflect.DeepEqual(*e.Gained, want) {
		t.Errorf("gained %+v, want %+v", e.Gained, want)
	}
}

// BenchmarkSetNodes is a view of a large member in which one node has other pods than before.
func BenchmarkSetNodes(b *testing.B) {
	class := &capacity.Class{Labels: labels.Set{"a": "b"}}
	views := make([]*capacity.View, 2)
	for i := range views {
		views[i] = &capacity.View{Nodes: make([]capacity.Node, 5000)}
		for n := range views[i].Nodes {
			views[i].Nodes[n] = capacity.Node{Name: fmt.Sprintf("node-%05d.datacenter-3.example.com", n), Class: class, Ready: true, Free: capacity.Amounts{MilliCPU: 1000, Memory: 1 << 30, Pods: 50}}
		}
	}
	views[1].Nodes[2500].Free.MilliCPU++
	var s Store
	s.Set(fixture.Cluster("m"))
	for i := 0; b.Loop(); i++ {
		s.SetNodes("m", views[i%2])
	}
}
