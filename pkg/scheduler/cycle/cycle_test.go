package cycle_test

import (
	"fmt"
	"testing"

	corev1 "k8s.io/api/core/v1"

	clusterv1alpha1 "github.com/karmada-io/karmada/pkg/apis/cluster/v1alpha1"
	policyv1alpha1 "github.com/karmada-io/karmada/pkg/apis/policy/v1alpha1"
	workv1alpha2 "github.com/karmada-io/karmada/pkg/apis/work/v1alpha2"

	"atoll.dev/atoll/pkg/scheduler/cycle"
	"atoll.dev/atoll/pkg/scheduler/framework"
	. "atoll.dev/atoll/pkg/scheduler/internal/fixture"
	"atoll.dev/atoll/pkg/scheduler/plugins"
	"atoll.dev/atoll/pkg/scheduler/snapshot"
)

type placement = policyv1alpha1.Placement

func group(name string, clusters ...string) policyv1alpha1.ClusterAffinityTerm {
	return policyv1alpha1.ClusterAffinityTerm{AffinityName: name, ClusterAffinity: Named(clusters...)}
}

func overflow(g policyv1alpha1.ClusterAffinityTerm, clusters ...string) policyv1alpha1.ClusterAffinityTerm {
	g.OverflowAffinities = append(g.OverflowAffinities, policyv1alpha1.OverflowClusterAffinity{AffinityName: "overflow", ClusterAffinity: Named(clusters...)})
	return g
}

func byCluster(minimum, maximum int) []policyv1alpha1.SpreadConstraint {
	return []policyv1alpha1.SpreadConstraint{{SpreadByField: policyv1alpha1.SpreadByFieldCluster, MinGroups: minimum, MaxGroups: maximum}}
}

func by(field policyv1alpha1.SpreadFieldValue, minimum, maximum int) policyv1alpha1.SpreadConstraint {
	return policyv1alpha1.SpreadConstraint{SpreadByField: field, MinGroups: minimum, MaxGroups: maximum}
}

func byLabel(key string, minimum, maximum int) policyv1alpha1.SpreadConstraint {
	return policyv1alpha1.SpreadConstraint{SpreadByLabel: key, MinGroups: minimum, MaxGroups: maximum}
}

func components(spec *workv1alpha2.ResourceBindingSpec, n int) *workv1alpha2.ResourceBindingSpec {
	spec.Components = make([]workv1alpha2.Component, n)
	return spec
}

// abc are three clusters with room for 5, 10 and 20 pods.
func abc() []*clusterv1alpha1.Cluster {
	return []*clusterv1alpha1.Cluster{Cluster("a", Pods(5)), Cluster("b", Pods(10)), Cluster("c", Pods(20))}
}

// regions are five clusters in three regions and racks with room for 10 pods each.
func regions() []*clusterv1alpha1.Cluster {
	var clusters []*clusterv1alpha1.Cluster
	for i, name := range []string{"a", "b", "c", "d", "e"} {
		region := fmt.Sprint("r", i/2)
		clusters = append(clusters, Cluster(name, Pods(10), At("p", region, "z"+name), Label("rack", []string{"1", "1", "2", "", "3"}[i])))
	}
	return clusters
}

