package reservation_test

import (
	"fmt"
	"slices"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	testclock "k8s.io/utils/clock/testing"

	policyv1alpha1 "github.com/karmada-io/karmada/pkg/apis/policy/v1alpha1"
	workv1alpha2 "github.com/karmada-io/karmada/pkg/apis/work/v1alpha2"

	"atoll.dev/atoll/pkg/scheduler/binding"
	"atoll.dev/atoll/pkg/scheduler/estimator"
	"atoll.dev/atoll/pkg/scheduler/framework"
	. "atoll.dev/atoll/pkg/scheduler/internal/fixture"
	"atoll.dev/atoll/pkg/scheduler/reservation"
	"atoll.dev/atoll/pkg/scheduler/snapshot"
)

// rig is a Book over clusters a and b, with room for 10 pods each.
type rig struct {
	t        *testing.T
	members  *estimator.Members
	book     *reservation.Book
	clock    *testclock.FakePassiveClock
	clusters *snapshot.Snapshot
	bindings bindings
	freed    []string
}

type bindings map[binding.Key]*binding.Binding

func (b bindings) Get(key binding.Key) *binding.Binding { return b[key] }

func newRig(t *testing.T) *rig {
	r := &rig{t: t, members: &estimator.Members{}, clock: testclock.NewFakePassiveClock(time.Unix(1_700_000_000, 0)), bindings: bindings{},
		clusters: snapshot.New(Cluster("a", Pods(10)), Cluster("b", Pods(10)))}
	r.book = reservation.New(r.members, r.clock, func(cluster string) { r.freed = append(r.freed, cluster) }).Consult(r.bindings)
	return r
}

var web = binding.Key{Namespace: "default", Name: "web"}

func dynamic(on ...workv1alpha2.TargetCluster) *workv1alpha2.ResourceBindingSpec {
	return Deployment(1, policyv1alpha1.Placement{ReplicaScheduling: Dynamic()}, on...)
}

func (r *rig) reserve(key binding.Key, spec *workv1alpha2.ResourceBindingSpec, targets ...workv1alpha2.TargetCluster) (func(bool), bool) {
	request := framework.NewRequest(framework.Question{Binding: key, Spec: spec}, nil, r.clusters)
	return r.book.Reserve(r.t.Context(), request, targets)
}

// place reserves, and has the decision written down.
func (r *rig) place(spec *workv1alpha2.ResourceBindingSpec, targets ...workv1alpha2.TargetCluster) {
	r.t.Helper()
	release, ok := r.reserve(web, spec, targets...)
	if !ok {
		r.t.Fatalf("%v is refused", targets)
	}
	spec.Clusters = targets
	r.bindings[web] = binding.Of(ResourceBinding(web.Name, spec))
	release(true)
}

// report has the binding's status say what a member reports, as a new version of the binding.
func (r *rig) report(cluster, status string, health workv1alpha2.ResourceHealth) {
	b := *r.bindings[web].Object.(*workv1alpha2.ResourceBinding)
	b.Status.AggregatedStatus = append(slices.Clone(b.Status.AggregatedStatus), workv1alpha2.AggregatedStatusItem{ClusterName: cluster, Health: health, Status: &runtime.RawExtension{Raw: []byte(status)}})
	r.bindings[web] = binding.Of(&b)
}

func (r *rig) pass(d time.Duration) {
	r.clock.SetTime(r.clock.Now().Add(d))
	r.book.Sweep(r.bindings)
}

// wants checks what is left in a and b.
func (r *rig) wants(a, b int32) {
	r.t.Helper()
	got, err := r.members.Estimate(r.t.Context(), dynamic(), r.clusters.Clusters())
	if err != nil || !slices.Equal(got, []int32{a, b}) {
		r.t.Errorf("there is room for %v, %v; want %d and %d", got, err, a, b)
	}
}

