package explain_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	corev1 "k8s.io/api/core/v1"

	clusterv1alpha1 "github.com/karmada-io/karmada/pkg/apis/cluster/v1alpha1"
	policyv1alpha1 "github.com/karmada-io/karmada/pkg/apis/policy/v1alpha1"
	workv1alpha2 "github.com/karmada-io/karmada/pkg/apis/work/v1alpha2"

	"atoll.dev/atoll/apis/scheduling/v1alpha1"
	"atoll.dev/atoll/pkg/scheduler/cycle"
	"atoll.dev/atoll/pkg/scheduler/estimator"
	"atoll.dev/atoll/pkg/scheduler/explain"
	"atoll.dev/atoll/pkg/scheduler/framework"
	. "atoll.dev/atoll/pkg/scheduler/internal/fixture"
	"atoll.dev/atoll/pkg/scheduler/plugins"
	"atoll.dev/atoll/pkg/scheduler/snapshot"
)

// decide decides as the scheduler does for an explanation.
func decide(t *testing.T, spec *workv1alpha2.ResourceBindingSpec, clusters ...*clusterv1alpha1.Cluster) explain.Decision {
	t.Helper()
	c := cycle.New(cycle.Options{Plugins: plugins.Default(), Estimators: []estimator.Estimator{&estimator.Members{}}})
	result, failure := c.Place(t.Context(), framework.Question{Spec: spec, Trace: true}, snapshot.New(clusters...))
	return explain.Decision{Result: result, Failure: failure, Answers: c.Limits(t.Context(), result), Interests: c.Interests(), Now: spec.Clusters}
}

func placement(s *policyv1alpha1.ReplicaSchedulingStrategy) policyv1alpha1.Placement {
	return policyv1alpha1.Placement{ReplicaScheduling: s}
}

// lines writes an explanation, one fact a line.
func lines(w v1alpha1.WorkloadPlacement) []string {
	out := []string{fmt.Sprintf("%s: %s", w.Result, w.Message)}
	for _, p := range w.Placement {
		out = append(out, fmt.Sprintf("on %s %d", p.Cluster, p.Replicas))
	}
	for _, c := range w.Candidates {
		line := fmt.Sprintf("candidate %s score %d", c.Cluster, c.Score)
		if c.Room != nil {
			line += fmt.Sprintf(" room %d by %s", *c.Room, c.LimitedBy)
		}
		if c.Weight != nil {
			line += fmt.Sprintf(" weight %d share %s", *c.Weight, c.Share)
		}
		if c.Note != "" {
			line += ": " + c.Note
		}
		out = append(out, line)
	}
	for _, r := range w.Refused {
		out = append(out, fmt.Sprintf("refused by %s, %d %s (%s): %s", r.Step, r.Count, r.Reason, strings.Join(r.Clusters, ","), r.WouldHelp))
	}
	for _, l := range w.Selection {
		out = append(out, "selection "+l)
	}
	for _, l := range w.Division {
		out = append(out, "division "+l)
	}
	for _, l := range w.WouldHelp {
		out = append(out, "help "+l)
	}
	return out
}

