package estimator_test

import (
	"fmt"
	"slices"
	"testing"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"

	clusterv1alpha1 "github.com/karmada-io/karmada/pkg/apis/cluster/v1alpha1"
	policyv1alpha1 "github.com/karmada-io/karmada/pkg/apis/policy/v1alpha1"
	workv1alpha2 "github.com/karmada-io/karmada/pkg/apis/work/v1alpha2"

	"atoll.dev/atoll/pkg/membership/capacity"
	"atoll.dev/atoll/pkg/scheduler/estimator"
	"atoll.dev/atoll/pkg/scheduler/internal/fixture"
	"atoll.dev/atoll/pkg/scheduler/snapshot"
)

// list makes a resource list of names and quantities that alternate.
func list(pairs ...string) corev1.ResourceList {
	l := corev1.ResourceList{}
	for i := 0; i < len(pairs); i += 2 {
		l[corev1.ResourceName(pairs[i])] = resource.MustParse(pairs[i+1])
	}
	return l
}

var plain = &capacity.Class{}

// node makes a ready node with so much left.
func node(class *capacity.Class, free ...string) capacity.Node {
	return capacity.Node{Class: class, Ready: true, Free: capacity.AmountsOf(list(free...))}
}

func view(nodes ...capacity.Node) *capacity.View {
	for i := range nodes {
		nodes[i].Name, nodes[i].Hostname = fmt.Sprintf("n%d", i+1), fmt.Sprintf("host%d", i+1)
	}
	return &capacity.View{Nodes: nodes}
}

// member makes a cluster with the nodes of a view and no summary.
func member(v *capacity.View, options ...fixture.ClusterOption) *snapshot.Cluster {
	c := *snapshot.New(fixture.Cluster("m", options...)).Get("m")
	c.Nodes = v
	return &c
}

func asks(request corev1.ResourceList, alter ...func(*workv1alpha2.ReplicaRequirements)) *workv1alpha2.ResourceBindingSpec {
	spec := fixture.Deployment(1_000_000, policyv1alpha1.Placement{})
	spec.ReplicaRequirements.ResourceRequest = request
	for _, a := range alter {
		a(spec.ReplicaRequirements)
	}
	return spec
}

func on(claim workv1alpha2.NodeClaim) func(*workv1alpha2.ReplicaRequirements) {
	return func(r *workv1alpha2.ReplicaRequirements) { r.NodeClaim = &claim }
}

func expressions(key string, operator corev1.NodeSelectorOperator, values ...string) *corev1.NodeSelector {
	return &corev1.NodeSelector{NodeSelectorTerms: []corev1.NodeSelectorTerm{{
		MatchExpressions: []corev1.NodeSelectorRequirement{{Key: key, Operator: operator, Values: values}}}}}
}

// estimate asks for both forms, which must agree.
func estimate(t *testing.T, m *estimator.Members, spec *workv1alpha2.ResourceBindingSpec, c *snapshot.Cluster) (int32, []estimator.Answer) {
	t.Helper()
	got, err := m.Estimate(t.Context(), spec, []*snapshot.Cluster{c})
	if err != nil || len(got) != 1 {
		t.Fatalf("estimate %v, %v", got, err)
	}
	answers := estimator.Explain(t.Context(), []estimator.Estimator{m}, spec, []*snapshot.Cluster{c})[0]
	if lowest := min(estimator.Unlimited, answers[0].Replicas); lowest != got[0] {
		t.Errorf("it estimates %d but explains %+v", got[0], answers)
	}
	return got[0], answers
}

