package storagepinning_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"

	"k8s.io/apimachinery/pkg/types"

	clusterv1alpha1 "github.com/karmada-io/karmada/pkg/apis/cluster/v1alpha1"
	policyv1alpha1 "github.com/karmada-io/karmada/pkg/apis/policy/v1alpha1"
	workv1alpha2 "github.com/karmada-io/karmada/pkg/apis/work/v1alpha2"

	"atoll.dev/atoll/apis/karmada/wellknown"
	"atoll.dev/atoll/pkg/membership/capacity"
	"atoll.dev/atoll/pkg/scheduler/cycle"
	"atoll.dev/atoll/pkg/scheduler/estimator"
	"atoll.dev/atoll/pkg/scheduler/framework"
	. "atoll.dev/atoll/pkg/scheduler/internal/fixture"
	"atoll.dev/atoll/pkg/scheduler/plugins"
	"atoll.dev/atoll/pkg/scheduler/plugins/storagepinning"
	"atoll.dev/atoll/pkg/scheduler/snapshot"
)

type placement = policyv1alpha1.Placement

// view knows of the local claims, given as namespace/name.
func view(claims ...string) *capacity.View {
	v := &capacity.View{LocalClaims: map[types.NamespacedName]struct{}{}}
	for _, claim := range claims {
		namespace, name, _ := strings.Cut(claim, "/")
		v.LocalClaims[types.NamespacedName{Namespace: namespace, Name: name}] = struct{}{}
	}
	return v
}

// members are clusters a, b and c with room for 5, 10 and 20 pods, and what is known of their nodes.
func members(views map[string]*capacity.View) *snapshot.Snapshot {
	s := snapshot.New(Cluster("a", Pods(5)), Cluster("b", Pods(10)), Cluster("c", Pods(20)))
	for _, c := range s.Clusters() {
		c.Nodes = views[c.Name] // nobody else has this snapshot yet
	}
	return s
}

func place(t *testing.T, spec *workv1alpha2.ResourceBindingSpec, claims string, fresh bool, s *snapshot.Snapshot, options ...func(*cycle.Options)) (cycle.Result, error) {
	t.Helper()
	o := cycle.Options{Plugins: plugins.Default(), Estimators: []estimator.Estimator{estimator.Summary{}}}
	for _, alter := range options {
		alter(&o)
	}
	q := framework.Question{Spec: spec, Fresh: fresh}
	if claims != "" {
		q.Annotations = map[string]string{wellknown.ClaimsAnnotation: claims}
	}
	return cycle.New(o).Place(t.Context(), q, s)
}

func summary(targets []workv1alpha2.TargetCluster) string {
	parts := make([]string, len(targets))
	for i, target := range targets {
		parts[i] = fmt.Sprintf("%s:%d", target.Name, target.Replicas)
	}
	return strings.Join(parts, " ")
}

func most(n int, p placement) placement {
	p.SpreadConstraints = []policyv1alpha1.SpreadConstraint{{SpreadByField: policyv1alpha1.SpreadByFieldCluster, MaxGroups: n}}
	return p
}