func TestPlace(t *testing.T) {
	onlyA := Named("a")
	for _, c := range []struct {
		name     string
		clusters []*clusterv1alpha1.Cluster
		spec     *workv1alpha2.ResourceBindingSpec
		fresh    bool
		want     string
	}{
		{"duplicated", abc(), Deployment(3, placement{ReplicaScheduling: Duplicated()}), false, "a:3 b:3 c:3"},
		{"duplicated by default", abc(), Deployment(3, placement{}), false, "a:3 b:3 c:3"},
		{"duplicated asks nobody for room", abc(), Deployment(1000, placement{ClusterAffinity: &onlyA}), false, "a:1000"},
		{"without replicas", abc(), ConfigMap(placement{}), false, "a:0 b:0 c:0"},
		{"without replicas, divided all the same", abc(), ConfigMap(placement{ReplicaScheduling: Static(Weight("a", 1))}), false, "a:0 b:0 c:0"},
		{"scaled to nothing", abc(), Deployment(0, placement{}, On("a", 3)), false, ""},
		{"two components are not divided", abc(), components(Deployment(9, placement{ReplicaScheduling: Static()}), 2), false, "a:0 b:0 c:0"},

		{"static weights", abc(), Deployment(9, placement{ReplicaScheduling: Static(Weight("a", 1), Weight("b", 2))}), false, "a:3 b:6"},
		{"static weights, no list", abc(), Deployment(9, placement{ReplicaScheduling: Static()}), false, "a:3 b:3 c:3"},
		{"static weights for nobody who fits", abc(), Deployment(9, placement{ReplicaScheduling: Static(Weight("z", 1))}), false, "a:3 b:3 c:3"},
		{"the highest of a cluster's weights counts", abc(), Deployment(6, placement{ReplicaScheduling: Static(Weight("a", 1), Weight("b", 1), Weight("a", 2))}), false, "a:4 b:2"},
		{"too few replicas for a weight", abc(), Deployment(2, placement{ReplicaScheduling: Static(Weight("a", 10), Weight("b", 1))}), false, "a:2"},
		{"static weights rebalance whatever was there", abc(), Deployment(9, placement{ReplicaScheduling: Static(Weight("a", 1), Weight("b", 2))}, On("c", 9)), false, "a:3 b:6"},
		{"static weights overrule the spread", abc(), Deployment(9, placement{ReplicaScheduling: Static(Weight("a", 1), Weight("b", 2)), SpreadConstraints: byCluster(1, 1)}), false, "a:3 b:6"},

		{"dynamic weights", abc(), Deployment(7, placement{ReplicaScheduling: Dynamic()}), false, "a:1 b:2 c:4"},
		{"dynamic, scaled up by the room left", abc(), Deployment(9, placement{ReplicaScheduling: Dynamic()}, On("a", 2)), false, "a:3 b:2 c:4"},
		{"dynamic, scaled down by what is there", abc(), Deployment(3, placement{ReplicaScheduling: Dynamic()}, On("a", 4), On("c", 2)), false, "a:2 c:1"},
		{"dynamic, nothing to do", abc(), Deployment(6, placement{ReplicaScheduling: Dynamic()}, On("a", 4), On("c", 2)), false, "a:4 c:2"},
		{"dynamic, a cluster is gone", abc(), Deployment(9, placement{ReplicaScheduling: Dynamic()}, On("a", 2), On("gone", 7)), false, "a:3 b:2 c:4"},
		{"dynamic, fresh", abc(), Deployment(7, placement{ReplicaScheduling: Dynamic()}, On("b", 7)), true, "a:1 b:3 c:3"},
		{"aggregated into the roomiest", abc(), Deployment(7, placement{ReplicaScheduling: Aggregated()}), false, "c:7"},
		{"aggregated where it is already", abc(), Deployment(7, placement{ReplicaScheduling: Aggregated()}, On("a", 2)), false, "a:7"},
		{"aggregated over two", abc(), Deployment(25, placement{ReplicaScheduling: Aggregated()}), false, "b:8 c:17"},
		{"aggregated, of equals the one that is listed first", abc(), Deployment(3, placement{ReplicaScheduling: Aggregated()}, On("a", 3), On("b", 3)), false, "a:3"},
		{"scaled down to nothing", abc(), Deployment(0, placement{ReplicaScheduling: Dynamic()}, On("a", 2)), false, ""},

		{"spread over at most two", abc(), Deployment(3, placement{SpreadConstraints: byCluster(1, 2)}), false, "b:3 c:3"},
		{"spread keeps where it is", abc(), Deployment(3, placement{SpreadConstraints: byCluster(1, 1)}, On("a", 3)), false, "a:3"},
		{"spread without a maximum", abc(), Deployment(3, placement{SpreadConstraints: byCluster(2, 0)}), false, "a:3 b:3 c:3"},
		{"spread makes room by another cluster", abc(), Deployment(18, placement{SpreadConstraints: byCluster(1, 1), ReplicaScheduling: Dynamic()}, On("a", 1)), false, "c:18"},

		{"static weights, a tie goes to who holds it", abc(), Deployment(4, placement{ReplicaScheduling: Static()}, On("a", 1), On("b", 1), On("c", 2)), false, "a:1 b:1 c:2"},
		{"static weights, a tie by name if it is asked for afresh", abc(), Deployment(4, placement{ReplicaScheduling: Static()}, On("a", 1), On("b", 1), On("c", 2)), true, "a:2 b:1 c:1"},
		{"static weights, a tie after another cluster came", abc(), Deployment(1, placement{ReplicaScheduling: Static()}, On("c", 1)), false, "c:1"},

		{"regions, as many clusters as there may be", regions(), Deployment(6, placement{SpreadConstraints: append(byCluster(1, 3), by("region", 2, 2)), ReplicaScheduling: Dynamic()}), false, "a:2 b:2 c:2"},
		{"regions, duplicated, one cluster each", regions(), Deployment(6, placement{SpreadConstraints: append(byCluster(1, 1), by("region", 2, 2))}), false, "a:6 c:6"},
		{"regions that aggregation would leave out", regions(), Deployment(6, placement{SpreadConstraints: []policyv1alpha1.SpreadConstraint{by("region", 3, 3)}, ReplicaScheduling: Aggregated()}), false, "a:4 c:1 e:1"},
		{"more regions than replicas", regions(), Deployment(1, placement{SpreadConstraints: []policyv1alpha1.SpreadConstraint{by("region", 2, 2)}, ReplicaScheduling: Dynamic()}), false, "a:1"},
		{"labels", regions(), Deployment(4, placement{SpreadConstraints: []policyv1alpha1.SpreadConstraint{byLabel("rack", 2, 2)}}), false, "a:4 b:4 c:4"},
		{"without replicas", regions(), ConfigMap(placement{SpreadConstraints: append(byCluster(1, 2), by("region", 2, 0))}), false, "a:0 c:0"},
		{"regions stay when scaled up", regions(), Deployment(8, placement{SpreadConstraints: append(byCluster(1, 2), by("region", 2, 2)), ReplicaScheduling: Dynamic()}, On("d", 2), On("e", 2)), false, "d:4 e:4"},
		{"regions stay when scaled down", regions(), Deployment(2, placement{SpreadConstraints: append(byCluster(1, 2), by("region", 2, 2)), ReplicaScheduling: Aggregated()}, On("d", 5), On("e", 1)), false, "d:1 e:1"},

		{"sets of components go where one has room", abc(), components(Deployment(3, placement{SpreadConstraints: byCluster(1, 1), ReplicaScheduling: Aggregated()}), 2), false, "c:0"},
		{"sets of components are not weighted", abc(), components(Deployment(3, placement{SpreadConstraints: byCluster(1, 1), ReplicaScheduling: Static(Weight("a", 1))}), 2), false, "c:0"},
		{"a set of components stays where it is", []*clusterv1alpha1.Cluster{Cluster("a", Pods(0)), Cluster("b", Pods(9))},
			components(Deployment(3, placement{SpreadConstraints: byCluster(1, 1), ReplicaScheduling: Aggregated()}, On("a", 0)), 2), false, "a:0"},
		{"a set of components has no room", []*clusterv1alpha1.Cluster{Cluster("a", Pods(0)), Cluster("b", Pods(0))},
			components(Deployment(3, placement{SpreadConstraints: byCluster(1, 1), ReplicaScheduling: Aggregated()}), 2), false,
			"error: failed to select clusters: no enough resource when selecting 1 clusters: 0 of them can hold all components of the workload"},

		{"clusters being removed get nothing", []*clusterv1alpha1.Cluster{Cluster("a"), Cluster("b", Leaving())}, Deployment(2, placement{}, On("b", 2)), false, "a:2"},
	} {
		t.Run(c.name, func(t *testing.T) {
			if got := write(newCycle().Place(t.Context(), framework.Question{Spec: c.spec, Fresh: c.fresh}, snapshot.New(c.clusters...))); got != c.want {
				t.Errorf("placed %q, want %q", got, c.want)
			}
		})
	}
}

