package snapshot_test

import (
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
			if moved := s.Generation() != generation; moved != (c.want != None) {
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
