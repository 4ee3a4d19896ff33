package placement

import (
	"bytes"
	"testing"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/utils/ptr"

	"atoll.dev/atoll/apis/scheduling/v1alpha1"
)

var now = time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)

var nginx = v1alpha1.TemplateReference{APIVersion: "apps/v1", Kind: "Deployment", Namespace: "web", Name: "nginx"}

func compare(t *testing.T, name, got, want string) {
	t.Helper()
	if got != want {
		t.Errorf("%s: got\n%s\nwant\n%s", name, got, want)
	}
}

func TestPrintWhy(t *testing.T) {
	for _, c := range []struct {
		name string
		p    v1alpha1.WorkloadPlacement
		want string
	}{
		{"divided, with a cluster refused", v1alpha1.WorkloadPlacement{
			Template: nginx, Binding: &v1alpha1.BindingReference{Namespace: "web", Name: "nginx-deployment"},
			Policy: "PropagationPolicy/web/nginx", Result: v1alpha1.Placed, Replicas: 5, Strategy: "DynamicWeight",
			Now:       []v1alpha1.ClusterReplicas{{Cluster: "m1", Replicas: 3}},
			Placement: []v1alpha1.ClusterReplicas{{Cluster: "m1", Replicas: 3}, {Cluster: "m2", Replicas: 2}},
			Due:       "the number of replicas changed",
			Candidates: []v1alpha1.Candidate{
				{Cluster: "m1", Score: 100, Scores: []v1alpha1.PluginScore{{Plugin: "ClusterLocality", Score: 100}, {Plugin: "Other"}}, Held: 3, Selected: true, Replicas: 3,
					Room: ptr.To[int32](0), LimitedBy: "Nodes", Limit: "cpu", Weight: ptr.To[int64](0), Share: "0", Note: "gets nothing: its weight is 0"},
				{Cluster: "m2", Selected: true, Replicas: 2, Room: ptr.To[int32](7), Weight: ptr.To[int64](7), Share: "2"},
				{Cluster: "m3", Room: ptr.To[int32](1), Note: "not chosen: others rank higher"},
			},
			Division: []string{"3 replicas are placed already: they stay", "2 replicas are divided by room"},
			Refused: []v1alpha1.Refusal{{Step: "TaintToleration", Reason: "taint gpu=true:NoSchedule", Count: 12,
				Clusters: []string{"g1", "g2", "g3", "g4", "g5", "g6", "g7", "g8", "g9", "g10", "g11", "g12"}, WouldHelp: "tolerate it"}},
			Decisions: []v1alpha1.Decision{{Time: metav1.NewTime(now.Add(-time.Hour)), Cause: "it had not been placed before", Change: "+m1:3"}},
		}, `Deployment web/nginx: placed on m1 (3); a decision made now gives m1 (3), m2 (2)
  Policy:         PropagationPolicy/web/nginx
  Binding:        ResourceBinding/web/nginx-deployment
  Strategy:       DynamicWeight
  Replicas:       5
  Decision due:   yes, because the number of replicas changed

Clusters that fit (3 of 15)
  CLUSTER   REPLICAS   NOW   SCORE                       ROOM             WEIGHT   SHARE   NOTE
  m1        3          3     100 (ClusterLocality 100)   0 (Nodes: cpu)   0        0       gets nothing: its weight is 0
  m2        2          -     0                           7                7        2
  m3        -          -     0                           1                -        -       not chosen: others rank higher

How replicas are divided
  - 3 replicas are placed already: they stay
  - 2 replicas are divided by room

Clusters that do not fit (12 of 15)
  TaintToleration: 12 taint gpu=true:NoSchedule
    clusters:   g1, g2, g3, g4, g5, g6, g7, g8, g9, g10 and 2 more
    would help: tolerate it

Last decisions
  AGE   CHANGE   BECAUSE
  60m   +m1:3    it had not been placed before
`},
		{"not placed", v1alpha1.WorkloadPlacement{
			Template: nginx, Result: v1alpha1.NotPlaced, Replicas: 1, Message: "0/2 clusters fit: 2 lack apps/v1 Deployment", Due: "it had not been placed before",
			Refused:   []v1alpha1.Refusal{{Step: "APIEnablement", Reason: "lack apps/v1 Deployment", Count: 2, Clusters: []string{"m1", "m2"}, WouldHelp: "install it"}},
			WouldHelp: []string{"for 2 clusters (lack apps/v1 Deployment): install it"},
		}, `Deployment web/nginx: not placed: 0/2 clusters fit: 2 lack apps/v1 Deployment
  Replicas:       1
  Decision due:   yes, because it had not been placed before

Clusters that do not fit (2 of 15)
  APIEnablement: 2 lack apps/v1 Deployment
    clusters:   m1, m2
    would help: install it

What would help
  - for 2 clusters (lack apps/v1 Deployment): install it
`},
		{"without replicas, rescheduling would move it", v1alpha1.WorkloadPlacement{
			Template: v1alpha1.TemplateReference{Kind: "ClusterRole", Name: "viewer"}, Result: v1alpha1.Placed,
			Now: []v1alpha1.ClusterReplicas{{Cluster: "m1"}}, Placement: []v1alpha1.ClusterReplicas{{Cluster: "m1"}}, Afresh: []v1alpha1.ClusterReplicas{{Cluster: "m2"}},
			Group: "primary", Attempts: []v1alpha1.GroupAttempt{{Group: "primary", Message: "in use"}},
			Candidates: []v1alpha1.Candidate{{Cluster: "m1", Selected: true}, {Cluster: "m2"}},
		}, `ClusterRole viewer: placed on m1
  Cluster group:    primary
  Decision due:     no: nothing changed since the last one
  If rescheduled:   m2

Cluster groups
  - primary: in use

Clusters that fit (2 of 15)
  CLUSTER   REPLICAS   NOW   SCORE   NOTE
  m1        yes        yes   0
  m2        -          -     0
`},
		{"left alone", v1alpha1.WorkloadPlacement{Template: nginx, Result: v1alpha1.NotScheduled, Message: "scheduling is suspended",
			Now: []v1alpha1.ClusterReplicas{{Cluster: "m1", Replicas: 2}}}, "Deployment web/nginx: placed on m1 (2); scheduling is suspended\n"},
		{"no policy", v1alpha1.WorkloadPlacement{Template: nginx, Result: v1alpha1.NotSelected, Message: "it has no binding"}, "Deployment web/nginx: it has no binding\n"},
	} {
		var out bytes.Buffer
		if err := PrintWhy(&out, &c.p, 15, now); err != nil {
			t.Fatal(err)
		}
		compare(t, c.name, out.String(), c.want)
	}
}

