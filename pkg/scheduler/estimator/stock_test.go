package estimator

import (
	"fmt"
	"math/rand/v2"
	"testing"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"

	workv1alpha2 "github.com/karmada-io/karmada/pkg/apis/work/v1alpha2"

	"atoll.dev/atoll/pkg/membership/capacity"
	"atoll.dev/atoll/pkg/scheduler/snapshot"
)

// classes are those of the random views: a tainted one and one for each of two labels.
var classes = []*capacity.Class{
	{Labels: map[string]string{"disk": "ssd"}},
	{Labels: map[string]string{"disk": "hdd"}},
	{Labels: map[string]string{"disk": "ssd"}, Taints: []corev1.Taint{{Key: "gpu", Effect: corev1.TaintEffectNoSchedule}}},
}

func randomView(rng *rand.Rand) *capacity.View {
	v := &capacity.View{}
	for i := range 1 + rng.IntN(12) {
		n := capacity.Node{Name: fmt.Sprint("n", i), Hostname: fmt.Sprint("h", i), Class: classes[rng.IntN(len(classes))], Ready: rng.IntN(6) > 0,
			Free: capacity.Amounts{MilliCPU: rng.Int64N(9000) - 500, Memory: rng.Int64N(20) << 30, Pods: rng.Int64N(20) - 1}}
		if rng.IntN(3) == 0 {
			n.Free.Other = map[corev1.ResourceName]int64{"nvidia.com/gpu": rng.Int64N(9)}
		}
		v.Nodes = append(v.Nodes, n)
	}
	return v
}

func randomSpec(rng *rand.Rand) *workv1alpha2.ResourceBindingSpec {
	r := &workv1alpha2.ReplicaRequirements{ResourceRequest: corev1.ResourceList{}}
	put := func(name corev1.ResourceName, q string) { r.ResourceRequest[name] = resource.MustParse(q) }
	if rng.IntN(4) > 0 {
		put("cpu", fmt.Sprintf("%dm", 100*(1+rng.IntN(20))))
	}
	if rng.IntN(2) > 0 {
		put("memory", fmt.Sprintf("%dGi", 1+rng.IntN(4)))
	}
	if rng.IntN(5) == 0 {
		put("nvidia.com/gpu", fmt.Sprint(1+rng.IntN(2)))
	}
	switch rng.IntN(5) {
	case 0:
		r.NodeClaim = &workv1alpha2.NodeClaim{NodeSelector: map[string]string{"disk": "ssd"}}
	case 1:
		r.NodeClaim = &workv1alpha2.NodeClaim{Tolerations: []corev1.Toleration{{Key: "gpu", Operator: corev1.TolerationOpExists}}}
	case 2:
		r.NodeClaim = &workv1alpha2.NodeClaim{NodeSelector: map[string]string{corev1.LabelHostname: fmt.Sprint("h", rng.IntN(12))}}
	}
	return &workv1alpha2.ResourceBindingSpec{Resource: workv1alpha2.ObjectReference{Namespace: "default"}, Replicas: 1, ReplicaRequirements: r}
}

// pack places pods one by one on any node that takes them, and returns how many there
// was room for: for pods that are alike the order makes no difference.
func pack(v *capacity.View, spec *workv1alpha2.ResourceBindingSpec) int32 {
	r := spec.ReplicaRequirements
	var placed int32
	for _, n := range v.Nodes {
		free := map[corev1.ResourceName]int64{"cpu": n.Free.MilliCPU, "memory": n.Free.Memory, "pods": n.Free.Pods, "nvidia.com/gpu": n.Free.Other["nvidia.com/gpu"]}
		if !n.Ready {
			continue
		}
		if c := r.NodeClaim; c != nil {
			if name, ok := c.NodeSelector[corev1.LabelHostname]; ok && name != n.Hostname {
				continue
			}
			if disk, ok := c.NodeSelector["disk"]; ok && n.Labels["disk"] != disk {
				continue
			}
		}
		if len(n.Taints) > 0 && (r.NodeClaim == nil || len(r.NodeClaim.Tolerations) == 0) {
			continue
		}
	node:
		for {
			if free["pods"]--; free["pods"] < 0 {
				break
			}
			for name, q := range r.ResourceRequest {
				use := q.Value()
				if name == corev1.ResourceCPU {
					use = q.MilliValue()
				}
				if free[name] -= use; free[name] < 0 {
					break node
				}
			}
			placed++
		}
	}
	return placed
}

// What nodes are said to hold is what can be packed onto them.
func TestNodesHoldWhatCanBePacked(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 1))
	for range 3000 {
		v, spec := randomView(rng), randomSpec(rng)
		m := &Members{}
		got, err := m.Estimate(t.Context(), spec, []*snapshot.Cluster{{Name: "m", Nodes: v}})
		if want := pack(v, spec); err != nil || got[0] != want {
			t.Fatalf("estimate %v, %v; %d can be packed: %+v onto %+v", got, err, want, spec.ReplicaRequirements, v.Nodes)
		}
	}
}

