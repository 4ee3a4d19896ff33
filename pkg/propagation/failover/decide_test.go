package failover

import (
	"testing"
	"time"

	policyv1alpha1 "github.com/karmada-io/karmada/pkg/apis/policy/v1alpha1"
	workv1alpha2 "github.com/karmada-io/karmada/pkg/apis/work/v1alpha2"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/utils/ptr"

	"atoll.dev/atoll/pkg/propagation/twin"
)

func TestTaints(t *testing.T) {
	never := time.Time{}
	for name, c := range map[string]struct {
		w       world
		b       twin.Binding
		stopped bool
		want    outcome
	}{
		"no taint":      {clusters("a", "b"), app("a:2 b:1"), false, outcome{"a:2 b:1", "", never}},
		"not tolerated": {clusters("a", "b").tainted("a", 0), app("a:2 b:1"), false, outcome{"b:1", "a", never}},
		"tolerated for ever": {clusters("a").tainted("a", -9000), app("a:2", func(b *workv1alpha2.ResourceBinding) {
			tolerates(1)(b)
			b.Spec.Placement.ClusterTolerations[0].TolerationSeconds = nil
		}), false, outcome{"a:2", "", never}},
		"tolerated for now":                   {clusters("a").tainted("a", -100), app("a:2", tolerates(300)), false, outcome{"a:2", "", at(200)}},
		"tolerated until now":                 {clusters("a").tainted("a", -300), app("a:2", tolerates(300)), false, outcome{"", "a", never}},
		"the first toleration that matches":   {clusters("a").tainted("a", -100), app("a:2", tolerates(300), tolerates(50)), false, outcome{"a:2", "", at(200)}},
		"both clusters":                       {clusters("a", "b").tainted("a", 0).tainted("b", 0), app("a:2 b:1"), false, outcome{"", "a b", never}},
		"a cluster that is not there":         {clusters("b"), app("a:2 b:1"), false, outcome{"a:2 b:1", "", never}},
		"lost a moment ago: wait for others":  {clusters("a").lost("a", -3).tainted("a", -3), app("a:2"), false, outcome{"a:2", "", at(7)}},
		"lost for long enough":                {clusters("a").lost("a", -10).tainted("a", -3), app("a:2"), false, outcome{"", "a", never}},
		"mass loss":                           {clusters("a").lost("a", -60).tainted("a", -50), app("a:2"), true, outcome{"a:2", "", never}},
		"mass loss, but an operator is sure":  {clusters("a").lost("a", -1).tainted("a", 0).confirmed("a"), app("a:2"), true, outcome{"", "a", never}},
		"mass loss stops all, also of others": {clusters("a", "b").tainted("b", 0), app("b:2"), true, outcome{"b:2", "", never}},
		"no placement: nobody places it anew": {clusters("a").tainted("a", 0), app("a:2", func(b *workv1alpha2.ResourceBinding) { b.Spec.Placement = nil }), false, outcome{"a:2", "", never}},
	} {
		t.Run(name, func(t *testing.T) {
			s := c.w.circumstances()
			s.stopped = c.stopped
			v, err := decide(c.b, s)
			if err != nil {
				t.Fatal(err)
			}
			c.want.check(t, v)
		})
	}
}

