package scheduler

import (
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	testclock "k8s.io/utils/clock/testing"

	policyv1alpha1 "github.com/karmada-io/karmada/pkg/apis/policy/v1alpha1"

	"atoll.dev/atoll/pkg/membership/capacity"
	"atoll.dev/atoll/pkg/scheduler/binding"
	. "atoll.dev/atoll/pkg/scheduler/internal/fixture"
	"atoll.dev/atoll/pkg/scheduler/snapshot"
)

func changed(change snapshot.Change, gained *capacity.Amounts) snapshot.Event {
	return snapshot.Event{Before: &snapshot.Cluster{Name: "m"}, After: &snapshot.Cluster{Name: "m"}, Change: change, Gained: gained}
}

func TestOffersArePaced(t *testing.T) {
	clk := testclock.NewFakeClock(time.Unix(1_700_000_000, 0))
	a := newAlarm()
	a.clock = clk
	rung := func(what string, want bool) {
		t.Helper()
		select {
		case <-a.raised:
			if !want {
				t.Errorf("%s rings the alarm", what)
			}
			a.take()
		default:
			if want {
				t.Errorf("%s does not ring the alarm", what)
			}
		}
	}
	a.offer(changed(snapshot.MoreRoom, nil))
	rung("the first offer", true)
	for range 10 {
		a.offer(changed(snapshot.MoreRoom|snapshot.Quotas|snapshot.Stuck, nil))
		clk.Step(offerPace/10 - time.Millisecond)
	}
	rung("an offer soon after", false)
	clk.Step(offerPace / 10)
	rung("an offer when it is time", true)
	clk.Step(offerPace / 2)
	a.offer(changed(snapshot.MoreRoom, nil))
	rung("an offer soon after", false)
	a.offer(changed(snapshot.MoreRoom|snapshot.Nodes, nil))
	rung("another change", true)
	clk.Step(offerPace)
	rung("an offer that was dealt with", true) // in vain, which costs nothing
	clk.Step(time.Hour)
	a.offer(changed(snapshot.MoreRoom, nil))
	rung("an offer after a long time", true)
	a.offer(changed(snapshot.None, nil))
	rung("nothing", false)
}

func TestOffersAreForThoseWhomTheyHold(t *testing.T) {
	gpu := map[corev1.ResourceName]int64{"nvidia.com/gpu": 1}
	for _, c := range []struct {
		name    string
		events  []snapshot.Event
		request corev1.ResourceList
		want    bool
	}{
		{"enough", []snapshot.Event{changed(snapshot.MoreRoom, &capacity.Amounts{MilliCPU: 500, Pods: 1})}, corev1.ResourceList{"cpu": resource.MustParse("500m")}, true},
		{"too little", []snapshot.Event{changed(snapshot.MoreRoom, &capacity.Amounts{MilliCPU: 499, Pods: 1})}, corev1.ResourceList{"cpu": resource.MustParse("500m")}, false},
		{"too little of another resource", []snapshot.Event{changed(snapshot.MoreRoom, &capacity.Amounts{MilliCPU: 500, Pods: 1})}, corev1.ResourceList{"nvidia.com/gpu": resource.MustParse("1")}, false},
		{"enough of it", []snapshot.Event{changed(snapshot.MoreRoom, &capacity.Amounts{Pods: 1, Other: gpu})}, corev1.ResourceList{"nvidia.com/gpu": resource.MustParse("1")}, true},
		{"less than nothing of what is not asked for", []snapshot.Event{changed(snapshot.MoreRoom, &capacity.Amounts{Memory: -1, MilliCPU: 1, Pods: 1})}, corev1.ResourceList{"cpu": resource.MustParse("1m"), "memory": resource.MustParse("0")}, true},
		{"no room for a pod", []snapshot.Event{changed(snapshot.MoreRoom, &capacity.Amounts{MilliCPU: 500})}, nil, false},
		{"room for a pod that asks for nothing", []snapshot.Event{changed(snapshot.MoreRoom, &capacity.Amounts{Pods: 1})}, nil, true},
		{"enough first, less later", []snapshot.Event{changed(snapshot.MoreRoom, &capacity.Amounts{MilliCPU: 500, Pods: 1}), changed(snapshot.MoreRoom, &capacity.Amounts{MilliCPU: 1, Pods: 1})},
			corev1.ResourceList{"cpu": resource.MustParse("500m")}, true},
		{"nobody knows for whom", []snapshot.Event{changed(snapshot.MoreRoom, &capacity.Amounts{}), changed(snapshot.MoreRoom, nil)}, corev1.ResourceList{"cpu": resource.MustParse("500m")}, true},
		{"too little, but a quota", []snapshot.Event{changed(snapshot.MoreRoom|snapshot.Quotas, &capacity.Amounts{})}, nil, true},
	} {
		t.Run(c.name, func(t *testing.T) {
			p := newPlane(t)
			spec := Deployment(3, policyv1alpha1.Placement{})
			spec.ReplicaRequirements.ResourceRequest = c.request
			b := binding.Of(ResourceBinding("web", spec))
			key := binding.KeyOf(b.Object)
			p.scheduler.parked.Park(key, snapshot.Any)
			for _, e := range c.events {
				p.alarm.offer(e)
			}
			if got := p.scheduler.concerned(key, b, p.alarm.take()) != snapshot.None; got != c.want {
				t.Errorf("concerned = %v, want %v", got, c.want)
			}
		})
	}
}

// A binding that waits is woken by the room on a node that it needs, and by nothing less.
func TestAViewWakes(t *testing.T) {
	spec := Deployment(1, policyv1alpha1.Placement{ReplicaScheduling: Dynamic()})
	spec.ReplicaRequirements.ResourceRequest = corev1.ResourceList{"cpu": resource.MustParse("500m")}
	b := ResourceBinding("web", spec)
	p := newPlane(t, Cluster("m", Pods(0)), b)
	p.settle()
	if _, parked := p.scheduler.parked.At(binding.KeyOf(b)); !parked {
		t.Fatal("the binding does not wait although there is no room")
	}
	see := func(cpu int64) bool {
		view := &capacity.View{Nodes: []capacity.Node{{Name: "n", Class: &capacity.Class{}, Ready: true, Free: capacity.Amounts{MilliCPU: cpu, Pods: 10}}}}
		p.alarm.offer(p.scheduler.clusters.SetNodes("m", view))
		p.scheduler.queueConcerned(t.Context(), p.alarm.take(), p.queue)
		return p.queued()
	}
	if !see(100) {
		t.Error("not woken by the first view")
	}
	p.settle()
	if see(200) {
		t.Error("woken by less than it needs")
	}
	if !see(600) {
		t.Error("not woken by the room that it needs")
	}
}