func TestNodes(t *testing.T) {
	ssd := &capacity.Class{Labels: map[string]string{"disk": "ssd", "zone": "a", "gen": "3"}}
	hdd := &capacity.Class{Labels: map[string]string{"disk": "hdd", "zone": "b", "gen": "5"}}
	gpu := &capacity.Class{Labels: map[string]string{"disk": "ssd"}, Taints: []corev1.Taint{{Key: "gpu", Value: "true", Effect: corev1.TaintEffectNoSchedule}}}
	cordoned := &capacity.Class{Taints: []corev1.Taint{{Key: corev1.TaintNodeUnschedulable, Effect: corev1.TaintEffectNoSchedule}}}
	notReady := node(plain, "cpu", "64", "pods", "110")
	notReady.Ready = false
	mixed := view(node(ssd, "cpu", "4", "pods", "110"), node(hdd, "cpu", "8", "pods", "110"), node(gpu, "cpu", "16", "pods", "110", "nvidia.com/gpu", "4"),
		node(cordoned, "cpu", "32", "pods", "110"), notReady)
	cpu := list("cpu", "1")
	for _, c := range []struct {
		name  string
		view  *capacity.View
		spec  *workv1alpha2.ResourceBindingSpec
		want  int32
		limit string
	}{
		{"what is left of each node counts, not their sum", view(node(plain, "cpu", "1500m", "pods", "9"), node(plain, "cpu", "1500m", "pods", "9")), asks(cpu),
			2, "cpu: 2 nodes have room for 2"},
		{"the tightest resource of each node", view(node(plain, "cpu", "4", "memory", "1Gi", "pods", "9"), node(plain, "cpu", "1", "memory", "64Gi", "pods", "9")), asks(list("cpu", "1", "memory", "1Gi")),
			2, "cpu: 2 nodes have room for 2"},
		{"pods", view(node(plain, "cpu", "4", "pods", "2"), node(plain, "cpu", "4", "pods", "1")), asks(cpu), 3, "pods: 2 nodes have room for 3"},
		{"without requests pods limit", view(node(plain, "cpu", "4", "pods", "7")), asks(nil), 7, "pods: 1 node has room for 7"},
		{"ephemeral storage", view(node(plain, "pods", "9", "ephemeral-storage", "10Gi")), asks(list("ephemeral-storage", "4Gi")), 2, "ephemeral-storage: 1 node has room for 2"},
		{"extended resources", mixed, asks(list("nvidia.com/gpu", "3"), on(workv1alpha2.NodeClaim{Tolerations: []corev1.Toleration{{Key: "gpu", Operator: corev1.TolerationOpExists}}})),
			1, "nvidia.com/gpu: 1 node has room for 1, 2 nodes full, 1 node tainted or cordoned, 1 node not ready"},
		{"an overcommitted node counts as full", view(node(plain, "cpu", "-1", "pods", "9"), node(plain, "cpu", "2", "pods", "9")), asks(cpu), 2, "cpu: 1 node has room for 2, 1 node full"},
		{"a node with less than no pods left", view(node(plain, "cpu", "4", "pods", "-3")), asks(cpu), 0, "pods: none of 1 node has room"},
		{"taints, cordons and nodes that are not ready", mixed, asks(cpu), 12, "cpu: 2 nodes have room for 12, 2 nodes tainted or cordoned, 1 node not ready"},
		{"a taint that is tolerated", mixed, asks(cpu, on(workv1alpha2.NodeClaim{Tolerations: []corev1.Toleration{{Key: "gpu", Value: "true"}}})),
			28, "cpu: 3 nodes have room for 28, 1 node tainted or cordoned, 1 node not ready"},
		{"a toleration of another value", mixed, asks(cpu, on(workv1alpha2.NodeClaim{Tolerations: []corev1.Toleration{{Key: "gpu", Value: "false"}}})),
			12, "cpu: 2 nodes have room for 12, 2 nodes tainted or cordoned, 1 node not ready"},
		{"what tolerates everything still finds no node that is not ready", mixed, asks(cpu, on(workv1alpha2.NodeClaim{Tolerations: []corev1.Toleration{{Operator: corev1.TolerationOpExists}}})),
			60, "cpu: 4 nodes have room for 60, 1 node not ready"},
		{"node selector", mixed, asks(cpu, on(workv1alpha2.NodeClaim{NodeSelector: map[string]string{"disk": "ssd"}})),
			4, "cpu: 1 node has room for 4, 2 nodes not selected by the node selector or affinity, 1 node tainted or cordoned, 1 node not ready"},
		{"node selector that nothing has", mixed, asks(cpu, on(workv1alpha2.NodeClaim{NodeSelector: map[string]string{"disk": "tape"}})),
			0, "4 nodes not selected by the node selector or affinity, 1 node not ready"},
		{"affinity In", mixed, asks(cpu, on(workv1alpha2.NodeClaim{HardNodeAffinity: expressions("zone", corev1.NodeSelectorOpIn, "b", "c")})),
			8, "cpu: 1 node has room for 8, 3 nodes not selected by the node selector or affinity, 1 node not ready"},
		{"affinity NotIn", mixed, asks(cpu, on(workv1alpha2.NodeClaim{HardNodeAffinity: expressions("zone", corev1.NodeSelectorOpNotIn, "b")})),
			4, "cpu: 1 node has room for 4, 1 node not selected by the node selector or affinity, 2 nodes tainted or cordoned, 1 node not ready"},
		{"affinity Gt", mixed, asks(cpu, on(workv1alpha2.NodeClaim{HardNodeAffinity: expressions("gen", corev1.NodeSelectorOpGt, "4")})),
			8, "cpu: 1 node has room for 8, 3 nodes not selected by the node selector or affinity, 1 node not ready"},
		{"selector and affinity that contradict each other", mixed, asks(cpu, on(workv1alpha2.NodeClaim{NodeSelector: map[string]string{"disk": "ssd"}, HardNodeAffinity: expressions("zone", corev1.NodeSelectorOpIn, "b")})),
			0, "4 nodes not selected by the node selector or affinity, 1 node not ready"},
		{"affinity without terms matches nothing", mixed, asks(cpu, on(workv1alpha2.NodeClaim{HardNodeAffinity: &corev1.NodeSelector{}})),
			0, "4 nodes not selected by the node selector or affinity, 1 node not ready"},
		{"hostname", mixed, asks(cpu, on(workv1alpha2.NodeClaim{NodeSelector: map[string]string{corev1.LabelHostname: "host2"}})),
			8, "cpu: 1 node has room for 8, 3 nodes not selected by the node selector or affinity, 1 node not ready"},
		{"name as a field", mixed, asks(cpu, on(workv1alpha2.NodeClaim{HardNodeAffinity: &corev1.NodeSelector{NodeSelectorTerms: []corev1.NodeSelectorTerm{{
			MatchFields: []corev1.NodeSelectorRequirement{{Key: "metadata.name", Operator: corev1.NodeSelectorOpIn, Values: []string{"n1"}}}}}}})),
			4, "cpu: 1 node has room for 4, 3 nodes not selected by the node selector or affinity, 1 node not ready"},
		{"no nodes", view(), asks(cpu), 0, "there is no node"},
	} {
		t.Run(c.name, func(t *testing.T) {
			got, answers := estimate(t, &estimator.Members{}, c.spec, member(c.view))
			if want := (estimator.Answer{Estimator: "Nodes", Replicas: c.want, Limit: c.limit}); got != c.want || !slices.Equal(answers, []estimator.Answer{want}) {
				t.Errorf("got %d, %+v\nwant %+v", got, answers, want)
			}
		})
	}
}

