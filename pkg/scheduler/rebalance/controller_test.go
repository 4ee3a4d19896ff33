package rebalance

import (
	"context"
	"errors"
	"testing"
	"time"

	"k8s.io/apimachinery/pkg/api/equality"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	testclock "k8s.io/utils/clock/testing"
	"k8s.io/utils/ptr"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/client/fake"
	"sigs.k8s.io/controller-runtime/pkg/client/interceptor"
	"sigs.k8s.io/controller-runtime/pkg/reconcile"

	appsv1alpha1 "github.com/karmada-io/karmada/pkg/apis/apps/v1alpha1"
	policyv1alpha1 "github.com/karmada-io/karmada/pkg/apis/policy/v1alpha1"
	workv1alpha2 "github.com/karmada-io/karmada/pkg/apis/work/v1alpha2"

	"atoll.dev/atoll/apis/karmada/wellknown"
	"atoll.dev/atoll/pkg/scheduler/binding"
	"atoll.dev/atoll/pkg/scheduler/internal/fixture"
)

var (
	created = metav1.Unix(1_700_000_000, 0)
	web     = appsv1alpha1.ObjectReference{APIVersion: "apps/v1", Kind: "Deployment", Namespace: "default", Name: "web"}
	role    = appsv1alpha1.ObjectReference{APIVersion: "rbac.authorization.k8s.io/v1", Kind: "ClusterRole", Name: "system:reader"}
	absent  = appsv1alpha1.ObjectReference{APIVersion: "apps/v1", Kind: "Deployment", Namespace: "default", Name: "absent"}
	webKey  = binding.Key{Namespace: "default", Name: "web-deployment"}
	roleKey = binding.Key{Name: "system.reader-clusterrole"}
)

// rig is a control plane in memory with the controller, whose cache is always up to date.
type rig struct {
	t          *testing.T
	client     client.Client
	clock      *testclock.FakePassiveClock
	controller *controller
	// writes counts the writes; fail makes the next patch of a binding fail.
	writes int
	fail   error
}

func newRig(t *testing.T, spec appsv1alpha1.WorkloadRebalancerSpec) *rig {
	t.Helper()
	scheme := runtime.NewScheme()
	for _, add := range []func(*runtime.Scheme) error{appsv1alpha1.AddToScheme, workv1alpha2.AddToScheme} {
		if err := add(scheme); err != nil {
			t.Fatal(err)
		}
	}
	r := &rig{t: t, clock: testclock.NewFakePassiveClock(created.Add(time.Minute))}
	of := func(ref appsv1alpha1.ObjectReference) *workv1alpha2.ResourceBindingSpec {
		s := fixture.Deployment(2, policyv1alpha1.Placement{})
		s.Resource = workv1alpha2.ObjectReference{APIVersion: ref.APIVersion, Kind: ref.Kind, Namespace: ref.Namespace, Name: ref.Name}
		return s
	}
	r.client = fake.NewClientBuilder().WithScheme(scheme).WithStatusSubresource(&appsv1alpha1.WorkloadRebalancer{}).
		WithObjects(
			fixture.ResourceBinding(webKey.Name, of(web)), fixture.ClusterResourceBinding(roleKey.Name, of(role)),
			&appsv1alpha1.WorkloadRebalancer{ObjectMeta: metav1.ObjectMeta{Name: "spring", UID: "u", Generation: 1, CreationTimestamp: created}, Spec: spec},
		).
		WithInterceptorFuncs(interceptor.Funcs{
			Patch: func(ctx context.Context, c client.WithWatch, o client.Object, p client.Patch, opts ...client.PatchOption) error {
				if r.fail != nil {
					err := r.fail
					r.fail = nil
					return err
				}
				r.writes++
				return c.Patch(ctx, o, p, opts...)
			},
			SubResourcePatch: func(ctx context.Context, c client.Client, sub string, o client.Object, p client.Patch, opts ...client.SubResourcePatchOption) error {
				r.writes++
				return c.SubResource(sub).Patch(ctx, o, p, opts...)
			},
		}).Build()
	r.controller = &controller{client: r.client, reader: r.client, clock: r.clock}
	return r
}