func TestWhatIsClaimed(t *testing.T) {
	components := &workv1alpha2.ResourceBindingSpec{Placement: &policyv1alpha1.Placement{}, Components: []workv1alpha2.Component{{Name: "a", Replicas: 1}, {Name: "b", Replicas: 2}}}
	componentsOnA := components.DeepCopy()
	componentsOnA.Clusters = []workv1alpha2.TargetCluster{On("a", 0)}
	for _, c := range []struct {
		name    string
		spec    *workv1alpha2.ResourceBindingSpec
		targets []workv1alpha2.TargetCluster
		a, b    int32
	}{
		{"all of a first placement", dynamic(), []workv1alpha2.TargetCluster{On("a", 3), On("b", 2)}, 7, 8},
		{"what is added to what is held", dynamic(On("a", 2)), []workv1alpha2.TargetCluster{On("a", 3), On("b", 1)}, 9, 9},
		{"nothing of what is given back", dynamic(On("a", 4), On("b", 1)), []workv1alpha2.TargetCluster{On("a", 2)}, 10, 10},
		{"what is duplicated", Deployment(4, policyv1alpha1.Placement{}), []workv1alpha2.TargetCluster{On("a", 4), On("b", 4)}, 6, 6},
		{"what is divided by weight", Deployment(4, policyv1alpha1.Placement{ReplicaScheduling: Static()}), []workv1alpha2.TargetCluster{On("a", 3), On("b", 1)}, 7, 9},
		{"more than there is room for, if nobody looked", Deployment(40, policyv1alpha1.Placement{}), []workv1alpha2.TargetCluster{On("a", 40)}, 0, 10},
		{"nothing of what is no workload", ConfigMap(policyv1alpha1.Placement{}), []workv1alpha2.TargetCluster{On("a", 0)}, 10, 10},
		{"one set of components a cluster", components, []workv1alpha2.TargetCluster{On("a", 0), On("b", 0)}, 7, 7},
		{"components only where they are not yet", componentsOnA, []workv1alpha2.TargetCluster{On("a", 0), On("b", 0)}, 10, 7},
		{"nothing of a cluster that is not there", dynamic(), []workv1alpha2.TargetCluster{On("z", 3)}, 10, 10},
	} {
		t.Run(c.name, func(t *testing.T) {
			r := newRig(t)
			release, ok := r.reserve(web, c.spec, c.targets...)
			if !ok {
				t.Fatal("refused")
			}
			r.wants(c.a, c.b)
			release(false)
			r.wants(10, 10)
			if n := r.book.Outstanding(); n != 0 {
				t.Errorf("%d claims outlive a decision that was not written", n)
			}
		})
	}
}

func TestWhoComesSecondIsRefused(t *testing.T) {
	r := newRig(t)
	api := binding.Key{Namespace: "default", Name: "api"}
	first, ok := r.reserve(web, dynamic(), On("a", 6))
	if !ok {
		t.Fatal("the first is refused")
	}
	if _, ok := r.reserve(api, dynamic(), On("a", 5), On("b", 1)); ok {
		t.Error("the second gets what the first has taken")
	}
	r.wants(4, 10) // and holds nothing of the cluster where there was room
	if _, ok := r.reserve(api, Deployment(5, policyv1alpha1.Placement{}), On("a", 5)); !ok {
		t.Error("what does not look at the room is refused for want of it")
	}
	first(false)
	r.wants(5, 10)
}