func TestQuotas(t *testing.T) {
	scope := func(name corev1.ResourceQuotaScope, operator corev1.ScopeSelectorOperator, values ...string) []corev1.ScopedResourceSelectorRequirement {
		return []corev1.ScopedResourceSelectorRequirement{{ScopeName: name, Operator: operator, Values: values}}
	}
	quota := func(scopes []corev1.ScopedResourceSelectorRequirement, left map[corev1.ResourceName]int64) []capacity.Quota {
		return []capacity.Quota{{Name: "q", Scopes: scopes, Left: left}}
	}
	type lefts = map[corev1.ResourceName]int64
	for _, c := range []struct {
		name      string
		namespace string
		quotas    []capacity.Quota
		request   corev1.ResourceList
		priority  string
		want      int32
		limit     string
	}{
		{"pods", "default", quota(nil, lefts{"pods": 2}), nil, "", 2, "quota q: pods 2 left"},
		{"count/pods", "default", quota(nil, lefts{"count/pods": 3}), nil, "", 3, "quota q: count/pods 3 left"},
		{"CPU in thousandths", "default", quota(nil, lefts{"cpu": 1000}), list("cpu", "300m"), "", 3, "quota q: cpu 1 left"},
		{"requests.cpu", "default", quota(nil, lefts{"requests.cpu": 500}), list("cpu", "100m"), "", 5, "quota q: requests.cpu 500m left"},
		{"requests.memory", "default", quota(nil, lefts{"requests.memory": 3 << 30}), list("memory", "1Gi"), "", 3, "quota q: requests.memory 3Gi left"},
		{"extended resources", "default", quota(nil, lefts{"requests.nvidia.com/gpu": 1}), list("nvidia.com/gpu", "1"), "", 1, "quota q: requests.nvidia.com/gpu 1 left"},
		{"what is not asked for does not limit", "default", quota(nil, lefts{"requests.memory": 0}), list("cpu", "1"), "", 4, ""},
		{"limits are not known", "default", quota(nil, lefts{"limits.cpu": 0}), list("cpu", "1"), "", 4, ""},
		{"other objects do not matter", "default", quota(nil, lefts{"services": 0, "count/secrets": 0}), list("cpu", "1"), "", 4, ""},
		{"another namespace's", "other", quota(nil, lefts{"pods": 0}), nil, "", 110, ""},
		{"overdrawn", "default", quota(nil, lefts{"pods": -4}), nil, "", 0, "quota q: pods 0 left"},
		{"the lowest of several", "default", append(quota(nil, lefts{"pods": 9}), capacity.Quota{Name: "r", Left: lefts{"pods": 1}}), nil, "", 1, "quota r: pods 1 left"},
		{"of its priority class", "default", quota(scope(corev1.ResourceQuotaScopePriorityClass, corev1.ScopeSelectorOpIn, "high"), lefts{"pods": 1}), nil, "high", 1, "quota q: pods 1 left"},
		{"of another priority class", "default", quota(scope(corev1.ResourceQuotaScopePriorityClass, corev1.ScopeSelectorOpIn, "high"), lefts{"pods": 1}), nil, "low", 110, ""},
		{"of all but its priority class", "default", quota(scope(corev1.ResourceQuotaScopePriorityClass, corev1.ScopeSelectorOpNotIn, "high"), lefts{"pods": 1}), nil, "high", 110, ""},
		{"of any priority class, and it has none", "default", quota(scope(corev1.ResourceQuotaScopePriorityClass, corev1.ScopeSelectorOpExists), lefts{"pods": 1}), nil, "", 110, ""},
		{"of none", "default", quota(scope(corev1.ResourceQuotaScopePriorityClass, corev1.ScopeSelectorOpDoesNotExist), lefts{"pods": 1}), nil, "", 1, "quota q: pods 1 left"},
		{"best effort, and it asks for nothing", "default", quota(scope(corev1.ResourceQuotaScopeBestEffort, corev1.ScopeSelectorOpExists), lefts{"pods": 1}), nil, "", 1, "quota q: pods 1 left"},
		{"best effort, and it asks for CPU", "default", quota(scope(corev1.ResourceQuotaScopeBestEffort, corev1.ScopeSelectorOpExists), lefts{"pods": 1}), list("cpu", "1"), "", 4, ""},
		{"not best effort", "default", quota(scope(corev1.ResourceQuotaScopeNotBestEffort, corev1.ScopeSelectorOpExists), lefts{"pods": 1}), list("cpu", "1"), "", 1, "quota q: pods 1 left"},
		{"for what ends by itself", "default", quota(scope(corev1.ResourceQuotaScopeTerminating, corev1.ScopeSelectorOpExists), lefts{"pods": 1}), nil, "", 110, ""},
		{"for what does not end by itself", "default", quota(scope(corev1.ResourceQuotaScopeNotTerminating, corev1.ScopeSelectorOpExists), lefts{"pods": 1}), nil, "", 1, "quota q: pods 1 left"},
		{"all scopes must match", "default", quota(append(scope(corev1.ResourceQuotaScopeNotTerminating, corev1.ScopeSelectorOpExists),
			scope(corev1.ResourceQuotaScopeBestEffort, corev1.ScopeSelectorOpExists)...), lefts{"pods": 1}), list("cpu", "1"), "", 4, ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			v := view(node(plain, "cpu", "4", "memory", "64Gi", "pods", "110", "nvidia.com/gpu", "8"))
			v.Quotas = map[string][]capacity.Quota{c.namespace: c.quotas}
			got, answers := estimate(t, &estimator.Members{}, asks(c.request, func(r *workv1alpha2.ReplicaRequirements) { r.PriorityClassName = c.priority }), member(v))
			if got != c.want {
				t.Errorf("got %d, want %d", got, c.want)
			}
			limited := slices.IndexFunc(answers, func(a estimator.Answer) bool { return a.Estimator == "ResourceQuotas" })
			if c.limit == "" && limited >= 0 || c.limit != "" && (limited != 0 || answers[0].Limit != c.limit) {
				t.Errorf("explained as %+v, want %q", answers, c.limit)
			}
		})
	}
	t.Run("the namespace of the requirements wins", func(t *testing.T) {
		v := view(node(plain, "pods", "110"))
		v.Quotas = map[string][]capacity.Quota{"team-a": quota(nil, lefts{"pods": 2}), "default": quota(nil, lefts{"pods": 1})}
		if got, _ := estimate(t, &estimator.Members{}, asks(nil, func(r *workv1alpha2.ReplicaRequirements) { r.Namespace = "team-a" }), member(v)); got != 2 {
			t.Errorf("got %d, want 2", got)
		}
	})
}

