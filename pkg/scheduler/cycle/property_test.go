package cycle_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"testing"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/equality"
	"k8s.io/apimachinery/pkg/types"

	clusterv1alpha1 "github.com/karmada-io/karmada/pkg/apis/cluster/v1alpha1"
	policyv1alpha1 "github.com/karmada-io/karmada/pkg/apis/policy/v1alpha1"
	workv1alpha2 "github.com/karmada-io/karmada/pkg/apis/work/v1alpha2"

	"atoll.dev/atoll/pkg/scheduler/cycle"
	"atoll.dev/atoll/pkg/scheduler/framework"
	. "atoll.dev/atoll/pkg/scheduler/internal/fixture"
	"atoll.dev/atoll/pkg/scheduler/snapshot"
	"atoll.dev/atoll/pkg/scheduler/spread"
)

func oneOf[T any](r *rand.Rand, of ...T) T { return of[r.IntN(len(of))] }

func randomName(r *rand.Rand, n int) string { return fmt.Sprintf("m%02d", r.IntN(n)) }

func randomClusters(r *rand.Rand, n int) []*clusterv1alpha1.Cluster {
	clusters := make([]*clusterv1alpha1.Cluster, n)
	for i := range clusters {
		clusters[i] = Cluster(fmt.Sprintf("m%02d", i), Label("tier", oneOf(r, "gold", "silver")), Pods(r.Int64N(40)),
			At(oneOf(r, "p", "q"), fmt.Sprint("r", r.IntN(4)), fmt.Sprint("z", r.IntN(5))), Label("rack", fmt.Sprint("k", r.IntN(3))))
		if r.IntN(4) == 0 {
			clusters[i].Spec.Zones = append(clusters[i].Spec.Zones, fmt.Sprint("z", r.IntN(5)))
		}
		for _, unlucky := range []ClusterOption{Taint("down", "", corev1.TaintEffectNoSchedule), WithoutAPIs(), Leaving()} {
			if r.IntN(12) == 0 {
				unlucky(clusters[i])
			}
		}
	}
	return clusters
}

func randomAffinity(r *rand.Rand, n int) policyv1alpha1.ClusterAffinity {
	a := policyv1alpha1.ClusterAffinity{}
	if r.IntN(2) == 0 {
		for range 1 + r.IntN(n) {
			a.ClusterNames = append(a.ClusterNames, randomName(r, n))
		}
	}
	if r.IntN(4) == 0 {
		a.ExcludeClusters = []string{randomName(r, n)}
	}
	return a
}

func randomStrategy(r *rand.Rand, n int) *policyv1alpha1.ReplicaSchedulingStrategy {
	switch r.IntN(5) {
	case 0:
		return Duplicated()
	case 1:
		return Static()
	case 2:
		s := Static(Weight(randomName(r, n), 1+r.Int64N(5)))
		for range r.IntN(4) {
			s.WeightPreference.StaticWeightList = append(s.WeightPreference.StaticWeightList,
				policyv1alpha1.StaticClusterWeight{TargetCluster: randomAffinity(r, n), Weight: 1 + r.Int64N(5)})
		}
		return s
	case 3:
		return Dynamic()
	default:
		return Aggregated()
	}
}

func randomSpread(r *rand.Rand) []policyv1alpha1.SpreadConstraint {
	var constraints []policyv1alpha1.SpreadConstraint
	for _, f := range []policyv1alpha1.SpreadFieldValue{"cluster", "region", "zone", "provider", ""} {
		if r.IntN(3) > 0 {
			continue
		}
		c := by(f, r.IntN(3), 0)
		if r.IntN(3) > 0 {
			c.MaxGroups = max(c.MinGroups, 1) + r.IntN(3)
		}
		if f == "" {
			c.SpreadByLabel = "rack"
		}
		constraints = append(constraints, c)
	}
	return constraints
}