func TestHowLongAClaimLasts(t *testing.T) {
	for _, c := range []struct {
		name string
		// happens between the write and the wants
		happens func(r *rig)
		a, b    int32
		freed   []string
	}{
		{"the write changes nothing", func(r *rig) { r.pass(time.Second) }, 4, 8, nil},
		{"the member reports fewer pods", func(r *rig) { r.report("a", `{"replicas":5}`, "Unknown"); r.pass(time.Second); r.pass(time.Minute) }, 4, 8, nil},
		{"the member reports the pods just now", func(r *rig) { r.report("a", `{"replicas":6}`, "Unknown"); r.pass(time.Second); r.pass(9 * time.Second) }, 4, 8, nil},
		{"the member reported the pods a while ago", func(r *rig) {
			r.report("a", `{"replicas":6}`, "Unknown")
			r.pass(time.Second)
			r.pass(10 * time.Second)
		}, 10, 8, []string{"a"}},
		{"pods of a Job, running and done", func(r *rig) {
			r.report("b", `{"active":1,"succeeded":1}`, "Unknown")
			r.pass(time.Second)
			r.pass(10 * time.Second)
		}, 4, 10, []string{"b"}},
		{"a kind that tells of its health only", func(r *rig) {
			r.report("b", `{}`, workv1alpha2.ResourceHealthy)
			r.pass(time.Second)
			r.pass(10 * time.Second)
		}, 4, 10, []string{"b"}},
		{"a status that cannot be read", func(r *rig) { r.report("b", `[]`, "Unknown"); r.pass(time.Second); r.pass(10 * time.Second) }, 4, 8, nil},
		{"almost for ever", func(r *rig) { r.pass(2*time.Minute - 1) }, 4, 8, nil},
		{"for ever", func(r *rig) { r.pass(2 * time.Minute) }, 10, 10, []string{"a", "b"}},
		{"the binding is deleted", func(r *rig) { delete(r.bindings, web); r.pass(0) }, 10, 10, []string{"a", "b"}},
		{"the binding is being deleted", func(r *rig) {
			now := metav1.Now()
			r.bindings[web].Object.SetDeletionTimestamp(&now)
			r.pass(0)
		}, 10, 10, []string{"a", "b"}},
		{"somebody takes a cluster away", func(r *rig) { r.bindings[web].Spec.Clusters = []workv1alpha2.TargetCluster{On("b", 2)}; r.pass(0) }, 10, 8, []string{"a"}},
		{"somebody takes replicas away", func(r *rig) { r.bindings[web].Spec.Clusters[0].Replicas = 4; r.pass(0) }, 6, 8, []string{"a"}},
		{"the next decision gives back", func(r *rig) { r.place(dynamic(On("a", 6), On("b", 2)), On("a", 1), On("b", 2)) }, 9, 8, []string{"a"}},
		{"the next decision adds", func(r *rig) { r.place(dynamic(On("a", 6), On("b", 2)), On("a", 9), On("b", 2)) }, 1, 8, nil},
		{"the next decision moves", func(r *rig) { r.place(dynamic(On("a", 6), On("b", 2)), On("b", 8)) }, 10, 2, []string{"a"}},
		{"the next decision adds and the one after takes more away", func(r *rig) {
			r.place(dynamic(On("a", 6), On("b", 2)), On("a", 9), On("b", 2))
			r.place(dynamic(On("a", 9), On("b", 2)), On("a", 5), On("b", 2))
		}, 5, 8, []string{"a"}},
		{"the next decision is not written", func(r *rig) {
			release, _ := r.reserve(web, dynamic(On("a", 6), On("b", 2)), On("b", 8))
			release(false)
		}, 4, 8, []string{"b"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			r := newRig(t)
			r.place(dynamic(), On("a", 6), On("b", 2))
			c.happens(r)
			r.wants(c.a, c.b)
			if !slices.Equal(slices.Compact(r.freed), c.freed) {
				t.Errorf("told of room in %v, want %v", r.freed, c.freed)
			}
		})
	}
}

func TestWriteThatIsUnderWayIsNotJudged(t *testing.T) {
	r := newRig(t)
	release, _ := r.reserve(web, dynamic(), On("a", 6))
	r.pass(time.Second) // the binding is not there, or as it was before
	r.wants(4, 10)
	r.bindings[web] = binding.Of(ResourceBinding("web", dynamic(On("a", 6))))
	release(true)
	r.pass(time.Second)
	r.wants(4, 10)
}

// The spec is written, the status is not: the write as a whole has failed.
func TestWriteThatFailedHalfWay(t *testing.T) {
	r := newRig(t)
	release, _ := r.reserve(web, dynamic(), On("a", 6), On("b", 1))
	r.bindings[web] = binding.Of(ResourceBinding("web", dynamic(On("a", 6), On("b", 1))))
	release(false)
	r.wants(4, 9)
	release, _ = r.reserve(web, r.bindings[web].Spec, On("a", 6), On("b", 3))
	release(false) // the binding has 1 in b still
	r.wants(4, 9)
}

func TestRecover(t *testing.T) {
	r := newRig(t)
	for i, c := range []struct {
		placed time.Duration
		status string
		left   int32
	}{
		{time.Second, ``, 7},
		{time.Second, `{"replicas":2}`, 9},
		{time.Second, `{"replicas":3}`, 10},
		{2 * time.Minute, ``, 10},
	} {
		t.Run(fmt.Sprint(i), func(t *testing.T) {
			r = newRig(t)
			b := ResourceBinding("web", dynamic(On("a", 3)))
			at := metav1.NewTime(r.clock.Now().Add(-c.placed))
			b.Status.LastScheduledTime = &at
			if c.status != "" {
				b.Status.AggregatedStatus = []workv1alpha2.AggregatedStatusItem{{ClusterName: "a", Status: &runtime.RawExtension{Raw: []byte(c.status)}}}
			}
			r.bindings[web] = binding.Of(b)
			r.book.Recover(r.bindings[web])
			r.wants(c.left, 10)
			r.pass(2 * time.Minute)
			r.wants(10, 10)
		})
	}
}

func request(cpu string) corev1.ResourceList {
	return corev1.ResourceList{corev1.ResourceCPU: resource.MustParse(cpu)}
}