func TestPlace(t *testing.T) {
	none, local := view(), view("default/data-db-0", "default/data-db-1")
	aLocal := map[string]*capacity.View{"a": local, "b": none, "c": none}
	abLocal := map[string]*capacity.View{"a": local, "b": view("default/data-db-0"), "c": none}
	nowhere := map[string]*capacity.View{"a": none, "b": none, "c": none}
	toB := placement{ReplicaScheduling: Static(Weight("b", 1))}
	evicted := Deployment(2, most(1, placement{}), On("b", 2))
	evicted.GracefulEvictionTasks = []workv1alpha2.GracefulEvictionTask{{FromCluster: "a"}}
	bc := Named("b", "c")
	claim := func(on ...workv1alpha2.TargetCluster) *workv1alpha2.ResourceBindingSpec {
		spec := ConfigMap(most(1, placement{}), on...)
		spec.Resource = workv1alpha2.ObjectReference{APIVersion: "v1", Kind: "ConfigMap", Namespace: "default", Name: "data"}
		return spec
	}
	const claims = "data-db-"
	for _, c := range []struct {
		name   string
		views  map[string]*capacity.View
		claims string
		spec   *workv1alpha2.ResourceBindingSpec
		fresh  bool
		want   string
	}{
		// Divided replicas.
		{"fresh by room, nothing is local", nowhere, claims, Deployment(6, placement{ReplicaScheduling: Aggregated()}, On("a", 4), On("b", 2)), true, "c:6"},
		{"fresh by room, local", aLocal, claims, Deployment(6, placement{ReplicaScheduling: Aggregated()}, On("a", 4), On("b", 2)), true, "a:4 c:2"},
		{"fresh by room, no claim", aLocal, "", Deployment(6, placement{ReplicaScheduling: Aggregated()}, On("a", 4), On("b", 2)), true, "c:6"},
		{"fresh by room, another claim", aLocal, "logs-db-", Deployment(6, placement{ReplicaScheduling: Aggregated()}, On("a", 4), On("b", 2)), true, "c:6"},
		{"fresh by room, the claim by name", aLocal, "data-db-1,other", Deployment(6, placement{ReplicaScheduling: Aggregated()}, On("a", 4), On("b", 2)), true, "a:4 c:2"},
		{"fresh by room, views unknown", nil, claims, Deployment(6, placement{ReplicaScheduling: Aggregated()}, On("a", 4), On("b", 2)), true, "a:4 b:2"},
		{"fresh by room, two are pinned", abLocal, claims, Deployment(9, placement{ReplicaScheduling: Aggregated()}, On("a", 4), On("b", 2), On("c", 3)), true, "a:4 b:2 c:3"},
		{"never placed, though a claim is there", aLocal, claims, Deployment(6, placement{ReplicaScheduling: Aggregated()}), false, "c:6"},
		{"weights say otherwise", aLocal, claims, Deployment(4, toB, On("a", 3), On("b", 1)), false, "a:3 b:1"},
		{"weights, scaled up", aLocal, claims, Deployment(6, toB, On("a", 3), On("b", 1)), false, "a:3 b:3"},
		{"weights give it more", aLocal, claims, Deployment(8, placement{ReplicaScheduling: Static(Weight("a", 3), Weight("b", 1))}, On("a", 3), On("b", 1)), false, "a:6 b:2"},
		{"scaled down: others give first", aLocal, claims, Deployment(4, placement{ReplicaScheduling: Dynamic()}, On("a", 3), On("b", 3)), false, "a:3 b:1"},
		{"scaled down below what is pinned", aLocal, claims, Deployment(2, placement{ReplicaScheduling: Dynamic()}, On("a", 3), On("b", 3)), false, "a:2"},
		{"scaled down, both pinned", abLocal, claims, Deployment(3, placement{ReplicaScheduling: Dynamic()}, On("a", 4), On("b", 2)), false, "a:2 b:1"},
		{"scaled to nothing", aLocal, claims, Deployment(0, placement{ReplicaScheduling: Dynamic()}, On("a", 4)), false, ""},
		{"the placement no longer allows it", aLocal, claims, Deployment(4, placement{ClusterAffinity: &bc, ReplicaScheduling: Aggregated()}, On("a", 4)), false, "c:4"},

		// Undivided.
		{"to one cluster, nothing is local", nowhere, claims, Deployment(2, most(1, placement{}), On("b", 2), On("a", 2)), true, "b:2"},
		{"to one cluster, local", aLocal, claims, Deployment(2, most(1, placement{}), On("b", 2), On("a", 2)), true, "a:2"},
		{"to two clusters", aLocal, claims, Deployment(2, most(2, placement{}), On("a", 2)), false, "a:2 c:2"},
		{"to fewer than are pinned", abLocal, claims, Deployment(2, most(1, placement{}), On("a", 2), On("b", 2)), false, "b:2"},
		{"everywhere", aLocal, claims, Deployment(2, placement{}, On("a", 2)), false, "a:2 b:2 c:2"},
		{"evicted", aLocal, claims, evicted, false, "b:2"},
		{"a claim itself", aLocal, "data-db-0", claim(On("a", 0)), false, "a:0"},
		{"a claim itself, not placed yet", aLocal, "data-db-0", claim(), false, "a:0"},
	} {
		t.Run(c.name, func(t *testing.T) {
			result, err := place(t, c.spec, c.claims, c.fresh, members(c.views))
			if err != nil {
				t.Fatal(err)
			}
			if got := summary(result.Clusters); got != c.want {
				t.Errorf("got %q, want %q (pinned %v)", got, c.want, result.Pinned)
			}
		})
	}
}