func randomSpec(r *rand.Rand, n int) *workv1alpha2.ResourceBindingSpec {
	p := placement{ReplicaScheduling: randomStrategy(r, n)}
	if r.IntN(3) == 0 {
		a := randomAffinity(r, n)
		p.ClusterAffinity = &a
	} else if r.IntN(4) == 0 {
		group := policyv1alpha1.ClusterAffinityTerm{AffinityName: "one", ClusterAffinity: randomAffinity(r, n)}
		if s := p.ReplicaScheduling; s.ReplicaDivisionPreference == policyv1alpha1.ReplicaDivisionPreferenceAggregated || s.WeightPreference != nil && s.WeightPreference.DynamicWeight != "" {
			group.OverflowAffinities = []policyv1alpha1.OverflowClusterAffinity{{AffinityName: "more", ClusterAffinity: randomAffinity(r, n)}}
		}
		p.ClusterAffinities = []policyv1alpha1.ClusterAffinityTerm{group, {AffinityName: "two", ClusterAffinity: randomAffinity(r, n)}}
	}
	if r.IntN(2) == 0 {
		p.SpreadConstraints = randomSpread(r)
	}
	spec := Deployment(1+r.Int32N(60), p)
	spec.Resource.UID = types.UID(fmt.Sprint(r.IntN(5)))
	if r.IntN(2) == 0 {
		for i := range n {
			if r.IntN(3) == 0 {
				spec.Clusters = append(spec.Clusters, On(fmt.Sprintf("m%02d", i), 1+r.Int32N(10)))
			}
		}
	}
	if r.IntN(5) == 0 {
		spec.GracefulEvictionTasks = []workv1alpha2.GracefulEvictionTask{{FromCluster: randomName(r, n)}}
	}
	return spec
}

// check fails the test if an outcome breaks what must hold for every outcome.
func check(t *testing.T, spec *workv1alpha2.ResourceBindingSpec, result cycle.Result, err error) {
	t.Helper()
	if err != nil {
		if len(result.Clusters) > 0 {
			t.Errorf("error %v, and clusters %v", err, result.Clusters)
		}
		var selection *cycle.SelectionError
		if errors.As(err, &selection) && (selection.Shortage == nil || selection.Shortage.Message == "") {
			t.Errorf("%v does not name the shortage", err)
		}
		return
	}
	checkSpread(t, spec, result)
	divided := spec.Placement.ReplicaSchedulingType() == policyv1alpha1.ReplicaSchedulingTypeDivided
	whole := len(spec.Components) > 1 || spec.Replicas == 0 && spec.ReplicaRequirements == nil
	refused := map[string]bool{}
	for _, r := range result.Refused {
		refused[r.Cluster] = true
	}
	candidates := map[string]cycle.Candidate{}
	for _, c := range result.Candidates {
		candidates[c.Name] = c
	}
	var sum int64
	previous := ""
	for _, target := range result.Clusters {
		c, ok := candidates[target.Name]
		if refused[target.Name] || !ok {
			t.Errorf("%s was refused and gets %d replicas", target.Name, target.Replicas)
		}
		if target.Name <= previous {
			t.Errorf("%s follows %s", target.Name, previous)
		}
		previous = target.Name
		sum += int64(target.Replicas)
		if followsRoom(spec) && int64(target.Replicas) > c.Capacity() {
			t.Errorf("%s has capacity for %d and gets %d", target.Name, c.Capacity(), target.Replicas)
		}
		if whole && target.Replicas != 0 {
			t.Errorf("%s gets %d replicas of what is not divided", target.Name, target.Replicas)
		}
		if !divided && !whole && target.Replicas != spec.Replicas {
			t.Errorf("%s gets %d of %d duplicated replicas", target.Name, target.Replicas, spec.Replicas)
		}
	}
	if divided && !whole && sum != int64(max(spec.Replicas, 0)) {
		t.Errorf("%d replicas add up to %d: %v", spec.Replicas, sum, result.Clusters)
	}
}

func followsRoom(spec *workv1alpha2.ResourceBindingSpec) bool {
	s := spec.Placement.ReplicaScheduling
	return s != nil && s.ReplicaSchedulingType == policyv1alpha1.ReplicaSchedulingTypeDivided &&
		(s.ReplicaDivisionPreference == policyv1alpha1.ReplicaDivisionPreferenceAggregated || s.WeightPreference != nil && s.WeightPreference.DynamicWeight != "")
}

