package cycle_test

import (
	"fmt"
	"math"
	"slices"
	"strings"
	"testing"

	corev1 "k8s.io/api/core/v1"

	clusterv1alpha1 "github.com/karmada-io/karmada/pkg/apis/cluster/v1alpha1"
	policyv1alpha1 "github.com/karmada-io/karmada/pkg/apis/policy/v1alpha1"
	workv1alpha2 "github.com/karmada-io/karmada/pkg/apis/work/v1alpha2"

	"atoll.dev/atoll/pkg/scheduler/cycle"
	"atoll.dev/atoll/pkg/scheduler/framework"
	. "atoll.dev/atoll/pkg/scheduler/internal/fixture"
	"atoll.dev/atoll/pkg/scheduler/snapshot"
	"atoll.dev/atoll/pkg/scheduler/spread"
)

func place(t *testing.T, q framework.Question, clusters []*clusterv1alpha1.Cluster) cycle.Result {
	t.Helper()
	result, err := newCycle().Place(t.Context(), q, snapshot.New(clusters...))
	if err != nil {
		t.Fatal(err)
	}
	return result
}

func TestResultTellsOfAttempts(t *testing.T) {
	spec := Deployment(8, placement{ReplicaScheduling: Dynamic(), ClusterAffinities: []policyv1alpha1.ClusterAffinityTerm{
		group("one", "c"), group("two", "a"), group("three", "b"), group("four", "c")}})
	result := place(t, framework.Question{Spec: spec, Group: "two"}, abc())
	var got []string
	for _, a := range result.Attempts {
		got = append(got, fmt.Sprintf("%s skipped=%t refused=%d candidates=%d: %v", a.Group, a.Skipped, len(a.Refused), len(a.Candidates), a.Err))
	}
	want := []string{
		"one skipped=true refused=0 candidates=0: <nil>",
		"two skipped=false refused=2 candidates=1: failed to assign replicas: failed to scale up: Clusters available replicas 5 are not enough to schedule.",
		"three skipped=false refused=2 candidates=1: <nil>",
	}
	if !slices.Equal(got, want) {
		t.Errorf("attempts %q, want %q", got, want)
	}
}

func TestResultTellsOfSpreading(t *testing.T) {
	spec := Deployment(6, placement{ReplicaScheduling: Dynamic(), SpreadConstraints: append(byCluster(1, 2), by("region", 2, 2))})
	o := place(t, framework.Question{Spec: spec}, regions()).Spread
	want := []spread.Group{
		{Name: "r0", Score: 3000, Clusters: 2, Capacity: 20, Chosen: 1},
		{Name: "r1", Score: 3000, Clusters: 2, Capacity: 20, Chosen: 1},
		{Name: "r2", Score: 3000, Clusters: 1, Capacity: 10},
	}
	if o == nil || o.Method != spread.ByGroups || o.Clusters != 2 || o.Most != 2 || o.Groups[0] != nil || !slices.Equal(o.Groups[1], want) {
		t.Fatalf("spread = %+v, want groups %+v", o, want)
	}
	for groups, want := range map[string]string{
		"e r2": "region r2 was not chosen: 2 others satisfy all constraints",
		"b r0": "2 clusters are chosen already, the most that there may be",
	} {
		cluster, region, _ := strings.Cut(groups, " ")
		if got := o.WhyNot([][]string{{cluster}, {region}}); got != want {
			t.Errorf("%s was not chosen because %q, want %q", cluster, got, want)
		}
	}
	spec.Placement.ReplicaScheduling = Static(Weight("a", 1))
	if o := place(t, framework.Question{Spec: spec}, regions()).Spread; o == nil || o.Ignored == "" {
		t.Errorf("static weights: spread = %+v, want it to say that it is ignored", o)
	}
}