func (r *rig) reconcile() (reconcile.Result, error) {
	return r.controller.Reconcile(r.t.Context(), reconcile.Request{NamespacedName: client.ObjectKey{Name: "spring"}})
}

func (r *rig) must() reconcile.Result {
	r.t.Helper()
	result, err := r.reconcile()
	if err != nil {
		r.t.Fatal(err)
	}
	return result
}

func (r *rig) get() *appsv1alpha1.WorkloadRebalancer {
	r.t.Helper()
	o := &appsv1alpha1.WorkloadRebalancer{}
	if err := r.client.Get(r.t.Context(), client.ObjectKey{Name: "spring"}, o); err != nil {
		r.t.Fatal(err)
	}
	return o
}

func (r *rig) alter(change func(*appsv1alpha1.WorkloadRebalancer)) {
	r.t.Helper()
	o := r.get()
	change(o)
	o.Generation++
	if err := r.client.Update(r.t.Context(), o); err != nil {
		r.t.Fatal(err)
	}
}

func (r *rig) binding(key binding.Key) *binding.Binding {
	r.t.Helper()
	b := binding.New(key)
	if err := r.client.Get(r.t.Context(), client.ObjectKey(key), b.Object); err != nil {
		r.t.Fatal(err)
	}
	return b
}

// wantsTriggered fails the test unless a binding was triggered at the time, by the rebalancer of the test.
func (r *rig) wantsTriggered(key binding.Key, at metav1.Time) {
	r.t.Helper()
	b := r.binding(key)
	if got := b.Spec.RescheduleTriggeredAt; got == nil || !got.Equal(&at) {
		r.t.Errorf("binding %s was triggered at %v, want %v", key, got, at)
	}
	if got, want := b.Object.GetAnnotations()[wellknown.TriggeredByAnnotation], at.UTC().Format(time.RFC3339)+" spring"; got != want {
		r.t.Errorf("binding %s was triggered by %q, want %q", key, got, want)
	}
}

func (r *rig) wantsObserved(want ...appsv1alpha1.ObservedWorkload) {
	r.t.Helper()
	if got := r.get().Status.ObservedWorkloads; !equality.Semantic.DeepEqual(got, want) {
		r.t.Errorf("observed %+v\n    want %+v", got, want)
	}
}

func successful(w appsv1alpha1.ObjectReference) appsv1alpha1.ObservedWorkload {
	return appsv1alpha1.ObservedWorkload{Workload: w, Result: appsv1alpha1.RebalanceSuccessful}
}

func notFound(w appsv1alpha1.ObjectReference) appsv1alpha1.ObservedWorkload {
	return appsv1alpha1.ObservedWorkload{Workload: w, Result: appsv1alpha1.RebalanceFailed, Reason: appsv1alpha1.RebalanceObjectNotFound}
}

func TestEachWorkloadIsRebalancedOnce(t *testing.T) {
	r := newRig(t, appsv1alpha1.WorkloadRebalancerSpec{Workloads: []appsv1alpha1.ObjectReference{web, role, absent}})
	r.must()
	r.wantsObserved(notFound(absent), successful(web), successful(role))
	r.wantsTriggered(webKey, created)
	r.wantsTriggered(roleKey, created)
	status := r.get().Status
	if status.ObservedGeneration != 1 || status.FinishTime == nil || !status.FinishTime.Time.Equal(r.clock.Now()) {
		t.Errorf("status %+v", status)
	}
	if r.writes != 3 {
		t.Errorf("%d writes, want one for each binding and one of the status", r.writes)
	}

	r.writes = 0
	r.clock.SetTime(r.clock.Now().Add(time.Hour))
	r.must()
	if r.writes > 0 {
		t.Errorf("%d writes with nothing changed", r.writes)
	}
}

