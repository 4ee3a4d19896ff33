package deschedule_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"testing"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"

	clusterv1alpha1 "github.com/karmada-io/karmada/pkg/apis/cluster/v1alpha1"
	policyv1alpha1 "github.com/karmada-io/karmada/pkg/apis/policy/v1alpha1"
	workv1alpha2 "github.com/karmada-io/karmada/pkg/apis/work/v1alpha2"

	"atoll.dev/atoll/apis/karmada/wellknown"
	"atoll.dev/atoll/pkg/membership/capacity"
	"atoll.dev/atoll/pkg/scheduler/binding"
	"atoll.dev/atoll/pkg/scheduler/deschedule"
	. "atoll.dev/atoll/pkg/scheduler/internal/fixture"
	"atoll.dev/atoll/pkg/scheduler/snapshot"
)

var now = time.Unix(1_700_000_000, 0).UTC()

// stuckFor returns the times of pods that have been unschedulable for so many minutes.
func stuckFor(minutes ...int) []time.Time {
	var since []time.Time
	for _, m := range minutes {
		since = append(since, now.Add(-time.Duration(m)*time.Minute))
	}
	slices.SortFunc(since, time.Time.Compare)
	return since
}

func TestExamine(t *testing.T) {
	in := func(minutes int) time.Time { return now.Add(time.Duration(minutes) * time.Minute) }
	health := func(status metav1.ConditionStatus) func(*workv1alpha2.ResourceBinding) {
		return func(b *workv1alpha2.ResourceBinding) { b.Labels["health"] = string(status) }
	}
	for _, c := range []struct {
		name  string
		stuck []time.Time
		// ready replicas of 5, or -1 if the member has not told.
		ready    int
		alter    func(*workv1alpha2.ResourceBinding)
		want     int32
		wantNext time.Time
	}{
		{"none", nil, -1, nil, 0, time.Time{}},
		{"not long enough", stuckFor(4, 1), -1, nil, 0, in(1)},
		{"some long enough", stuckFor(9, 5, 3), -1, nil, 2, in(2)},
		{"as many as are not ready", stuckFor(9, 9), 3, nil, 2, time.Time{}},
		{"more than are not ready", stuckFor(9, 9), 4, nil, 1, in(5)},
		{"all are ready", stuckFor(9), 5, nil, 0, in(5)},
		{"more than are assigned", stuckFor(9, 9, 9, 9, 9, 9), -1, nil, 5, in(5)},
		{"just decided", stuckFor(9), -1, func(b *workv1alpha2.ResourceBinding) {
			b.Status.LastScheduledTime = &metav1.Time{Time: now.Add(-10 * time.Second)}
		}, 0, now.Add(20 * time.Second)},
		{"taken off here before", stuckFor(9), -1, func(b *workv1alpha2.ResourceBinding) {
			l := deschedule.Limits{"a": {AtMost: 5, Since: in(-3), Until: in(20)}}
			b.Annotations = map[string]string{wellknown.AvoidedAnnotation: l.Encode()}
		}, 0, in(2)},
		{"in a healthy cluster", stuckFor(9), -1, health(metav1.ConditionTrue), 1, time.Time{}},
		{"in a cluster that is not reached", stuckFor(9), -1, health(metav1.ConditionUnknown), 0, in(5)},
		{"not here", stuckFor(9), -1, func(b *workv1alpha2.ResourceBinding) { b.Spec.Clusters[0].Name = "b" }, 0, time.Time{}},
		{"another workload", stuckFor(9), -1, func(b *workv1alpha2.ResourceBinding) { b.Spec.Resource.Name = "api" }, 0, time.Time{}},
		{"another kind", stuckFor(9), -1, func(b *workv1alpha2.ResourceBinding) { b.Spec.Resource.Kind = "StatefulSet" }, 0, time.Time{}},
		{"duplicated", stuckFor(9), -1, func(b *workv1alpha2.ResourceBinding) { b.Spec.Placement.ReplicaScheduling = Duplicated() }, 0, time.Time{}},
		{"static weight", stuckFor(9), -1, func(b *workv1alpha2.ResourceBinding) { b.Spec.Placement.ReplicaScheduling = Static(Weight("a", 1)) }, 0, time.Time{}},
		{"aggregated", stuckFor(9), -1, func(b *workv1alpha2.ResourceBinding) { b.Spec.Placement.ReplicaScheduling = Aggregated() }, 1, time.Time{}},
	} {
		t.Run(c.name, func(t *testing.T) {
			var store snapshot.Store
			a := Cluster("a")
			store.Set(Cluster("b"))
			store.SetNodes("a", &capacity.View{Stuck: map[capacity.Workload][]time.Time{{Kind: "Deployment", Namespace: "default", Name: "web"}: c.stuck}})
			b := ResourceBinding("web", Deployment(6, policyv1alpha1.Placement{ReplicaScheduling: Dynamic()}, On("a", 5), On("b", 1)))
			if c.ready >= 0 {
				b.Status.AggregatedStatus = []workv1alpha2.AggregatedStatusItem{{ClusterName: "a", Status: &runtime.RawExtension{Raw: fmt.Appendf(nil, `{"readyReplicas":%d}`, c.ready)}}}
			}
			if c.alter != nil {
				c.alter(b)
			}
			if status, told := b.Labels["health"]; told {
				a.Status.Conditions = []metav1.Condition{{Type: clusterv1alpha1.ClusterConditionReady, Status: metav1.ConditionStatus(status)}}
			}
			store.Set(a)
			findings, next := deschedule.Options{}.Complete().Examine(binding.Of(b), store.Snapshot(), &deschedule.Asked{}, now)
			if c.want == 0 && len(findings) > 0 {
				t.Errorf("found %+v, want nothing", findings)
			}
			if want := (deschedule.Finding{Cluster: "a", Held: 5, Stuck: c.want}); c.want > 0 && (len(findings) != 1 || findings[0] != want) {
				t.Errorf("found %+v, want %+v", findings, want)
			}
			if !next.Equal(c.wantNext) {
				t.Errorf("to be looked at again at %v, want %v", next, c.wantNext)
			}
		})
	}
}