func TestResultTellsOfAssignment(t *testing.T) {
	one := policyv1alpha1.SpreadConstraint{SpreadByField: policyv1alpha1.SpreadByFieldRegion, MinGroups: 3}
	for _, c := range []struct {
		name     string
		clusters []*clusterv1alpha1.Cluster
		spec     *workv1alpha2.ResourceBindingSpec
		fresh    bool
		want     string
	}{
		{"static", abc(), Deployment(4, placement{ReplicaScheduling: Static(Weight("a", 1), Weight("b", 2))}), false,
			"StaticWeight, by weight, 0 placed; tier 0: 4 by static weight: a 1 1.33→1, b 2 2.67→3"},
		{"dynamic", abc(), Deployment(7, placement{ReplicaScheduling: Dynamic()}), false,
			"DynamicWeight, scale up, 0 placed; tier 0: 7 by room: a 5 1.00→1, b 10 2.00→2, c 20 4.00→4"},
		{"scaled down", abc(), Deployment(3, placement{ReplicaScheduling: Dynamic()}, On("a", 4), On("c", 2)), false,
			"DynamicWeight, scale down, 6 placed; tier 0: 3 by replicas held: a 4 2.00→2, c 2 1.00→1"},
		{"fresh", abc(), Deployment(7, placement{ReplicaScheduling: Aggregated()}, On("b", 7)), true,
			"Aggregated, fresh, 7 placed; tier 0: 7 by capacity: c 20 7.00→7, spare b, spare a"},
		{"unchanged", abc(), Deployment(6, placement{ReplicaScheduling: Dynamic()}, On("a", 4), On("c", 2)), false, "DynamicWeight, unchanged, 6 placed"},
		{"duplicated", abc(), Deployment(6, placement{}), false, "Duplicated, duplicated, 0 placed"},
		{"not divided", abc(), ConfigMap(placement{}), false, ", whole, 0 placed"},
		{"overflow", abc(), Deployment(8, placement{ReplicaScheduling: Dynamic(), ClusterAffinities: []policyv1alpha1.ClusterAffinityTerm{overflow(group("one", "a"), "c")}}), false,
			"DynamicWeight, scale up, 0 placed; tier 0: 5 by room: a 5 5.00→5; tier 1: 3 by room: c 20 3.00→3"},
		{"a replica for each region", regions(), Deployment(3, placement{ReplicaScheduling: Aggregated(), SpreadConstraints: []policyv1alpha1.SpreadConstraint{one}}), false,
			"Aggregated, scale up, 0 placed; tier 0: 3 by room: a 10 3.00→3, spare c, spare e, spare b, spare d; region r1: a→c; region r2: a→e"},
	} {
		t.Run(c.name, func(t *testing.T) {
			a := place(t, framework.Question{Spec: c.spec, Fresh: c.fresh}, c.clusters).Assignment
			got := fmt.Sprintf("%s, %s, %d placed", a.Strategy, a.Mode, a.Placed)
			for i := range a.Divisions {
				d := &a.Divisions[i]
				var parts []string
				for _, s := range d.Shares {
					parts = append(parts, fmt.Sprintf("%s %d %.2f→%d", s.Cluster, s.Weight, d.Exact(s.Weight), s.Replicas))
				}
				slices.Sort(parts)
				for _, s := range d.Spare {
					parts = append(parts, "spare "+s.Cluster)
				}
				got += fmt.Sprintf("; tier %d: %d by %s: %s", d.Tier, d.Replicas, d.Weights, strings.Join(parts, ", "))
			}
			for _, s := range a.Spread {
				got += fmt.Sprintf("; %s: %s→%s", s.Group, s.From, s.To)
			}
			if got != c.want {
				t.Errorf("assignment\n%s, want\n%s", got, c.want)
			}
		})
	}
	if d := (&cycle.Division{Replicas: 3}); d.Exact(1) != 0 || math.IsNaN(d.Exact(0)) {
		t.Error("a share of no weights at all is 0")
	}
}

func TestReasonsAreBounded(t *testing.T) {
	var clusters []*clusterv1alpha1.Cluster
	for i := range 12 {
		clusters = append(clusters, Cluster(fmt.Sprintf("m%02d", i), Taint(fmt.Sprintf("k%02d", i/2*2), "", corev1.TaintEffectNoSchedule)))
	}
	for i := range 5 {
		clusters = append(clusters, Cluster(fmt.Sprintf("n%d", i), Taint(fmt.Sprintf("own%d", i), "", corev1.TaintEffectNoSchedule)))
	}
	_, err := newCycle().Place(t.Context(), framework.Question{Spec: Deployment(1, placement{})}, snapshot.New(clusters...))
	want := "0/17 clusters fit: 2 taint k00:NoSchedule, 2 taint k02:NoSchedule, 2 taint k04:NoSchedule, 2 taint k06:NoSchedule, " +
		"2 taint k08:NoSchedule, 2 taint k10:NoSchedule, 1 taint own0:NoSchedule, 1 taint own1:NoSchedule, … and 3 more reasons"
	if err == nil || err.Error() != want {
		t.Errorf("error %v, want %s", err, want)
	}
	clusters = append(clusters, Cluster("a", At("", "r")), Cluster("b"), Cluster("c"), Cluster("d"), Cluster("e"))
	spec := Deployment(1, placement{SpreadConstraints: []policyv1alpha1.SpreadConstraint{by("region", 2, 2)}})
	_, err = newCycle().Place(t.Context(), framework.Question{Spec: spec}, snapshot.New(clusters...))
	if err == nil || !strings.Contains(err.Error(), "2 regions are needed, there is 1 (r); left out: 4 have no region (b, c, d, …), 2 taint k00:NoSchedule (m00, m01), ") ||
		!strings.HasSuffix(err.Error(), ", … and 4 more reasons") {
		t.Errorf("error %v, want it to name at most 3 clusters for each of 8 reasons", err)
	}
}