func TestEmptyWorkloads(t *testing.T) {
	c := cycle.New(cycle.Options{Plugins: plugins.Default(), EmptyWorkloads: true})
	spec := Deployment(1, placement{ReplicaScheduling: Static(Weight("b", 1))})
	if got, want := write(c.Place(t.Context(), framework.Question{Spec: spec}, snapshot.New(abc()...))), "a:0 b:1 c:0"; got != want {
		t.Errorf("placed %q, want %q", got, want)
	}
}

func held(spec *workv1alpha2.ResourceBindingSpec, on ...workv1alpha2.TargetCluster) *workv1alpha2.ResourceBindingSpec {
	spec.Clusters = on
	return spec
}

func TestGroups(t *testing.T) {
	dynamic := func(replicas int32, groups ...policyv1alpha1.ClusterAffinityTerm) *workv1alpha2.ResourceBindingSpec {
		return Deployment(replicas, placement{ClusterAffinities: groups, ReplicaScheduling: Dynamic()})
	}
	for _, c := range []struct {
		name      string
		spec      *workv1alpha2.ResourceBindingSpec
		observed  string
		want      string
		wantGroup string
	}{
		{"the first that fits", dynamic(3, group("one", "a"), group("two", "b")), "", "a:3", "one"},
		{"fallback for lack of clusters", dynamic(3, group("one", "z"), group("two", "b")), "", "b:3", "two"},
		{"fallback for lack of room", dynamic(8, group("one", "a"), group("two", "b")), "", "b:8", "two"},
		{"no way back to groups before the one in use", dynamic(3, group("one", "a"), group("two", "b")), "two", "b:3", "two"},
		{"the group in use is gone", dynamic(3, group("one", "a"), group("two", "b")), "three", "a:3", "one"},
		{"the error is that of the first", dynamic(8, group("one", "a"), group("two", "z")), "",
			"error: failed to assign replicas: failed to scale up: Clusters available replicas 5 are not enough to schedule.", "one"},
		{"overflow not needed", dynamic(5, overflow(group("one", "a"), "c")), "", "a:5", "one"},
		{"overflow", dynamic(8, overflow(group("one", "a"), "c")), "", "a:5 c:3", "one"},
		{"overflow in order", dynamic(17, overflow(overflow(group("one", "a"), "b"), "c")), "", "a:5 b:10 c:2", "one"},
		{"spread takes overflow clusters last", func() *workv1alpha2.ResourceBindingSpec {
			spec := dynamic(3, overflow(group("one", "a"), "c"))
			spec.Placement.SpreadConstraints = byCluster(1, 1)
			return spec
		}(), "", "a:3", "one"},
		{"overflow, more replicas go to the first tier with room", held(dynamic(12, overflow(overflow(group("one", "a"), "b"), "c")), On("a", 4), On("c", 3)), "", "a:9 c:3", "one"},
		{"overflow, nothing moves back by itself", held(dynamic(8, overflow(group("one", "a"), "b")), On("a", 2), On("b", 6)), "", "a:2 b:6", "one"},
		{"overflow, fewer replicas are taken from the last tier", held(dynamic(6, overflow(overflow(group("one", "a"), "b"), "c")), On("a", 2), On("b", 4), On("c", 5)), "", "a:2 b:4", "one"},
		{"overflow, and from the next before it", held(dynamic(5, overflow(overflow(group("one", "a"), "b"), "c")), On("a", 2), On("b", 4), On("c", 5)), "", "a:2 b:3", "one"},
		{"overflow, aggregated", func() *workv1alpha2.ResourceBindingSpec {
			spec := held(dynamic(9, overflow(group("one", "a", "b"), "c")), On("b", 4), On("c", 2))
			spec.Placement.ReplicaScheduling = Aggregated()
			return spec
		}(), "", "b:7 c:2", "one"},
		{"overflow, duplicated, has no say", func() *workv1alpha2.ResourceBindingSpec {
			spec := dynamic(9, overflow(group("one", "a"), "c"))
			spec.Placement.ReplicaScheduling = Duplicated()
			return spec
		}(), "", "a:9", "one"},
		{"overflow, duplicated, for want of others", func() *workv1alpha2.ResourceBindingSpec {
			spec := dynamic(9, overflow(group("one", "z"), "c"))
			spec.Placement.ReplicaScheduling = Duplicated()
			return spec
		}(), "", "c:9", "one"},
		{"overflow, static weights", func() *workv1alpha2.ResourceBindingSpec {
			spec := dynamic(9, overflow(group("one", "a", "b"), "c"))
			spec.Placement.ReplicaScheduling = Static(Weight("a", 1), Weight("b", 2), Weight("c", 3))
			return spec
		}(), "", "a:3 b:6", "one"},
		{"overflow, sets of components", components(dynamic(3, overflow(group("one", "a"), "c")), 2), "", "a:0", "one"},
		{"overflow is full as well", dynamic(16, overflow(group("one", "a"), "b")), "",
			"error: failed to assign replicas: Clusters available replicas are not enough to schedule.", "one"},
	} {
		t.Run(c.name, func(t *testing.T) {
			result, err := newCycle().Place(t.Context(), framework.Question{Spec: c.spec, Group: c.observed}, snapshot.New(abc()...))
			if got := write(result, err); got != c.want {
				t.Errorf("placed %q, want %q", got, c.want)
			}
			if result.AffinityName != c.wantGroup {
				t.Errorf("in group %q, want %q", result.AffinityName, c.wantGroup)
			}
		})
	}
}