// modeled sets models of nodes with 2 to 8 CPUs and with more, and how many there are of each.
func modeled(small, large int) fixture.ClusterOption {
	return func(c *clusterv1alpha1.Cluster) {
		grade := func(g uint, cpu, memory string) clusterv1alpha1.ResourceModel {
			return clusterv1alpha1.ResourceModel{Grade: g, Ranges: []clusterv1alpha1.ResourceModelRange{
				{Name: "cpu", Min: resource.MustParse(cpu), Max: resource.MustParse("1k")}, {Name: "memory", Min: resource.MustParse(memory), Max: resource.MustParse("1Pi")}}}
		}
		c.Spec.ResourceModels = []clusterv1alpha1.ResourceModel{grade(0, "2", "4Gi"), grade(1, "8", "16Gi")}
		c.Status.ResourceSummary.AllocatableModelings = []clusterv1alpha1.AllocatableModeling{{Grade: 0, Count: small}, {Grade: 1, Count: large}}
	}
}

func TestWhoSpeaksForAMember(t *testing.T) {
	summary := fixture.Allocatable(list("cpu", "100", "memory", "1Ti", "pods", "500", "nvidia.com/gpu", "6"))
	nodes := func(cpu ...string) *capacity.View {
		var all []capacity.Node
		for _, c := range cpu {
			all = append(all, node(plain, "cpu", c, "memory", "64Gi", "pods", "110"))
		}
		return view(all...)
	}
	answer := func(source string, n int32, limit string) estimator.Answer {
		return estimator.Answer{Estimator: source, Replicas: n, Limit: limit}
	}
	for _, c := range []struct {
		name   string
		member *snapshot.Cluster
		spec   *workv1alpha2.ResourceBindingSpec
		want   []estimator.Answer
	}{
		{"nodes and summary", member(nodes("4", "4"), summary), asks(list("cpu", "3")),
			[]estimator.Answer{answer("Nodes", 2, "cpu: 2 nodes have room for 2"), answer("ResourceSummary", 33, "cpu: 100 left in the member as a whole")}},
		{"the summary bounds nodes, as it knows of pods that wait", member(nodes("64", "64"), fixture.Allocatable(list("cpu", "5", "pods", "500"))), asks(list("cpu", "1")),
			[]estimator.Answer{answer("ResourceSummary", 5, "cpu: 5 left in the member as a whole"), answer("Nodes", 128, "cpu: 2 nodes have room for 128")}},
		{"nodes before the first summary", member(nodes("4")), asks(list("cpu", "1")),
			[]estimator.Answer{answer("Nodes", 4, "cpu: 1 node has room for 4")}},
		{"nodes, and models do not matter", member(nodes("4"), summary, modeled(1, 0)), asks(list("cpu", "1")),
			[]estimator.Answer{answer("Nodes", 4, "cpu: 1 node has room for 4"), answer("ResourceSummary", 100, "cpu: 100 left in the member as a whole")}},
		{"models: each node with the least of its grade", member(nil, summary, modeled(3, 2)), asks(list("cpu", "3")),
			[]estimator.Answer{answer("ResourceModels", 4, "cpu: 2 nodes have room for 4, 3 nodes full"), answer("ResourceSummary", 33, "cpu: 100 left in the member as a whole")}},
		{"models take 110 pods a node", member(nil, summary, modeled(1, 1)), asks(nil),
			[]estimator.Answer{answer("ResourceModels", 220, "pods: 2 nodes have room for 220"), answer("ResourceSummary", 500, "pods: 500 left in the member as a whole")}},
		{"models know nothing of labels", member(nil, summary, modeled(0, 1)), asks(list("cpu", "8"), on(workv1alpha2.NodeClaim{NodeSelector: map[string]string{"disk": "ssd"}})),
			[]estimator.Answer{answer("ResourceModels", 1, "cpu: 1 node has room for 1"), answer("ResourceSummary", 12, "cpu: 100 left in the member as a whole")}},
		{"models have no say in what they do not range over", member(nil, summary, modeled(1, 1)), asks(list("nvidia.com/gpu", "2")),
			[]estimator.Answer{answer("ResourceSummary", 3, "nvidia.com/gpu: 6 left in the member as a whole")}},
		{"models with a negative count are not believed", member(nil, summary, modeled(-1, 1)), asks(list("cpu", "50")),
			[]estimator.Answer{answer("ResourceSummary", 2, "cpu: 100 left in the member as a whole")}},
		{"models of a cluster that cannot be", member(nil, summary, modeled(1_000_000_000, 1)), asks(list("cpu", "50")),
			[]estimator.Answer{answer("ResourceSummary", 2, "cpu: 100 left in the member as a whole")}},
		{"the summary alone", member(nil, summary), asks(list("memory", "300Gi")),
			[]estimator.Answer{answer("ResourceSummary", 3, "memory: 1Ti left in the member as a whole")}},
		{"a resource that the member does not have", member(nil, summary), asks(list("example.com/fpga", "1")),
			[]estimator.Answer{answer("ResourceSummary", 0, "example.com/fpga: the member has none")}},
		{"nothing is known", member(nil), asks(nil),
			[]estimator.Answer{answer("ResourceSummary", 0, "the member has not reported what it has room for")}},
	} {
		t.Run(c.name, func(t *testing.T) {
			if _, answers := estimate(t, &estimator.Members{}, c.spec, c.member); !slices.Equal(answers, c.want) {
				t.Errorf("got  %+v\nwant %+v", answers, c.want)
			}
		})
	}
}