func TestReasons(t *testing.T) {
	views := map[string]*capacity.View{"a": view("default/data-db-1", "default/data-db-0", "other/data-db-0"), "b": view()}
	spec := Deployment(2, most(1, placement{}), On("a", 2))
	result, err := place(t, spec, "data-db-", false, members(views))
	if err != nil {
		t.Fatal(err)
	}
	want := []cycle.Pinned{{Cluster: "a", Plugin: storagepinning.Name, Reason: "its volume data-db-0 lives in a", Replicas: 2}}
	if fmt.Sprint(result.Pinned) != fmt.Sprint(want) {
		t.Errorf("pinned %v, want %v", result.Pinned, want)
	}
	if len(result.Refused) != 2 {
		t.Fatalf("refused %v, want b and c", result.Refused)
	}
	for i, cluster := range []string{"b", "c"} {
		if r := result.Refused[i]; r.Cluster != cluster || r.Plugin != storagepinning.Name || r.Reason != want[0].Reason {
			t.Errorf("refused %s: %+v", r.Cluster, r.Refusal)
		}
	}
}

// prefers is a plugin that likes one cluster best.
type prefers struct{ name, cluster string }

func (p prefers) Name() string { return p.name }
func (p prefers) Score(context.Context, *framework.Request) framework.ClusterScore {
	return func(c *snapshot.Cluster) int64 {
		if c.Name == p.cluster {
			return framework.MaxScore
		}
		return 0
	}
}

// Where a spread constraint cannot be met with a pinned cluster, nothing moves and the error says why.
func TestLeftOut(t *testing.T) {
	s := members(map[string]*capacity.View{"a": view("default/data"), "b": view(), "c": view()})
	other := func(o *cycle.Options) {
		for _, name := range []string{"x", "y", "z"} {
			o.Plugins = append(o.Plugins, prefers{name, "c"})
		}
	}
	_, err := place(t, Deployment(2, most(1, placement{ReplicaScheduling: Dynamic()}), On("a", 2)), "data", false, s, other)
	want := "failed to select clusters: spread constraints prefer c to a, but its volume data lives in a"
	if err == nil || err.Error() != want {
		t.Errorf("got %v, want %s", err, want)
	}
}

// Falling back to another cluster group takes nothing from where volumes are.
func TestGroups(t *testing.T) {
	local := map[string]*capacity.View{"a": view("default/data"), "b": view(), "c": view()}
	nowhere := map[string]*capacity.View{"a": view(), "b": view(), "c": view()}
	group := func(name string, clusters ...string) policyv1alpha1.ClusterAffinityTerm {
		return policyv1alpha1.ClusterAffinityTerm{AffinityName: name, ClusterAffinity: Named(clusters...)}
	}
	const full = "failed to assign replicas: failed to scale up: Clusters available replicas 5 are not enough to schedule."
	evicted := Deployment(8, placement{})
	evicted.GracefulEvictionTasks = []workv1alpha2.GracefulEvictionTask{{FromCluster: "a"}}
	for _, c := range []struct {
		name   string
		views  map[string]*capacity.View
		spec   *workv1alpha2.ResourceBindingSpec
		groups []policyv1alpha1.ClusterAffinityTerm
		want   string
	}{
		{"no room, nothing is local", nowhere, Deployment(8, placement{}, On("a", 2)), []policyv1alpha1.ClusterAffinityTerm{group("one", "a"), group("two", "b")}, "b:8"},
		{"no room, local", local, Deployment(8, placement{}, On("a", 2)), []policyv1alpha1.ClusterAffinityTerm{group("one", "a"), group("two", "b")}, full},
		{"no room, local, the next group has it too", local, Deployment(8, placement{}, On("a", 2)), []policyv1alpha1.ClusterAffinityTerm{group("one", "a"), group("two", "a", "b")}, "a:4 b:4"},
		{"no group has it any more", local, Deployment(8, placement{}, On("a", 2)), []policyv1alpha1.ClusterAffinityTerm{group("one", "c"), group("two", "b")}, "c:8"},
		{"evicted", local, evicted, []policyv1alpha1.ClusterAffinityTerm{group("one", "a"), group("two", "b")}, "b:8"},
		{"an earlier group has it", local, Deployment(2, placement{}, On("a", 2)), []policyv1alpha1.ClusterAffinityTerm{group("one", "b"), group("two", "a")}, "a:2"},
	} {
		t.Run(c.name, func(t *testing.T) {
			c.spec.Placement = &placement{ClusterAffinities: c.groups, ReplicaScheduling: Dynamic()}
			result, err := place(t, c.spec, "data", false, members(c.views))
			got := summary(result.Clusters)
			if err != nil {
				got = err.Error()
			}
			if got != c.want {
				t.Errorf("got %q, want %q", got, c.want)
			}
		})
	}
}