func TestFewer(t *testing.T) {
	all := []deschedule.Finding{{Cluster: "a", Held: 5, Stuck: 2}, {Cluster: "b", Held: 5, Stuck: 3}}
	for _, c := range []struct {
		replicas int64
		want     []deschedule.Finding
	}{
		{-1, nil},
		{0, nil},
		{1, []deschedule.Finding{{Cluster: "a", Held: 5, Stuck: 1}}},
		{3, []deschedule.Finding{{Cluster: "a", Held: 5, Stuck: 2}, {Cluster: "b", Held: 5, Stuck: 1}}},
		{9, all},
	} {
		if got := deschedule.Fewer(all, c.replicas); !slices.Equal(got, c.want) {
			t.Errorf("at most %d: %+v, want %+v", c.replicas, got, c.want)
		}
	}
}

func TestLimitsInTheAnnotation(t *testing.T) {
	l := deschedule.Limits{}.With([]deschedule.Finding{{Cluster: "a", Held: 5, Stuck: 2}}, now, time.Hour)
	for _, c := range []struct {
		name, value string
		at          time.Time
		want        map[string]int32
	}{
		{"written and read", l.Encode(), now, map[string]int32{"a": 3}},
		{"until it ends", l.Encode(), now.Add(time.Hour), nil},
		{"nothing", "", now, nil},
		{"no JSON", "}", now, nil},
		{"another type", `["a"]`, now, nil},
		{"some entries are no limits", `{"a":{"atMost":1,"until":"2999-01-01T00:00:00Z"},"b":7,"c":{"atMost":-1,"until":"2999-01-01T00:00:00Z"},"d":{}}`, now, map[string]int32{"a": 1}},
	} {
		got := deschedule.LimitsOf(map[string]string{wellknown.AvoidedAnnotation: c.value}, c.at).AtMost()
		if fmt.Sprint(got) != fmt.Sprint(c.want) {
			t.Errorf("%s: %v, want %v", c.name, got, c.want)
		}
	}
	if got := deschedule.Limits(nil).Encode(); got != "{}" {
		t.Errorf("no limits are written as %s, want {}", got)
	}
}

// members answer what they are asked about pods.
type members map[string]int32

func (m members) Unschedulable(_ context.Context, c *snapshot.Cluster, _ workv1alpha2.ObjectReference, _ time.Duration) (int32, bool, error) {
	n, known := m[c.Name]
	if n < 0 {
		return 0, true, errors.New("no answer")
	}
	return n, known, nil
}

func TestMembersThatTellWhenAsked(t *testing.T) {
	var store snapshot.Store
	for _, name := range []string{"asked", "failing", "mute", "watched"} {
		store.Set(Cluster(name))
	}
	store.SetNodes("watched", &capacity.View{})
	b := binding.Of(ResourceBinding("web", Deployment(8, policyv1alpha1.Placement{ReplicaScheduling: Dynamic()},
		On("asked", 2), On("failing", 2), On("mute", 2), On("watched", 2))))
	o := deschedule.Options{}.Complete()
	var answers deschedule.Asked
	round := func(m members) (found []binding.Key) {
		answers.Round(t.Context(), m, o, []*binding.Binding{b}, store.Snapshot(), func(key binding.Key) { found = append(found, key) })
		return found
	}
	if found := round(members{"asked": 1, "failing": -1, "watched": 2}); len(found) != 1 || found[0] != binding.KeyOf(b.Object) {
		t.Errorf("found %v, want the one binding", found)
	}
	findings, next := o.Examine(b, store.Snapshot(), &answers, now)
	if want := (deschedule.Finding{Cluster: "asked", Held: 2, Stuck: 1}); len(findings) != 1 || findings[0] != want || !next.IsZero() {
		t.Errorf("found %+v, to be looked at again at %v; want %+v and never", findings, next, want)
	}
	if found := round(members{"asked": 0}); len(found) > 0 {
		t.Errorf("found %v, want none", found)
	}
	if findings, _ := o.Examine(b, store.Snapshot(), &answers, now); len(findings) > 0 {
		t.Errorf("found %+v by an answer of an earlier round", findings)
	}
}