func TestSets(t *testing.T) {
	component := func(name string, replicas int32, request ...string) workv1alpha2.Component {
		return workv1alpha2.Component{Name: name, Replicas: replicas, ReplicaRequirements: &workv1alpha2.ComponentReplicaRequirements{ResourceRequest: list(request...)}}
	}
	job := func(components ...workv1alpha2.Component) *workv1alpha2.ResourceBindingSpec {
		return &workv1alpha2.ResourceBindingSpec{Resource: workv1alpha2.ObjectReference{Namespace: "default"}, Components: components}
	}
	roomy := fixture.Allocatable(list("cpu", "1k", "memory", "10Ti", "pods", "10k"))
	picky := component("worker", 2, "cpu", "1")
	picky.ReplicaRequirements.NodeClaim = &workv1alpha2.NodeClaim{NodeSelector: map[string]string{"disk": "ssd"}}
	inQuota := view(node(plain, "cpu", "64", "pods", "110"))
	inQuota.Quotas = map[string][]capacity.Quota{"default": {{Name: "q", Left: map[corev1.ResourceName]int64{"pods": 7}}}}
	for _, c := range []struct {
		name   string
		member *snapshot.Cluster
		spec   *workv1alpha2.ResourceBindingSpec
		want   int32
		limit  string
	}{
		{"a set is whole or does not count", member(view(node(plain, "cpu", "8", "pods", "110"))), job(component("manager", 1, "cpu", "1"), component("worker", 2, "cpu", "1500m")),
			2, "nodes have room for 2 whole sets; cpu: 1 node has room for 8; cpu: 1 node has room for 5"},
		{"what does not fit side by side", member(view(node(plain, "cpu", "3", "pods", "110"), node(plain, "cpu", "3", "pods", "110"))), job(component("a", 1, "cpu", "2"), component("b", 1, "cpu", "2")),
			1, "nodes have room for 1 whole sets; cpu: 2 nodes have room for 2; cpu: 2 nodes have room for 2"},
		{"a component that no node takes", member(view(node(plain, "cpu", "64", "pods", "110"))), job(component("a", 1, "cpu", "1"), picky),
			0, "nodes have room for 0 whole sets; cpu: 1 node has room for 64; 1 node not selected by the node selector or affinity"},
		{"a single component of several pods", member(view(node(plain, "cpu", "4", "pods", "110"), node(plain, "cpu", "3", "pods", "110"))), job(component("a", 3, "cpu", "1")),
			2, "nodes have room for 2 whole sets; cpu: 2 nodes have room for 7"},
		{"pods", member(view(node(plain, "cpu", "64", "pods", "7"))), job(component("a", 1), component("b", 2)), 2, "nodes have room for 2 whole sets; pods: 1 node has room for 7; pods: 1 node has room for 7"},
		{"quotas count all components", member(inQuota), job(component("a", 1), component("b", 2)), 2, "quota q: pods 7 left"},
		{"models", member(nil, roomy, modeled(1, 1)), job(component("a", 1, "cpu", "2"), component("b", 1, "cpu", "4")),
			1, "nodes have room for 1 whole sets; cpu: 2 nodes have room for 5; cpu: 1 node has room for 2, 1 node full"},
		{"the summary sums up a set", member(nil, fixture.Allocatable(list("cpu", "10", "pods", "500"))), job(component("a", 1, "cpu", "1"), component("b", 2, "cpu", "1500m")),
			2, "cpu: 10 left in the member as a whole"},
		{"a component without replicas", member(view(node(plain, "cpu", "2", "pods", "9"))), job(component("a", 1, "cpu", "1"), component("b", 0, "cpu", "64")),
			2, "cpu: 1 node has room for 2"},
		{"no more than anybody needs", member(view(node(plain, "cpu", "64", "pods", "100k"))), job(component("a", 1), component("b", 1)),
			estimator.MaxSets, "nodes have room for 1000 whole sets; pods: 1 node has room for 100000; pods: 1 node has room for 100000"},
	} {
		t.Run(c.name, func(t *testing.T) {
			m := &estimator.Members{}
			got, answers := estimate(t, m, c.spec, c.member)
			if got != c.want || answers[0].Limit != c.limit {
				t.Errorf("got %d, %+v\nwant %d, %q", got, answers, c.want, c.limit)
			}
		})
	}
}