func TestEveryDecision(t *testing.T) {
	r := rand.New(rand.NewPCG(11, 1))
	placed := 0
	for i := range 20000 {
		n := 1 + r.IntN(12)
		clusters, spec, fresh := randomClusters(r, n), randomSpec(r, n), r.IntN(4) == 0
		switch r.IntN(10) {
		case 0:
			components(spec, 2)
		case 1:
			spec.Replicas, spec.ReplicaRequirements = 0, nil
		}
		before := spec.DeepCopy()
		s := snapshot.New(clusters...)
		result, err := newCycle().Place(t.Context(), framework.Question{Spec: spec, Fresh: fresh}, s)
		check(t, spec, result, err)
		if !equality.Semantic.DeepEqual(before, spec) {
			t.Error("the decision wrote to the binding")
		}
		r.Shuffle(n, func(i, j int) { clusters[i], clusters[j] = clusters[j], clusters[i] })
		again, errAgain := newCycle().Place(t.Context(), framework.Question{Spec: spec, Fresh: fresh}, snapshot.New(clusters...))
		if a, b := write(result, err), write(again, errAgain); a != b {
			t.Errorf("the same input gives %q and %q", a, b)
		}
		if err == nil {
			placed++
		}
		if t.Failed() {
			body, _ := json.MarshalIndent(spec, "", " ")
			t.Fatalf("in case %d: %s", i, body)
		}
	}
	if placed < 10000 {
		t.Errorf("only %d of 20000 were placed: the cases are no test", placed)
	}
}

func TestScalingMovesNothing(t *testing.T) {
	r := rand.New(rand.NewPCG(12, 1))
	compared, kept := 0, 0
	for range 20000 {
		n := 1 + r.IntN(12)
		s, spec := snapshot.New(randomClusters(r, n)...), randomSpec(r, n)
		if spec.Placement.ReplicaSchedulingType() == policyv1alpha1.ReplicaSchedulingTypeDuplicated {
			continue
		}
		first, err := newCycle().Place(t.Context(), framework.Question{Spec: spec}, s)
		if err != nil {
			continue
		}
		scaled := spec.DeepCopy()
		scaled.Clusters = first.Clusters
		scaled.Replicas = max(1, spec.Replicas+r.Int32N(21)-10)
		second, err := newCycle().Place(t.Context(), framework.Question{Spec: scaled, Group: first.AffinityName}, s)
		if err != nil || second.AffinityName != first.AffinityName || mustMove(first, second) {
			continue
		}
		compared++
		if second.Spread != nil && second.Spread.Method == spread.Kept {
			kept++
		}
		was, is := replicasOf(first.Clusters), replicasOf(second.Clusters)
		for _, c := range s.Clusters() {
			if scaled.Replicas >= spec.Replicas && is[c.Name] < was[c.Name] {
				t.Fatalf("scaling up from %d to %d takes from %s: %v, then %v", spec.Replicas, scaled.Replicas, c.Name, was, is)
			}
			if scaled.Replicas <= spec.Replicas && is[c.Name] > was[c.Name] {
				t.Fatalf("scaling down from %d to %d adds to %s: %v, then %v", spec.Replicas, scaled.Replicas, c.Name, was, is)
			}
		}
	}
	if compared < 5000 || kept < 500 {
		t.Errorf("only %d comparisons, %d of them with groups: the cases are no test", compared, kept)
	}
}

// TestLosingAClusterMovesOnlyItsReplicas: whoever stays keeps what it has.
func TestLosingAClusterMovesOnlyItsReplicas(t *testing.T) {
	r := rand.New(rand.NewPCG(13, 1))
	compared := 0
	for range 10000 {
		n := 2 + r.IntN(10)
		clusters, spec := randomClusters(r, n), randomSpec(r, n)
		first, err := newCycle().Place(t.Context(), framework.Question{Spec: spec}, snapshot.New(clusters...))
		if err != nil || len(first.Clusters) == 0 || spec.Placement.ReplicaSchedulingType() == policyv1alpha1.ReplicaSchedulingTypeDuplicated {
			continue
		}
		lost := oneOf(r, first.Clusters...).Name
		for _, c := range clusters {
			if c.Name == lost {
				Leaving()(c)
			}
		}
		again := spec.DeepCopy()
		again.Clusters = first.Clusters
		second, err := newCycle().Place(t.Context(), framework.Question{Spec: again, Group: first.AffinityName}, snapshot.New(clusters...))
		if err != nil || second.AffinityName != first.AffinityName || mustMove(first, second) || len(second.Assignment.Spread) > 0 {
			continue
		}
		compared++
		was, is := replicasOf(first.Clusters), replicasOf(second.Clusters)
		for name, replicas := range was {
			if name != lost && is[name] < replicas {
				t.Fatalf("losing %s takes from %s: %v, then %v by %+v", lost, name, was, is, spec.Placement)
			}
		}
	}
	if compared < 2000 {
		t.Errorf("only %d comparisons: the cases are no test", compared)
	}
}

func replicasOf(targets []workv1alpha2.TargetCluster) map[string]int32 {
	replicas := map[string]int32{}
	for _, target := range targets {
		replicas[target.Name] = target.Replicas
	}
	return replicas
}