// Whatever is claimed, shrunk, dropped, and whichever of several views is asked for:
// what claims hold fits on the nodes, and what is left is what a new count finds.
func TestClaimsAreExact(t *testing.T) {
	rng := rand.New(rand.NewPCG(2, 2))
	for range 60 {
		m := &Members{}
		clusters := []*snapshot.Cluster{{Name: "m", Nodes: randomView(rng)}, {Name: "m", Nodes: randomView(rng)}, {Name: "m", Nodes: randomView(rng)}}
		specs := []*workv1alpha2.ResourceBindingSpec{randomSpec(rng), randomSpec(rng), randomSpec(rng), randomSpec(rng)}
		specs[3] = &workv1alpha2.ResourceBindingSpec{Components: []workv1alpha2.Component{component(specs[0], 1), component(specs[1], 2)}}
		var claims []*Claim
		for step := range 120 {
			c := clusters[rng.IntN(len(clusters))]
			spec := specs[rng.IntN(len(specs))]
			switch rng.IntN(5) {
			case 0, 1:
				before, _ := m.Estimate(t.Context(), spec, []*snapshot.Cluster{c})
				n := 1 + rng.Int32N(4)
				made, ok := m.Claim(spec, []Take{{c, n}}, true)
				if ok != (n <= before[0]) {
					t.Fatalf("step %d: a claim of %d where there is room for %d: %t", step, n, before[0], ok)
				}
				claims = append(claims, made...)
			case 2: // whether or not there is room
				made, _ := m.Claim(spec, []Take{{c, rng.Int32N(9)}}, false)
				claims = append(claims, made...)
			case 3:
				if len(claims) > 0 {
					claims[rng.IntN(len(claims))].Shrink(rng.Int32N(4))
				}
			case 4:
				if len(claims) > 0 {
					claims[rng.IntN(len(claims))].Drop()
				}
			}
			check(t, m.book("m"), specs)
		}
		for _, c := range claims {
			c.Drop()
		}
		b := m.book("m")
		if len(b.claims)+len(b.kinds)+len(b.total) > 0 {
			t.Fatalf("after all claims are dropped, %v %v %v remain", b.claims, b.kinds, b.total)
		}
		for _, s := range b.stocks {
			if len(s.touched)+len(s.placed) > 0 {
				t.Fatalf("after all claims are dropped, nodes miss something: %v", s.touched)
			}
		}
	}
}

func component(spec *workv1alpha2.ResourceBindingSpec, replicas int32) workv1alpha2.Component {
	r := spec.ReplicaRequirements
	return workv1alpha2.Component{Replicas: replicas, ReplicaRequirements: &workv1alpha2.ComponentReplicaRequirements{NodeClaim: r.NodeClaim, ResourceRequest: r.ResourceRequest}}
}

func check(t *testing.T, b *book, specs []*workv1alpha2.ResourceBindingSpec) {
	t.Helper()
	for _, s := range b.stocks {
		left := capacity.View{Nodes: append([]capacity.Node(nil), s.view.Nodes...)}
		for c, where := range s.placed {
			held := map[*Requirement]int64{}
			for _, p := range where {
				n := &left.Nodes[p.node]
				if p.count > p.requirement.fit(&n.Free) {
					t.Fatalf("claim %v holds more of node %s than it has", c.pods, n.Name)
				}
				n.Free = less(&n.Free, p.requirement, p.count)
				held[p.requirement] += p.count
			}
			for _, p := range c.pods {
				if held[p.Requirement] > p.Count {
					t.Fatalf("a claim of %d holds %d", p.Count, held[p.Requirement])
				}
			}
		}
		fresh := newStock(&left, false)
		for _, spec := range specs {
			a := askOf(spec)
			if got, want := s.room(a), fresh.room(a); got != want {
				t.Fatalf("there is room for %d, a new count finds %d", got, want)
			}
		}
		for shape, f := range s.fits {
			if g := fresh.fitOf(f.Requirement); f.total != g.total || f.next > g.next {
				t.Fatalf("shape %q: %d from node %d on, a new count finds %d from node %d on", shape, f.total, f.next, g.total, g.next)
			}
		}
	}
}

// Of what is claimed with a check, all lies on nodes of the view that was checked.
func TestAClaimThatHoldsLiesOnNodes(t *testing.T) {
	rng := rand.New(rand.NewPCG(3, 3))
	for range 300 {
		m := &Members{}
		c := &snapshot.Cluster{Name: "m", Nodes: randomView(rng)}
		for range 20 {
			if made, ok := m.Claim(randomSpec(rng), []Take{{c, 1 + rng.Int32N(5)}}, true); ok {
				var lies int64
				for _, p := range m.book("m").stocks[0].placed[made[0]] {
					lies += p.count
				}
				if lies != made[0].times {
					t.Fatalf("of %d pods %d lie on nodes", made[0].times, lies)
				}
			}
		}
	}
}

func TestMemoryIsBounded(t *testing.T) {
	m := &Members{}
	rng := rand.New(rand.NewPCG(4, 4))
	for i := range 10 {
		c := &snapshot.Cluster{Name: "m", Nodes: randomView(rng)}
		for j := range 2 * maxFits {
			spec := randomSpec(rng)
			spec.ReplicaRequirements.ResourceRequest["cpu"] = *resource.NewMilliQuantity(int64(1+i+j), resource.DecimalSI)
			if _, err := m.Estimate(t.Context(), spec, []*snapshot.Cluster{c}); err != nil {
				t.Fatal(err)
			}
		}
	}
	b := m.book("m")
	if len(b.stocks) > maxStocks || len(b.stocks[0].fits) > maxFits {
		t.Errorf("%d views with %d answers are kept", len(b.stocks), len(b.stocks[0].fits))
	}
	m.Sweep(func(string) bool { return true })
	m.Sweep(func(string) bool { return true })
	if len(b.stocks) != 1 {
		t.Errorf("%d views are kept although nobody asks, want 1", len(b.stocks))
	}
	m.Sweep(func(string) bool { return false })
	if len(b.stocks) != 0 {
		t.Errorf("%d views of a cluster that is gone are kept", len(b.stocks))
	}
}