func TestRefusals(t *testing.T) {
	onlyA := Named("a")
	clusters := []*clusterv1alpha1.Cluster{
		Cluster("a", Taint("gpu", "true", corev1.TaintEffectNoSchedule)), Cluster("b", WithoutAPIs()), Cluster("c"), Cluster("d", Leaving()),
	}
	spreadBy := func(c policyv1alpha1.SpreadConstraint) placement {
		return placement{SpreadConstraints: []policyv1alpha1.SpreadConstraint{c}}
	}
	for _, c := range []struct {
		name     string
		clusters []*clusterv1alpha1.Cluster
		spec     *workv1alpha2.ResourceBindingSpec
		is       func(error) bool
		want     string
		wakes    snapshot.Change
	}{
		{"there are no clusters", nil, Deployment(1, placement{}), isFit, "0/0 clusters fit: no cluster has joined", snapshot.Joined},
		{"each cluster for a reason of its own", clusters, func() *workv1alpha2.ResourceBindingSpec {
			spec := Deployment(1, placement{})
			spec.GracefulEvictionTasks = []workv1alpha2.GracefulEvictionTask{{FromCluster: "c"}}
			return spec
		}(), isFit, "0/4 clusters fit: 1 being removed, 1 evicting the workload, 1 lack apps/v1 Deployment, 1 taint gpu=true:NoSchedule", snapshot.Joined | snapshot.APIs | snapshot.Taints},
		{"equal reasons are counted", clusters, Deployment(1, placement{ClusterAffinity: &onlyA}), isFit,
			"0/4 clusters fit: 2 outside the cluster affinity, 1 being removed, 1 taint gpu=true:NoSchedule", snapshot.Joined | snapshot.Taints | snapshot.Labels | snapshot.Topology},
		{"too few clusters", abc(), Deployment(1, placement{SpreadConstraints: byCluster(4, 4)}), isSelection,
			"failed to select clusters: the number of feasible clusters is less than spreadConstraint.MinGroups (3 of 4)", snapshot.Joined},
		{"too little room in one cluster", abc(), Deployment(21, placement{SpreadConstraints: byCluster(1, 1), ReplicaScheduling: Dynamic()}), isSelection,
			"failed to select clusters: no enough resource when selecting 1 clusters: together they can hold 20 of 21 replicas", snapshot.Joined | snapshot.MoreRoom},
		{"too little room to scale up", abc(), Deployment(36, placement{ReplicaScheduling: Aggregated()}), isShortage,
			"failed to assign replicas: failed to scale up: Clusters available replicas 35 are not enough to schedule.", snapshot.Joined | snapshot.MoreRoom},
		{"too few regions", append(clusters, Cluster("e", At("p", "r")), Cluster("f")), Deployment(1, spreadBy(policyv1alpha1.SpreadConstraint{SpreadByField: "region", MinGroups: 2})), isSelection,
			"failed to select clusters: the number of feasible region is less than spreadConstraint.MinGroups: 2 regions are needed, there is 1 (r); " +
				"left out: 3 have no region (b, c, f), 1 being removed (d), 1 taint gpu=true:NoSchedule (a)", snapshot.Joined | snapshot.Topology | snapshot.Labels | snapshot.Taints},
		{"no cluster with the label", abc(), Deployment(1, spreadBy(policyv1alpha1.SpreadConstraint{SpreadByLabel: "rack"})), isFit,
			"0/3 clusters fit: 3 have no label rack", snapshot.Joined | snapshot.Topology | snapshot.Labels},
		{"divided, but not how", abc(), Deployment(1, placement{ReplicaScheduling: &policyv1alpha1.ReplicaSchedulingStrategy{ReplicaSchedulingType: "Divided"}}), isUnsupported,
			"failed to assign replicas: unsupported replica scheduling strategy, replicaSchedulingType: Divided, replicaDivisionPreference: , please try another scheduling strategy", snapshot.None},
		{"no groups in the list", abc(), Deployment(1, placement{ClusterAffinities: []policyv1alpha1.ClusterAffinityTerm{}}), isUnsupported,
			"clusterAffinities must list at least one group", snapshot.None},
	} {
		t.Run(c.name, func(t *testing.T) {
			result, err := newCycle().Place(t.Context(), framework.Question{Spec: c.spec}, snapshot.New(c.clusters...))
			if err == nil || err.Error() != c.want || !c.is(err) {
				t.Fatalf("placed %v, error %T %q; want %q", result.Clusters, err, err, c.want)
			}
			if got := cycle.Wakes(err); got != c.wakes {
				t.Errorf("waits for %b, want %b", got, c.wakes)
			}
		})
	}
}