func TestPrintSimulated(t *testing.T) {
	status := &v1alpha1.PlacementReviewStatus{Message: "2 of 4 workloads can be placed", Workloads: []v1alpha1.WorkloadPlacement{
		{Template: nginx, Result: v1alpha1.Placed, Replicas: 5,
			Now:       []v1alpha1.ClusterReplicas{{Cluster: "m1", Replicas: 2}, {Cluster: "m2", Replicas: 3}},
			Placement: []v1alpha1.ClusterReplicas{{Cluster: "m1", Replicas: 2}, {Cluster: "m3", Replicas: 3}}},
		{Template: v1alpha1.TemplateReference{Kind: "ConfigMap", Namespace: "web", Name: "c"}, Result: v1alpha1.Placed,
			Now: []v1alpha1.ClusterReplicas{{Cluster: "m2"}}, Placement: []v1alpha1.ClusterReplicas{{Cluster: "m1"}}},
		{Template: v1alpha1.TemplateReference{Kind: "Job", Namespace: "web", Name: "j"}, Result: v1alpha1.NotPlaced, Replicas: 9,
			Message: "no room", WouldHelp: []string{"room for 4 more replicas"}},
		{Template: v1alpha1.TemplateReference{Kind: "Secret", Namespace: "web", Name: "s"}, Result: v1alpha1.NotSelected, Message: "no policy selects it"},
	}}
	var out bytes.Buffer
	if err := PrintSimulated(&out, status); err != nil {
		t.Fatal(err)
	}
	compare(t, "a simulation", out.String(), `WORKLOAD               CLUSTER   REPLICAS   NOW   CHANGE
Deployment web/nginx   m1        2          2
                       m2        -          3     -3
                       m3        3          -     +3
ConfigMap web/c        m1        yes        -     new
                       m2        -          yes   gone
Job web/j              -         -          -     cannot be placed
Secret web/s           -         -          -     no policy selects it

Job web/j: no room
  would help: room for 4 more replicas

2 of 4 workloads can be placed.
`)
}
