package scheduler

import (
	"context"
	"errors"
	"slices"
	"testing"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/utils/ptr"

	workv1alpha2 "github.com/karmada-io/karmada/pkg/apis/work/v1alpha2"

	"atoll.dev/atoll/apis/scheduling/decision"
	"atoll.dev/atoll/pkg/scheduler/binding"
	. "atoll.dev/atoll/pkg/scheduler/internal/fixture"
)

func newPlaneInOne(t *testing.T, objects ...*workv1alpha2.ResourceBinding) *plane {
	t.Helper()
	p := newPlane(t, Cluster("a"), Cluster("b"))
	p.inOne = true
	for _, o := range objects {
		p.create(o)
	}
	return p
}

func TestDecisionAndStatusAreOneWrite(t *testing.T) {
	p := newPlaneInOne(t, weighted())
	p.settle()
	p.wants(web, "a:2, b:4")
	p.wantsScheduled(web, metav1.ConditionTrue, "Success", successMessage)
	b := p.get(web)
	if b.Object.GetGeneration() != 2 || b.Status.SchedulerObservedGeneration != 2 || b.Status.LastScheduledTime == nil {
		t.Errorf("generation %d, status %+v; want 2, observed 2 and a time", b.Object.GetGeneration(), b.Status)
	}
	if len(p.taken) != 1 || len(p.patches) != 0 {
		t.Errorf("%d decisions and %d patches, want one decision", len(p.taken), len(p.patches))
	}
	event := "Normal ScheduleBindingSucceed Binding has been scheduled successfully. Result: {a:2, b:4}"
	if got := p.announced(); !slices.Equal(got, []string{event, event}) {
		t.Errorf("events %q, want %q for binding and template", got, event)
	}

	// What the scheduler takes the binding for is what the API server has.
	known := p.scheduler.bindings.Get(web)
	if known.Object.GetResourceVersion() != b.Object.GetResourceVersion() || summary(known.Spec.Clusters) != "a:2, b:4" {
		t.Errorf("known is version %s on %v, want version %s", known.Object.GetResourceVersion(), known.Spec.Clusters, b.Object.GetResourceVersion())
	}

	p.alter(web, func(b *binding.Binding) { b.Spec.Placement.ClusterAffinity = ptr.To(Named("nowhere")) })
	p.settle()
	p.wants(web, "")
	p.wantsScheduled(web, metav1.ConditionFalse, "NoClusterFit", meta.FindStatusCondition(p.get(web).Status.Conditions, "Scheduled").Message)
	if got := p.get(web).Status.SchedulerObservedGeneration; got != 2 {
		t.Errorf("observed generation %d of a binding that fits nowhere, want 2 as before", got)
	}
}

func TestConflictInOneWriteIsDecidedAgain(t *testing.T) {
	p := newPlaneInOne(t, weighted())
	p.beforePatch = func() {
		p.beforePatch = nil
		p.alter(web, func(b *binding.Binding) { b.Spec.Replicas = 9 })
	}
	p.settle()
	p.wants(web, "a:3, b:6")
	if len(p.taken) != 2 {
		t.Errorf("%d decisions, want one in vain and one more", len(p.taken))
	}
}

// TestOthersWriteBeforeTheDecision has somebody report a status and take the policy
// away before a decision is applied. Neither is a conflict, and both are seen.
func TestOthersWriteBeforeTheDecision(t *testing.T) {
	p := newPlaneInOne(t, weighted())
	p.beforePatch = func() {
		p.beforePatch = nil
		p.alter(web, func(b *binding.Binding) {
			b.Object.SetLabels(nil)
			meta.SetStatusCondition(&b.Status.Conditions, metav1.Condition{Type: workv1alpha2.FullyApplied, Status: metav1.ConditionTrue, Reason: "Whatever"})
		})
	}
	p.settle()
	p.wants(web, "a:2, b:4")
	p.wantsScheduled(web, metav1.ConditionTrue, "Success", successMessage)
	if len(p.taken) != 1 || !meta.IsStatusConditionTrue(p.get(web).Status.Conditions, workv1alpha2.FullyApplied) {
		t.Errorf("%d decisions, conditions %v; want one and the other writer's kept", len(p.taken), p.get(web).Status.Conditions)
	}
	if known := p.scheduler.bindings.Get(web); known.Object.GetLabels() != nil {
		t.Errorf("the scheduler still takes the binding to have labels %v", known.Object.GetLabels())
	}
}

// lostAnswer applies decisions and loses the answer to the first.
type lostAnswer struct {
	applier
	lost bool
}

func (l *lostAnswer) apply(ctx context.Context, key binding.Key, d *decision.Decision) (*decision.Outcome, error) {
	outcome, err := l.applier.apply(ctx, key, d)
	if !l.lost {
		l.lost = true
		return nil, errors.New("the connection broke")
	}
	return outcome, err
}

func TestLostAnswerIsNotDecidedTwice(t *testing.T) {
	p := newPlaneInOne(t, weighted())
	p.deliver()
	p.scheduler.applier = &lostAnswer{applier: p}
	if _, err := p.scheduler.Reconcile(t.Context(), web); err == nil {
		t.Fatal("a write whose answer is lost is not reported")
	}
	if _, err := p.scheduler.Reconcile(t.Context(), web); err != nil { // as its retry does, before the watch has told
		t.Fatal(err)
	}
	p.wants(web, "a:2, b:4")
	if got := p.get(web).Object.GetGeneration(); got != 2 {
		t.Errorf("generation %d, want 2: decided once", got)
	}
}

// refusing answers every decision with an error.
type refusing struct{ err error }

func (r refusing) apply(context.Context, binding.Key, *decision.Decision) (*decision.Outcome, error) {
	return nil, r.err
}

func TestNamespaceThatGoesIsLeftAlone(t *testing.T) {
	p := newPlaneInOne(t, weighted())
	p.deliver()
	terminating := apierrors.NewForbidden(workv1alpha2.Resource("resourcebindings"), "web", errors.New("the namespace is being terminated"))
	terminating.ErrStatus.Details.Causes = []metav1.StatusCause{{Type: corev1.NamespaceTerminatingCause}}
	p.scheduler.applier = refusing{terminating}
	if result, err := p.scheduler.Reconcile(t.Context(), web); err != nil || result.RequeueAfter > 0 {
		t.Errorf("%v, %v; want nothing to be tried again", result, err)
	}
}