// A cluster of a better tier takes nothing from a pinned one of a worse tier.
func TestTiers(t *testing.T) {
	overflowing := func(on ...workv1alpha2.TargetCluster) *workv1alpha2.ResourceBindingSpec {
		spec := Deployment(2, placement{ClusterAffinities: []policyv1alpha1.ClusterAffinityTerm{{
			AffinityName: "near", ClusterAffinity: Named("b"), OverflowAffinities: []policyv1alpha1.OverflowClusterAffinity{{AffinityName: "far", ClusterAffinity: Named("a")}},
		}}}, on...)
		return spec
	}
	for _, c := range []struct {
		name     string
		strategy *policyv1alpha1.ReplicaSchedulingStrategy
		local    bool
		want     string
	}{
		{"divided, nothing is local", Dynamic(), false, "b:2"},
		{"divided, local", Dynamic(), true, "a:2"},
		{"duplicated, local", Duplicated(), true, "a:2 b:2"},
	} {
		t.Run(c.name, func(t *testing.T) {
			views := map[string]*capacity.View{"a": view(), "b": view(), "c": view()}
			if c.local {
				views["a"] = view("default/data")
			}
			spec := overflowing(On("a", 2))
			spec.Placement.ReplicaScheduling = c.strategy
			result, err := place(t, spec, "data", true, members(views))
			if err != nil {
				t.Fatal(err)
			}
			if got := summary(result.Clusters); got != c.want {
				t.Errorf("got %q, want %q", got, c.want)
			}
		})
	}
}

// Replicas add up, none leaves a pinned cluster as long as there are enough, and
// what is not pinned is decided as if there were no pins.
func TestProperties(t *testing.T) {
	rng := rand.New(rand.NewPCG(3, 4))
	pinned := 0
	for i := range 3000 {
		var objects []*clusterv1alpha1.Cluster
		views := map[string]*capacity.View{}
		local := map[string]bool{}
		var held []workv1alpha2.TargetCluster
		var weights []policyv1alpha1.StaticClusterWeight
		for j := range 2 + rng.IntN(5) {
			name := fmt.Sprint("m", j)
			objects = append(objects, Cluster(name, Pods(int64(rng.IntN(20)))))
			weights = append(weights, Weight(name, int64(rng.IntN(4))))
			views[name] = view()
			if rng.IntN(3) == 0 {
				views[name], local[name] = view("default/data"), true
			}
			if rng.IntN(2) == 0 {
				held = append(held, On(name, int32(1+rng.IntN(6))))
			}
		}
		s := snapshot.New(objects...)
		for _, c := range s.Clusters() {
			c.Nodes = views[c.Name]
		}
		strategy := []*policyv1alpha1.ReplicaSchedulingStrategy{Static(weights...), Dynamic(), Aggregated()}[rng.IntN(3)]
		spec := Deployment(int32(rng.IntN(25)), placement{ReplicaScheduling: strategy}, held...)
		spec.Resource.UID = types.UID(fmt.Sprint(i))
		fresh := rng.IntN(2) == 0
		without, plainErr := place(t, spec, "", fresh, s)
		with, err := place(t, spec, "data", fresh, s)
		if (err == nil) != (plainErr == nil) {
			t.Fatalf("%d: fails with %v, without pins %v", i, err, plainErr)
		}
		if err != nil {
			continue
		}
		given := map[string]int32{}
		var sum, floors int32
		for _, target := range with.Clusters {
			given[target.Name] = target.Replicas
			sum += target.Replicas
			if target.Replicas <= 0 {
				t.Fatalf("%d: %v", i, with.Clusters)
			}
		}
		if sum != spec.Replicas {
			t.Fatalf("%d: %v are %d replicas, want %d", i, with.Clusters, sum, spec.Replicas)
		}
		for _, h := range held {
			if local[h.Name] {
				floors += h.Replicas
			}
		}
		for _, h := range held {
			switch {
			case !local[h.Name]:
				if floors >= spec.Replicas && floors > 0 && given[h.Name] > 0 {
					t.Fatalf("%d: %v gives %s what has to stay elsewhere, held %v", i, with.Clusters, h.Name, held)
				}
			case floors <= spec.Replicas && given[h.Name] < h.Replicas:
				t.Fatalf("%d: %v takes replicas from %s, held %v", i, with.Clusters, h.Name, held)
			case floors > spec.Replicas && given[h.Name] > h.Replicas:
				t.Fatalf("%d: %v adds to %s while scaling down, held %v", i, with.Clusters, h.Name, held)
			}
		}
		if floors == 0 && summary(with.Clusters) != summary(without.Clusters) {
			t.Fatalf("%d: %v without a pin in use, want %v", i, with.Clusters, without.Clusters)
		}
		if summary(with.Clusters) != summary(without.Clusters) {
			pinned++
		}
	}
	if pinned < 100 {
		t.Errorf("pins mattered %d times only: the cases are too dull", pinned)
	}
}