func TestChangesOfTheSpecArePickedUp(t *testing.T) {
	r := newRig(t, appsv1alpha1.WorkloadRebalancerSpec{Workloads: []appsv1alpha1.ObjectReference{web, absent}})
	r.must()
	finished := r.get().Status.FinishTime
	r.clock.SetTime(r.clock.Now().Add(time.Hour))
	r.alter(func(o *appsv1alpha1.WorkloadRebalancer) {
		o.Spec.Workloads = []appsv1alpha1.ObjectReference{role}
	})
	r.must()
	r.wantsObserved(successful(web), successful(role)) // what succeeded stays, what failed and is gone goes
	r.wantsTriggered(webKey, created)
	r.wantsTriggered(roleKey, metav1.NewTime(r.clock.Now()))
	status := r.get().Status
	if status.ObservedGeneration != 2 || !finished.Before(status.FinishTime) {
		t.Errorf("status %+v, finished %v before", status, finished)
	}
}

func TestSomebodyAskedLater(t *testing.T) {
	r := newRig(t, appsv1alpha1.WorkloadRebalancerSpec{Workloads: []appsv1alpha1.ObjectReference{web}})
	later := metav1.NewTime(created.Add(time.Second))
	b := r.binding(webKey)
	b.Spec.RescheduleTriggeredAt = &later
	if err := r.client.Update(t.Context(), b.Object); err != nil {
		t.Fatal(err)
	}
	r.must()
	r.wantsObserved(successful(web))
	if got := r.binding(webKey).Spec.RescheduleTriggeredAt; !got.Equal(&later) {
		t.Errorf("triggered at %v, want %v as before", got, later)
	}
}

func TestAnotherKindBehindTheBindingsName(t *testing.T) {
	other := web
	other.APIVersion = "apps.example.com/v1"
	r := newRig(t, appsv1alpha1.WorkloadRebalancerSpec{Workloads: []appsv1alpha1.ObjectReference{other}})
	r.must()
	r.wantsObserved(notFound(other))
	if got := r.binding(webKey).Spec.RescheduleTriggeredAt; got != nil {
		t.Errorf("the Deployment was triggered at %v", got)
	}
}

func TestFailedWriteIsTriedAgain(t *testing.T) {
	r := newRig(t, appsv1alpha1.WorkloadRebalancerSpec{Workloads: []appsv1alpha1.ObjectReference{web, role}, TTLSecondsAfterFinished: ptr.To[int32](0)})
	r.fail = errors.New("the API server went away")
	if _, err := r.reconcile(); err == nil {
		t.Error("the failure is not told")
	}
	if status := r.get().Status; status.FinishTime != nil || status.ObservedWorkloads[0].Result != "" || status.ObservedWorkloads[1] != successful(role) {
		t.Errorf("status %+v after a failure", status)
	}
	r.must()
	r.wantsTriggered(webKey, created)
	r.wantsTriggered(roleKey, created)
	if err := r.client.Get(t.Context(), client.ObjectKey{Name: "spring"}, &appsv1alpha1.WorkloadRebalancer{}); !apierrors.IsNotFound(err) {
		t.Errorf("it is still there: %v", err)
	}
}

func TestTimeToLive(t *testing.T) {
	r := newRig(t, appsv1alpha1.WorkloadRebalancerSpec{Workloads: []appsv1alpha1.ObjectReference{web}})
	if result := r.must(); result.RequeueAfter != 0 {
		t.Errorf("without a time to live it is looked at again in %v", result.RequeueAfter)
	}
	r.clock.SetTime(r.clock.Now().Add(10 * time.Second))
	r.alter(func(o *appsv1alpha1.WorkloadRebalancer) { o.Spec.TTLSecondsAfterFinished = ptr.To[int32](25) })
	if result := r.must(); result.RequeueAfter != 15*time.Second {
		t.Errorf("looked at again in %v, want 15s: the time to live counts from the end", result.RequeueAfter)
	}
	r.clock.SetTime(r.clock.Now().Add(15 * time.Second))
	r.must()
	if err := r.client.Get(t.Context(), client.ObjectKey{Name: "spring"}, &appsv1alpha1.WorkloadRebalancer{}); !apierrors.IsNotFound(err) {
		t.Errorf("it is still there: %v", err)
	}
}