func TestAbsurdRequests(t *testing.T) {
	m := &estimator.Members{}
	c := member(view(node(plain, "cpu", "4", "memory", "64Gi", "pods", "110")), fixture.Allocatable(list("cpu", "4", "memory", "64Gi", "pods", "110")))
	absurd := asks(list("memory", "8Ei", "cpu", "9P"))
	if got, _ := estimate(t, m, absurd, c); got != 0 {
		t.Errorf("there is room for %d of 8Ei", got)
	}
	var claims []*estimator.Claim
	for range 3 {
		made, _ := m.Claim(absurd, []estimator.Take{{Cluster: c, Replicas: 2_000_000_000}}, false)
		claims = append(claims, made...)
	}
	if got, _ := estimate(t, m, asks(list("memory", "1Gi")), c); got != 0 {
		t.Errorf("there is room for %d beside claims of more than there is", got)
	}
	for _, claim := range claims {
		claim.Drop()
	}
	if got, _ := estimate(t, m, asks(list("memory", "1Gi")), c); got != 64 {
		t.Errorf("there is room for %d once the claims are gone, want 64", got)
	}
}

func TestClaimsAreToldOf(t *testing.T) {
	m := &estimator.Members{}
	v := view(node(plain, "cpu", "4", "pods", "110"), node(plain, "cpu", "4", "pods", "110"))
	v.Quotas = map[string][]capacity.Quota{"default": {{Name: "q", Left: map[corev1.ResourceName]int64{"pods": 9}}}}
	c := member(v, fixture.Allocatable(list("cpu", "8", "pods", "220")))
	if _, ok := m.Claim(asks(list("cpu", "1")), []estimator.Take{{Cluster: c, Replicas: 5}}, true); !ok {
		t.Fatal("there is room for 5")
	}
	_, answers := estimate(t, m, asks(list("cpu", "1")), c)
	want := []estimator.Answer{
		{Estimator: "Nodes", Replicas: 3, Limit: "cpu: 1 node has room for 3, 1 node full, less 5 pods on their way"},
		{Estimator: "ResourceSummary", Replicas: 3, Limit: "cpu: 3 left in the member as a whole, less 5 pods on their way"},
		{Estimator: "ResourceQuotas", Replicas: 4, Limit: "quota q: pods 4 left"},
	}
	if !slices.Equal(answers, want) {
		t.Errorf("got  %+v\nwant %+v", answers, want)
	}
	if _, ok := m.Claim(asks(list("cpu", "500m")), []estimator.Take{{Cluster: c, Replicas: 5}}, true); ok {
		t.Error("a claim of 5 holds where the quota leaves 4")
	}
}