func TestWorkload(t *testing.T) {
	taint := Taint("gpu", "true", corev1.TaintEffectNoSchedule)
	tolerate := "tolerate the taint in spec.placement.clusterTolerations of the policy, or take it off the cluster"
	install := "install apps/v1 Deployment in the cluster"
	for _, c := range []struct {
		name     string
		spec     *workv1alpha2.ResourceBindingSpec
		clusters []*clusterv1alpha1.Cluster
		want     []string
	}{
		{"static weights are rounded", Deployment(5, placement(Static(Weight("a", 1), Weight("b", 2)))),
			[]*clusterv1alpha1.Cluster{Cluster("a"), Cluster("b"), Cluster("c")}, []string{
				"Placed: 5 replicas on 2 of 3 clusters", "on a 2", "on b 3",
				"candidate a score 0 weight 1 share 1.667: share rounded up",
				"candidate b score 0 weight 2 share 3.333: share rounded down",
				"candidate c score 0: gets nothing: it has no weight",
				"division 5 replicas are divided by static weight: each share is its weight of 3, rounded to whole replicas",
			}},
		{"dynamic weights are what estimators say, and limits", Deployment(6, placement(Dynamic())),
			[]*clusterv1alpha1.Cluster{Cluster("a", Pods(2)), Cluster("b", Pods(4)), Cluster("c", Pods(0))}, []string{
				"Placed: 6 replicas on 2 of 3 clusters", "on a 2", "on b 4",
				"candidate b score 0 room 4 by ResourceSummary weight 4 share 4",
				"candidate a score 0 room 2 by ResourceSummary weight 2 share 2",
				"candidate c score 0 room 0 by ResourceSummary weight 0 share 0: gets nothing: its weight is 0",
				"division 6 replicas are divided by room: each share is its weight of 6, rounded to whole replicas; no cluster gets more than its weight",
			}},
		{"aggregated leaves out what is not needed", Deployment(3, placement(Aggregated())),
			[]*clusterv1alpha1.Cluster{Cluster("a", Pods(2)), Cluster("b", Pods(4))}, []string{
				"Placed: 3 replicas on 1 of 2 clusters", "on b 3",
				"candidate b score 0 room 4 by ResourceSummary weight 4 share 3",
				"candidate a score 0 room 2 by ResourceSummary weight 2 share : not needed: the clusters before it have room for all replicas",
				"division 3 replicas are divided by room: each share is its weight of 4, rounded to whole replicas; no cluster gets more than its weight",
			}},
		{"everybody gets everything", Deployment(2, placement(Duplicated()), On("a", 2)),
			[]*clusterv1alpha1.Cluster{Cluster("a"), Cluster("b")}, []string{
				"Placed: 4 replicas on 2 of 2 clusters", "on a 2", "on b 2",
				"candidate a score 100", "candidate b score 0",
				"division each chosen cluster gets all replicas",
			}},
		{"what has no replicas", ConfigMap(policyv1alpha1.Placement{}), []*clusterv1alpha1.Cluster{Cluster("a")}, []string{
			"Placed: goes to 1 of 1 clusters", "on a 0", "candidate a score 0",
			"division nothing is divided: each chosen cluster gets the workload as it is",
		}},
		{"nothing fits", Deployment(1, placement(Static())),
			[]*clusterv1alpha1.Cluster{Cluster("a", taint), Cluster("b", taint), Cluster("c", WithoutAPIs()), Cluster("d", taint), Cluster("e", WithoutAPIs())}, []string{
				"NotPlaced: 0/5 clusters fit: 3 taint gpu=true:NoSchedule, 2 lack apps/v1 Deployment",
				"refused by TaintToleration, 3 taint gpu=true:NoSchedule (a,b,d): " + tolerate,
				"refused by APIEnablement, 2 lack apps/v1 Deployment (c,e): " + install,
				"help for 3 clusters (taint gpu=true:NoSchedule): " + tolerate,
				"help for 2 clusters (lack apps/v1 Deployment): " + install,
			}},
		{"no cluster at all", Deployment(1, placement(Static())), nil, []string{
			"NotPlaced: 0/0 clusters fit: no cluster has joined", "help join a cluster",
		}},
		{"no room", Deployment(9, placement(Dynamic())), []*clusterv1alpha1.Cluster{Cluster("a", Pods(2)), Cluster("b", taint)}, []string{
			"NotPlaced: failed to assign replicas: failed to scale up: Clusters available replicas 2 are not enough to schedule.",
			"candidate a score 0 room 2 by ResourceSummary",
			"refused by TaintToleration, 1 taint gpu=true:NoSchedule (b): " + tolerate,
			"help room for 7 more replicas: the clusters that fit hold 2 of 9",
			"help fewer replicas, or smaller resource requests in the template",
			"help the cluster that was refused to fit",
		}},
	} {
		t.Run(c.name, func(t *testing.T) {
			got := lines(explain.Workload(decide(t, c.spec, c.clusters...), explain.For(1)))
			if !slices.Equal(got, c.want) {
				t.Errorf("got\n  %s\nwant\n  %s", strings.Join(got, "\n  "), strings.Join(c.want, "\n  "))
			}
		})
	}
}

// TestSize explains a workload refused and taken by thousands of clusters for many
// reasons, a hundred times, and wants the answer to stay below its bound.
func TestSize(t *testing.T) {
	var clusters []*clusterv1alpha1.Cluster
	for i := range 3000 {
		name := fmt.Sprintf("cluster-%040d", i)
		if i%2 == 0 {
			clusters = append(clusters, Cluster(name, Pods(1000)))
		} else {
			clusters = append(clusters, Cluster(name, Taint(fmt.Sprintf("key-%d", i), "true", corev1.TaintEffectNoSchedule)))
		}
	}
	d := decide(t, Deployment(100000, placement(Dynamic())), clusters...)
	status := &v1alpha1.PlacementReviewStatus{}
	for range 100 {
		status.Workloads = append(status.Workloads, explain.Workload(d, explain.For(100)))
	}
	explain.Fit(status)
	if n := explain.Size(status); n > explain.MaxBytes {
		t.Errorf("the answer has %d bytes, want at most %d", n, explain.MaxBytes)
	}
	w := &status.Workloads[0]
	if got := len(w.Candidates) + int(w.CandidatesOmitted); got != 1500 {
		t.Errorf("%d candidates are told of or counted, want 1500", got)
	}
	if got := len(w.Placement) + int(w.PlacementOmitted); got != 1500 {
		t.Errorf("%d clusters that get replicas are told of or counted, want 1500", got)
	}
	refused := 0
	for _, r := range w.Refused {
		refused += int(r.Count)
	}
	if refused != 1500 {
		t.Errorf("%d refusals are counted, want 1500", refused)
	}
}
