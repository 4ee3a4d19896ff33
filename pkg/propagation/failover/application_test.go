package failover

import (
	"testing"
	"time"

	policyv1alpha1 "github.com/karmada-io/karmada/pkg/apis/policy/v1alpha1"
	workv1alpha2 "github.com/karmada-io/karmada/pkg/apis/work/v1alpha2"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/utils/ptr"
)

func after(seconds int32, mode policyv1alpha1.PurgeMode) policyv1alpha1.ApplicationFailoverBehavior {
	return policyv1alpha1.ApplicationFailoverBehavior{PurgeMode: mode, DecisionConditions: policyv1alpha1.DecisionConditions{TolerationSeconds: &seconds}}
}

func TestApplication(t *testing.T) {
	never := time.Time{}
	failover := applicationFailover(after(60, policyv1alpha1.PurgeModeDirectly))
	for name, c := range map[string]struct {
		w       world
		edits   []edit
		since   int // that the workload is unhealthy in a, 1 for not
		stopped bool
		want    outcome
	}{
		"healthy":                     {clusters("a", "b"), []edit{failover}, 1, false, outcome{"a:2 b:1", "", never}},
		"unhealthy for now":           {clusters("a", "b"), []edit{failover}, -10, false, outcome{"a:2 b:1", "", at(50)}},
		"unhealthy for too long":      {clusters("a", "b"), []edit{failover}, -60, false, outcome{"b:1", "a", never}},
		"dependencies would not come": {clusters("a", "b"), []edit{failover, func(b *workv1alpha2.ResourceBinding) { b.Spec.PropagateDeps = false }}, -60, false, outcome{"a:2 b:1", "", never}},
		"not asked for":               {clusters("a", "b"), nil, -60, false, outcome{"a:2 b:1", "", never}},
		"what is known is old":        {clusters("a", "b").lost("a", -5), []edit{failover}, -60, false, outcome{"a:2 b:1", "", never}},
		"mass loss":                   {clusters("a", "b"), []edit{failover}, -60, true, outcome{"a:2 b:1", "", never}},
		"known to fit nowhere else":   {clusters("a", "b"), []edit{failover, unscheduled("Unschedulable")}, -60, false, outcome{"a:2 b:1", "", never}},
	} {
		t.Run(name, func(t *testing.T) {
			s := c.w.circumstances()
			s.stopped = c.stopped
			b := app("a:2 b:1", c.edits...)
			s.failing = func(cluster string) (time.Time, time.Duration, bool) {
				return at(c.since), time.Minute, cluster == "a" && c.since <= 0
			}
			v, err := decide(b, s)
			if err != nil {
				t.Fatal(err)
			}
			c.want.check(t, v)
		})
	}
}

func TestTaskOfApplication(t *testing.T) {
	grace := ptr.To[int32](30)
	for mode, want := range map[policyv1alpha1.PurgeMode]workv1alpha2.GracefulEvictionTask{
		"":                                 {PurgeMode: policyv1alpha1.PurgeModeGracefully, GracePeriodSeconds: grace},
		policyv1alpha1.PurgeModeGracefully: {PurgeMode: policyv1alpha1.PurgeModeGracefully, GracePeriodSeconds: grace},
		policyv1alpha1.Graciously:          {PurgeMode: policyv1alpha1.Graciously, GracePeriodSeconds: grace},
		policyv1alpha1.PurgeModeDirectly:   {PurgeMode: policyv1alpha1.PurgeModeDirectly},
		policyv1alpha1.Immediately:         {PurgeMode: policyv1alpha1.Immediately},
		policyv1alpha1.Never:               {PurgeMode: policyv1alpha1.Never, SuppressDeletion: ptr.To(true)},
	} {
		f := after(60, mode)
		f.GracePeriodSeconds = grace
		s := clusters("a", "b").circumstances()
		s.failing = func(cluster string) (time.Time, time.Duration, bool) { return at(-60), time.Minute, cluster == "a" }
		v, err := decide(app("a:2 b:1", applicationFailover(f)), s)
		if err != nil || len(v.tasks) != 1 {
			t.Fatalf("%q: %+v, %v", mode, v, err)
		}
		got := v.tasks[0]
		if got.PurgeMode != want.PurgeMode || ptr.Deref(got.GracePeriodSeconds, 0) != ptr.Deref(want.GracePeriodSeconds, 0) || suppressed(got) != suppressed(want) {
			t.Errorf("%q: got %+v", mode, got)
		}
		if got.Producer != "resource-binding-application-failover-controller" || got.Reason != "ApplicationFailure" || got.Message != "unhealthy since 2026-01-01T11:59:00Z" {
			t.Errorf("%q: got %+v", mode, got)
		}
	}
}

