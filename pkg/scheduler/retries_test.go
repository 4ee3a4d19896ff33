package scheduler

import (
	"fmt"
	"testing"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/util/workqueue"
	testclock "k8s.io/utils/clock/testing"

	clusterv1alpha1 "github.com/karmada-io/karmada/pkg/apis/cluster/v1alpha1"
	policyv1alpha1 "github.com/karmada-io/karmada/pkg/apis/policy/v1alpha1"

	"atoll.dev/atoll/pkg/scheduler/binding"
	. "atoll.dev/atoll/pkg/scheduler/internal/fixture"
	"atoll.dev/atoll/pkg/scheduler/snapshot"
)

// crowd is a scheduler with many bindings that wait for room.
func crowd(t testing.TB, n int) (*Scheduler, *testclock.FakePassiveClock) {
	t.Helper()
	clock := testclock.NewFakePassiveClock(time.Unix(1_700_000_000, 0))
	o, err := Options{Clock: clock}.complete()
	if err != nil {
		t.Fatal(err)
	}
	s, err := newScheduler(t.Context(), o, nil, nil, nil, nil)
	if err != nil {
		t.Fatal(err)
	}
	for i := range 100 {
		s.clusters.Set(Cluster(fmt.Sprintf("member-%02d", i), Label("tier", "gold"), Pods(0)))
	}
	gold := placement{ReplicaScheduling: Dynamic(), ClusterAffinity: &policyv1alpha1.ClusterAffinity{
		LabelSelector: &metav1.LabelSelector{MatchLabels: map[string]string{"tier": "gold"}},
	}}
	for i := range n {
		b := ResourceBinding(fmt.Sprintf("web-%05d", i), Deployment(5, gold))
		b.UID = "x"
		s.bindings.Observe(b)
		s.parked.Park(binding.KeyOf(b), snapshot.Any)
	}
	return s, clock
}

// passThrough is a queue whose items are dealt with as soon as they are added.
type passThrough struct {
	queue
	take func(binding.Key)
}

func (q passThrough) Add(key binding.Key) { q.take(key) }

func recordingQueue(t testing.TB, take func(binding.Key)) queue {
	t.Helper()
	q := workqueue.NewTypedRateLimitingQueue(workqueue.DefaultTypedControllerRateLimiter[binding.Key]())
	t.Cleanup(q.ShutDown)
	return passThrough{q, take}
}

// TestBusyClusterCausesNoStorm has a full cluster report more room again and again
// while many wait: they try at a bounded rate, each in its turn, and who is placed does not count.
func TestBusyClusterCausesNoStorm(t *testing.T) {
	const waiting = 2000
	s, clock := crowd(t, waiting)
	tries, order := map[binding.Key]int{}, []binding.Key(nil)
	q := recordingQueue(t, func(key binding.Key) { // tried in vain
		tries[key]++
		order = append(order, key)
		s.parked.Park(key, snapshot.Any)
	})
	alarm := newAlarm()
	busy := func() {
		alarm.raise(s.clusters.Set(Cluster("member-07", Label("tier", "gold"), Pods(1))))
		alarm.raise(s.clusters.Set(Cluster("member-07", Label("tier", "gold"), Pods(0))))
		s.queueConcerned(t.Context(), alarm.take(), q)
		s.retries.admit(func(b *binding.Binding) { enqueueAgain(q, b) })
	}
	busy()
	if len(order) != retriesAtOnce {
		t.Fatalf("%d tries at once, want %d", len(order), retriesAtOnce)
	}
	for range 50 { // five seconds
		clock.SetTime(clock.Now().Add(100 * time.Millisecond))
		busy()
	}
	if got, want := len(order), retriesAtOnce+5*retriesPerSecond; got < want-1 || got > want {
		t.Errorf("%d tries after five seconds, want %d", got, want)
	}
	for range 50 {
		clock.SetTime(clock.Now().Add(100 * time.Millisecond))
		busy()
	}
	if len(tries) != waiting {
		t.Errorf("%d of %d have had a try after ten seconds", len(tries), waiting)
	}
	for key, n := range tries {
		if n > 2 {
			t.Errorf("%s has tried %d times while others had one try", key, n)
		}
	}

	before := len(order)
	for range 300 {
		s.retries.placed()
	}
	busy()
	if got := len(order) - before; got < 300 {
		t.Errorf("after 300 were placed %d could try at once, want 300 at least", got)
	}
}

// TestNewClusterWakesAll has all that wait try at once when more than room is new.
func TestNewClusterWakesAll(t *testing.T) {
	const waiting = 2000
	s, _ := crowd(t, waiting)
	n := 0
	q := recordingQueue(t, func(binding.Key) { n++ })
	alarm := newAlarm()
	alarm.raise(s.clusters.Set(Cluster("new", Label("tier", "gold"))))
	s.queueConcerned(t.Context(), alarm.take(), q)
	if n != waiting {
		t.Errorf("%d of %d try", n, waiting)
	}
}

// BenchmarkWake measures a pass over 10,000 bindings that wait when one cluster of 100
// has more room. At most a tenth of a processor goes into passes, whatever one takes.
func BenchmarkWake(b *testing.B) {
	s, _ := crowd(b, 10_000)
	q := recordingQueue(b, func(key binding.Key) { s.parked.Park(key, snapshot.Any) })
	alarm := newAlarm()
	room := []*clusterv1alpha1.Cluster{Cluster("member-07", Label("tier", "gold"), Pods(0)), Cluster("member-07", Label("tier", "gold"), Pods(1))}
	n := 0
	for b.Loop() {
		n++
		alarm.raise(s.clusters.Set(room[n%2]))
		s.queueConcerned(b.Context(), alarm.take(), q)
	}
}