func TestGroupsWaitForWhatAnyOfThemWaitsFor(t *testing.T) {
	clusters := snapshot.New(Cluster("a", Taint("down", "", corev1.TaintEffectNoExecute)), Cluster("b", WithoutAPIs()))
	spec := Deployment(1, placement{ClusterAffinities: []policyv1alpha1.ClusterAffinityTerm{group("one", "a"), group("two", "b")}})
	_, err := newCycle().Place(t.Context(), framework.Question{Spec: spec}, clusters)
	want := snapshot.Joined | snapshot.Taints | snapshot.APIs | snapshot.Labels | snapshot.Topology
	if got := cycle.Wakes(err); got != want {
		t.Errorf("waits for %b, want %b", got, want)
	}
}

func TestResultTellsHowItCameAbout(t *testing.T) {
	spec := Deployment(3, placement{SpreadConstraints: byCluster(1, 2)}, On("a", 3))
	clusters := append(abc(), Cluster("d", WithoutAPIs()))
	result, err := newCycle().Place(t.Context(), framework.Question{Spec: spec}, snapshot.New(clusters...))
	if err != nil {
		t.Fatal(err)
	}
	if len(result.Refused) != 1 || result.Refused[0].Cluster != "d" || result.Refused[0].Plugin != "APIEnablement" {
		t.Errorf("refused = %+v, want d by APIEnablement", result.Refused)
	}
	if len(result.Candidates) != 3 || len(result.Selected) != 2 {
		t.Fatalf("%d candidates, %d selected; want 3 and 2", len(result.Candidates), len(result.Selected))
	}
	if a := result.Candidates[0]; a.Name != "a" || a.Score != 100 || a.Held != 3 || a.Room != 5 {
		t.Errorf("the best candidate is %s with score %d, holding %d, with room for %d; want a, 100, 3, 5", a.Name, a.Score, a.Held, a.Room)
	}
}