func TestTaskOfTaint(t *testing.T) {
	status := func(b *workv1alpha2.ResourceBinding) {
		b.Status.AggregatedStatus = []workv1alpha2.AggregatedStatusItem{{ClusterName: "a", Status: &runtime.RawExtension{Raw: []byte(`{"checkpoint":{"id":7}}`)}}}
	}
	state := func(path string) *policyv1alpha1.StatePreservation {
		return &policyv1alpha1.StatePreservation{Rules: []policyv1alpha1.StatePreservationRule{{AliasLabelName: "checkpoint", JSONPath: path}}}
	}
	for name, c := range map[string]struct {
		edits    []edit
		mode     policyv1alpha1.PurgeMode
		suppress bool
		state    string
		err      string
	}{
		"default":            {nil, policyv1alpha1.PurgeModeGracefully, false, "", ""},
		"directly":           {[]edit{clusterFailover(policyv1alpha1.ClusterFailoverBehavior{PurgeMode: policyv1alpha1.PurgeModeDirectly})}, policyv1alpha1.PurgeModeDirectly, false, "", ""},
		"never":              {[]edit{clusterFailover(policyv1alpha1.ClusterFailoverBehavior{PurgeMode: policyv1alpha1.Never})}, policyv1alpha1.Never, true, "", ""},
		"state":              {[]edit{status, clusterFailover(policyv1alpha1.ClusterFailoverBehavior{StatePreservation: state("{.checkpoint.id}")})}, policyv1alpha1.PurgeModeGracefully, false, "7", ""},
		"state not there":    {[]edit{clusterFailover(policyv1alpha1.ClusterFailoverBehavior{StatePreservation: state("{.checkpoint.id}")})}, "", false, "", "evicting from cluster a: the application status has not yet been collected from Cluster(a)"},
		"state without path": {[]edit{status, clusterFailover(policyv1alpha1.ClusterFailoverBehavior{StatePreservation: state("{.other}")})}, "", false, "", `evicting from cluster a: jsonPath "{.other}" of label checkpoint in the status of Cluster(a): other is not found`},
	} {
		t.Run(name, func(t *testing.T) {
			v, err := decide(app("a:2 b:1", c.edits...), clusters("a", "b").tainted("a", 0).circumstances())
			if c.err != "" {
				if err == nil || err.Error() != c.err {
					t.Fatalf("got error %v, want %s", err, c.err)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			task := v.tasks[0]
			if task.PurgeMode != c.mode || suppressed(task) != c.suppress || task.PreservedLabelState["checkpoint"] != c.state {
				t.Errorf("got %+v", task)
			}
			if *task.Replicas != 2 || task.Producer != "TaintManager" || task.Reason != "TaintUntolerated" || task.Message != "taint down:NoExecute is not tolerated" ||
				!task.CreationTimestamp.Time.Equal(noon) || len(task.ClustersBeforeFailover) != 2 {
				t.Errorf("got %+v", task)
			}
		})
	}
}

func TestGracefulEviction(t *testing.T) {
	never := time.Time{}
	grace := at(600)
	for name, c := range map[string]struct {
		w       world
		b       twin.Binding
		stopped bool
		want    outcome
		held    string
	}{
		"healthy elsewhere": {clusters("a", "b").tainted("a", 0),
			app("b:2", evictedFrom("a", 2, 0, "a"), health("b=Healthy")), false, outcome{"b:2", "", never}, ""},
		"not yet healthy elsewhere": {clusters("a", "b").tainted("a", 0),
			app("b:2", evictedFrom("a", 2, 0, "a"), health("b=Unhealthy")), false, outcome{"b:2", "a", grace}, ""},
		"one of two not yet healthy": {clusters("a", "b", "c").tainted("a", 0),
			app("b:1 c:1", evictedFrom("a", 2, 0, "a"), health("b=Healthy c=Unknown")), false, outcome{"b:1 c:1", "a", grace}, ""},
		"healthy, but not placed as it is now": {clusters("a", "b").tainted("a", 0),
			app("b:2", evictedFrom("a", 2, 0, "a"), health("b=Healthy"), unobserved), false, outcome{"b:2", "a", grace}, ""},
		"healthy, but the cluster is lost": {clusters("a", "b").tainted("a", 0).lost("b", -9),
			app("b:2", evictedFrom("a", 2, 0, "a"), health("b=Healthy")), false, outcome{"b:2", "a", grace}, ""},
		"grace period over, one of two healthy": {clusters("a", "b", "c").tainted("a", 0),
			app("b:1 c:1", evictedFrom("a", 2, -600, "a"), health("b=Healthy c=Unhealthy")), false, outcome{"b:1 c:1", "", never}, ""},
		"grace period of the task": {clusters("a", "b", "c").tainted("a", 0),
			app("b:1 c:1", evictedFrom("a", 2, -10, "a", func(t *workv1alpha2.GracefulEvictionTask) { t.GracePeriodSeconds = ptr.To[int32](30) }),
				health("b=Healthy c=Unhealthy")), false, outcome{"b:1 c:1", "a", at(20)}, ""},
		"#7455: grace period over, nothing fits": {clusters("a").tainted("a", 0),
			app("", replicas(2), evictedFrom("a", 2, -9000, "a"), health("a=Healthy"), unscheduled("NoClusterFit")), false, outcome{"", "a", never}, "nothing fits elsewhere: no room"},
		"#7455: grace period over, half of it fits": {clusters("a", "b").tainted("a", 0),
			app("b:1", replicas(3), evictedFrom("a", 2, -9000, "a b"), health("a=Healthy b=Healthy"), unscheduled("Unschedulable")), false, outcome{"b:1", "a", never}, "nothing fits elsewhere: no room"},
		"#7455: grace period over, nobody healthy": {clusters("a", "b").tainted("a", 0),
			app("b:2", evictedFrom("a", 2, -9000, "a"), health("b=Unhealthy")), false, outcome{"b:2", "a", never}, "no other cluster has a healthy copy"},
		"#5150: the copy in a lost cluster is not decided about": {clusters("a", "b").tainted("a", 0).lost("a", -60),
			app("b:2", evictedFrom("a", 2, -9000, "a"), health("b=Healthy")), false, outcome{"b:2", "a", never}, "the cluster cannot be reached"},
		"#5150: a cluster that has come back gets time to lose its taints": {clusters("a", "b").tainted("a", -9000).back("a", -10),
			app("b:2", evictedFrom("a", 2, -9000, "a"), health("b=Healthy")), false, outcome{"b:2", "a", at(20)}, ""},
		"#5150: it has been back for long": {clusters("a", "b").tainted("a", -9000).back("a", -30),
			app("b:2", evictedFrom("a", 2, -9000, "a"), health("b=Healthy")), false, outcome{"b:2", "", never}, ""},
		"#5406: back, while the new place is lost": {clusters("a", "b").tainted("a", -9000).back("a", -60).lost("b", -30),
			app("b:2", evictedFrom("a", 2, -9000, "a"), health("b=Healthy")), false, outcome{"b:2", "a", never}, "no other cluster has a healthy copy"},
		"an operator is sure that the cluster is gone": {clusters("a", "b").tainted("a", 0).lost("a", -60).confirmed("a"),
			app("b:2", evictedFrom("a", 2, -9000, "a"), health("b=Healthy")), false, outcome{"b:2", "", never}, ""},
		"the cluster is gone": {clusters("b"),
			app("b:2", evictedFrom("a", 2, 0, "a"), health("b=Unhealthy")), false, outcome{"b:2", "", never}, ""},
		"mass loss": {clusters("a", "b").tainted("a", 0),
			app("b:2", evictedFrom("a", 2, -9000, "a"), health("b=Healthy")), true, outcome{"b:2", "a", never}, ""},
		"duplicated: the others have it": {clusters("a", "b").tainted("a", 0),
			app("b:2", duplicated(2), evictedFrom("a", 2, 0, "a b"), health("b=Healthy")), false, outcome{"b:2", "", never}, ""},
		"never, and not confirmed": {clusters("a", "b").tainted("a", 0),
			app("b:2", evictedFrom("a", 2, -9000, "a", suppress(true)), health("b=Healthy")), false, outcome{"b:2", "a", never}, ""},
		"never, and confirmed": {clusters("a", "b").tainted("a", 0),
			app("b:2", evictedFrom("a", 2, 0, "a", suppress(false)), health("b=Unhealthy")), false, outcome{"b:2", "", never}, ""},
		"made by others, without a time": {clusters("a", "b"),
			app("b:2", evictedFrom("a", 2, 0, "a", func(t *workv1alpha2.GracefulEvictionTask) {
				t.CreationTimestamp, t.Producer, t.Reason = nil, "drain", "Maintenance"
			}), health("b=Unhealthy")), false, outcome{"b:2", "a", grace}, ""},
		"the new place is tainted too: the last healthy copies stay": {clusters("a", "b").tainted("a", 0).tainted("b", 0),
			app("b:2", evictedFrom("a", 2, -9000, "a"), health("a=Healthy b=Healthy")), false, outcome{"", "a b", never}, ""},
	} {
		t.Run(name, func(t *testing.T) {
			s := c.w.circumstances()
			s.stopped = c.stopped
			v, err := decide(c.b, s)
			if err != nil {
				t.Fatal(err)
			}
			c.want.check(t, v)
			if v.held["a"] != c.held {
				t.Errorf("held because %q, want %q", v.held["a"], c.held)
			}
		})
	}
}

func TestWithdrawal(t *testing.T) {
	never := time.Time{}
	for name, c := range map[string]struct {
		w    world
		b    twin.Binding
		want outcome
	}{
		"#5803: recovered before anybody took over": {clusters("a", "b", "c"),
			app("c:1 b:2", evictedFrom("a", 2, 0, "c a"), health("c=Healthy b=Unhealthy")), outcome{"c:1 a:2", "", never}},
		"#5803: recovered before the scheduler looked": {clusters("a", "b"),
			app("b:1", replicas(3), unobserved, evictedFrom("a", 2, 0, "a b"), health("b=Healthy")), outcome{"a:2 b:1", "", never}},
		"#5803: nothing else fitted": {clusters("a"),
			app("", replicas(2), evictedFrom("a", 2, -9000, "a"), unscheduled("NoClusterFit")), outcome{"a:2", "", never}},
		"#5803: recovered after the others took over": {clusters("a", "b"),
			app("b:2", evictedFrom("a", 2, 0, "a"), health("b=Healthy")), outcome{"b:2", "", never}},
		"tolerated again": {clusters("a", "b").tainted("a", 0),
			app("b:2", tolerates(50), evictedFrom("a", 2, 0, "a"), health("b=Unhealthy")), outcome{"a:2", "", never}},
		"those that had it before give what they got": {clusters("a", "b", "c"),
			app("b:2 c:2", evictedFrom("a", 2, 0, "a b c"), health("b=Unhealthy c=Unhealthy")), outcome{"a:2 b:1 c:1", "", never}},
		"newcomers give first, unhealthy ones before": {clusters("a", "b", "c", "d"),
			app("b:1 c:1 d:2", evictedFrom("a", 2, 0, "a b"), health("b=Healthy c=Healthy d=Unhealthy")), outcome{"a:2 b:1 c:1", "", never}},
		"it would cost the only healthy copy": {clusters("a", "b", "c"),
			app("b:1 c:1", evictedFrom("a", 2, 0, "a"), health("a=Unhealthy b=Healthy c=Unhealthy")), outcome{"b:1 c:1", "a", at(600)}},
		"the copy in it is healthy too": {clusters("a", "b", "c"),
			app("b:1 c:1", evictedFrom("a", 2, 0, "a"), health("a=Healthy b=Healthy c=Unhealthy")), outcome{"a:2", "", never}},
		"scaled down meanwhile": {clusters("a", "b"),
			app("b:1", evictedFrom("a", 2, 0, "a"), health("b=Unhealthy")), outcome{"a:1", "", never}},
		"scaled up meanwhile: the scheduler gives the rest": {clusters("a", "b"),
			app("b:1", replicas(9), unobserved, evictedFrom("a", 2, 0, "a b"), health("b=Unhealthy")), outcome{"a:2 b:1", "", never}},
		"two at once": {clusters("a", "b", "c"),
			app("c:3", evictedFrom("a", 2, 0, "a b"), evictedFrom("b", 1, 0, "a b"), health("c=Unhealthy")), outcome{"a:2 b:1", "", never}},
		"#5150: wanted everywhere, it goes back whatever the others do": {clusters("a", "b"),
			app("b:2", duplicated(2), evictedFrom("a", 2, -9000, "a b"), health("b=Healthy")), outcome{"a:2 b:2", "", never}},
		"duplicated to at most one cluster": {clusters("a", "b"),
			app("b:2", duplicated(2), atMost(1), evictedFrom("a", 2, 0, "a"), health("b=Unhealthy")), outcome{"a:2", "", never}},
		"duplicated to at most one cluster, which has it": {clusters("a", "b"),
			app("b:2", duplicated(2), atMost(1), evictedFrom("a", 2, 0, "a"), health("b=Healthy")), outcome{"b:2", "", never}},
		"still tainted": {clusters("a", "b").tainted("a", 0),
			app("b:2", evictedFrom("a", 2, 0, "a"), health("b=Unhealthy")), outcome{"b:2", "a", at(600)}},
		"back, and still tainted": {clusters("a", "b").back("a", 0).tainted("a", 0),
			app("b:2", evictedFrom("a", 2, -9, "a"), health("b=Unhealthy")), outcome{"b:2", "a", at(591)}},
		"others' tasks are theirs": {clusters("a", "b"),
			app("b:2", evictedFrom("a", 2, 0, "a", func(t *workv1alpha2.GracefulEvictionTask) { t.Producer, t.Reason = "drain", "Maintenance" }), health("b=Unhealthy")),
			outcome{"b:2", "a", at(600)}},
		"a user keeps the copy": {clusters("a", "b"),
			app("b:2", evictedFrom("a", 2, 0, "a", suppress(true)), health("b=Unhealthy")), outcome{"b:2", "a", never}},
	} {
		t.Run(name, func(t *testing.T) {
			v, err := decide(c.b, c.w.circumstances())
			if err != nil {
				t.Fatal(err)
			}
			c.want.check(t, v)
		})
	}
}