func TestApplicationWithdrawal(t *testing.T) {
	never := time.Time{}
	failover := applicationFailover(after(60, policyv1alpha1.PurgeModeGracefully))
	for name, c := range map[string]struct {
		placed string
		edits  []edit
		want   outcome
	}{
		"it is the only place": {"", []edit{replicas(2), evictedFrom("a", 2, 0, "a", failedApplication), unscheduled("NoClusterFit"), health("a=Unhealthy")},
			outcome{"a:2", "", never}},
		"the only place, left directly": {"", []edit{replicas(2), evictedFrom("a", 2, 0, "a", failedApplication, func(t *workv1alpha2.GracefulEvictionTask) {
			t.PurgeMode = policyv1alpha1.PurgeModeDirectly
		}), unscheduled("NoClusterFit"), health("a=Unhealthy")}, outcome{"a:2", "", never}},
		"the only place, never purged": {"", []edit{replicas(2), evictedFrom("a", 2, 0, "a", failedApplication, suppress(true)), unscheduled("NoClusterFit")},
			outcome{"a:2", "", never}},
		"healthy again there":          {"b:2", []edit{evictedFrom("a", 2, 0, "a", failedApplication), health("a=Healthy b=Unhealthy")}, outcome{"a:2", "", never}},
		"healthy again, and elsewhere": {"b:2", []edit{evictedFrom("a", 2, 0, "a", failedApplication), health("a=Healthy b=Healthy")}, outcome{"b:2", "", never}},
		"not healthy anywhere":         {"b:2", []edit{evictedFrom("a", 2, 0, "a", failedApplication), health("a=Unhealthy b=Unhealthy")}, outcome{"b:2", "a", at(600)}},
		"not yet scheduled":            {"", []edit{replicas(2), unobserved, evictedFrom("a", 2, 0, "a", failedApplication), health("a=Unhealthy")}, outcome{"", "a", at(600)}},
	} {
		t.Run(name, func(t *testing.T) {
			b := app(c.placed, append([]edit{failover}, c.edits...)...)
			v, err := decide(b, clusters("a", "b").circumstances())
			if err != nil {
				t.Fatal(err)
			}
			c.want.check(t, v)
		})
	}
}

// An episode lasts until the workload is not unhealthy any more; evictions in vain make it longer.
func TestAilments(t *testing.T) {
	a := &ailments{episodes: map[types.NamespacedName]map[string]episode{}}
	failover := applicationFailover(after(10, policyv1alpha1.PurgeModeGracefully))
	sick, well := app("a:2 b:1", failover, health("a=Unhealthy b=Healthy")), app("a:2 b:1", failover, health("a=Unknown"))
	want := func(when string, since int, patience time.Duration, failing bool) {
		t.Helper()
		from, p, ok := a.failing(sick)("a")
		if ok != failing || ok && (!from.Equal(at(since)) || p != patience) {
			t.Errorf("%s: since %v for %v, %t; want since %v for %v, %t", when, from, p, ok, at(since), patience, failing)
		}
	}
	a.observe(sick, at(0))
	want("at first", 0, 10*time.Second, true)
	a.observe(sick, at(5))
	want("later", 0, 10*time.Second, true)
	if _, _, ok := a.failing(sick)("b"); ok {
		t.Error("b is healthy")
	}
	a.inVain(sick.Key(), "a", at(20))
	want("after a first eviction in vain", 20, time.Minute, true)
	a.observe(app("b:3", failover, evictedFrom("a", 2, 0, ""), health("a=Unhealthy")), at(90))
	want("while it is evicted", 20, time.Minute, true)
	a.inVain(sick.Key(), "a", at(100))
	want("after a second one", 100, 2*time.Minute, true)
	for range 20 {
		a.inVain(sick.Key(), "a", at(100))
	}
	want("after many", 100, time.Hour, true)
	a.observe(well, at(200))
	want("when its health is not known", 0, 0, false)
	a.observe(sick, at(300))
	want("when it is sick again", 300, 10*time.Second, true)
	a.observe(app("a:2", health("a=Unhealthy")), at(400))
	want("when failover is not wanted any more", 0, 0, false)
	if len(a.episodes) != 0 {
		t.Errorf("still remembered: %v", a.episodes)
	}
}
