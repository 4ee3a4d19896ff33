package scheduler_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	testclock "k8s.io/utils/clock/testing"
	"k8s.io/utils/ptr"
	"sigs.k8s.io/controller-runtime/pkg/client"

	policyv1alpha1 "github.com/karmada-io/karmada/pkg/apis/policy/v1alpha1"
	workv1alpha2 "github.com/karmada-io/karmada/pkg/apis/work/v1alpha2"

	schedulingv1alpha1 "atoll.dev/atoll/apis/scheduling/v1alpha1"
	"atoll.dev/atoll/pkg/scheduler"
	. "atoll.dev/atoll/pkg/scheduler/internal/fixture"
	"atoll.dev/atoll/pkg/scheduler/review"
)

// ask creates a review and returns it once it is answered.
func (s *server) ask(t *testing.T, spec schedulingv1alpha1.PlacementReviewSpec) *schedulingv1alpha1.PlacementReview {
	t.Helper()
	r := &schedulingv1alpha1.PlacementReview{ObjectMeta: metav1.ObjectMeta{GenerateName: "test-"}, Spec: spec}
	must(t, s.Create(t.Context(), r))
	eventually(t, "the review is answered", func(ctx context.Context) error {
		if err := s.Get(ctx, client.ObjectKeyFromObject(r), r); err != nil {
			return err
		}
		if r.Status.CompletionTime == nil {
			return errors.New("it is not")
		}
		return nil
	})
	return r
}

// answer writes an answer's first workload, or why there is no answer.
func answer(r *schedulingv1alpha1.PlacementReview) string {
	var parts []string
	for i := range r.Status.Workloads {
		w := &r.Status.Workloads[i]
		text := string(w.Result)
		for _, p := range w.Placement {
			text += fmt.Sprintf(" %s:%d", p.Cluster, p.Replicas)
		}
		for _, refused := range w.Refused {
			text += fmt.Sprintf(" (%d %s)", refused.Count, refused.Reason)
		}
		parts = append(parts, text)
	}
	if len(parts) == 0 {
		return r.Status.Message
	}
	return strings.Join(parts, "; ")
}

func manifestOf(t *testing.T, object map[string]any) runtime.RawExtension {
	t.Helper()
	raw, err := json.Marshal(object)
	must(t, err)
	return runtime.RawExtension{Raw: raw}
}

func deploymentManifest(t *testing.T, name string, replicas any) runtime.RawExtension {
	return manifestOf(t, map[string]any{
		"apiVersion": "apps/v1", "kind": "Deployment", "metadata": map[string]any{"namespace": "default", "name": name},
		"spec": map[string]any{"replicas": replicas, "template": map[string]any{"spec": map[string]any{"containers": []any{map[string]any{"name": "c", "image": "i"}}}}},
	})
}

func policyManifest(t *testing.T, name string, spec map[string]any) runtime.RawExtension {
	return manifestOf(t, map[string]any{
		"apiVersion": "policy.karmada.io/v1alpha1", "kind": "PropagationPolicy", "metadata": map[string]any{"namespace": "default", "name": name}, "spec": spec,
	})
}

var dynamic = map[string]any{"replicaScheduling": map[string]any{
	"replicaSchedulingType": "Divided", "replicaDivisionPreference": "Weighted", "weightPreference": map[string]any{"dynamicWeight": "AvailableReplicas"}}}

func allDeployments(placement map[string]any) map[string]any {
	return map[string]any{"resourceSelectors": []any{map[string]any{"apiVersion": "apps/v1", "kind": "Deployment"}}, "placement": placement}
}

// TestReviews asks a real API server's scheduler, and wants nothing but the answers to change.
func TestReviews(t *testing.T) {
	s := startServer(t)
	s.addCluster(t, Cluster("a", Pods(10), Label("zone", "x")))
	s.addCluster(t, Cluster("b", Pods(5)))
	s.addCluster(t, Cluster("g", Pods(100), Taint("gpu", "true", corev1.TaintEffectNoSchedule)))
	placed := ResourceBinding("web-deployment", Deployment(3, policyv1alpha1.Placement{ReplicaScheduling: Dynamic()}))
	must(t, s.Create(t.Context(), placed))
	left := ResourceBinding("other-deployment", Deployment(1, policyv1alpha1.Placement{}))
	left.Spec.SchedulerName, left.Spec.Resource.Name = "somebody", "other"
	must(t, s.Create(t.Context(), left))
	clock := testclock.NewFakePassiveClock(time.Now())
	s.run(t, scheduler.Options{Clock: clock})
	eventually(t, "the binding is placed", func(ctx context.Context) error {
		if err := s.Get(ctx, client.ObjectKeyFromObject(placed), placed); err != nil {
			return err
		}
		if len(placed.Status.Conditions) == 0 {
			return errors.New("it is not")
		}
		return nil
	})
	template := &schedulingv1alpha1.TemplateReference{APIVersion: "apps/v1", Kind: "Deployment", Namespace: "default", Name: "web"}
	policy := policyManifest(t, "p", allDeployments(dynamic))
	type spec = schedulingv1alpha1.PlacementReviewSpec
	type simulation = schedulingv1alpha1.Simulation
	before := placed.ResourceVersion
	for _, c := range []struct {
		name string
		spec spec
		want string
	}{
		{"why, by template", spec{Template: template}, "Placed a:2 b:1 (1 taint gpu=true:NoSchedule)"},
		{"why, by binding", spec{Binding: &schedulingv1alpha1.BindingReference{Namespace: "default", Name: "web-deployment"}}, "Placed a:2 b:1 (1 taint gpu=true:NoSchedule)"},
		{"a binding that there is not", spec{Binding: &schedulingv1alpha1.BindingReference{Name: "x"}}, "there is no binding x; atoll get rb,crb -A lists them"},
		{"a template without a binding", spec{Template: &schedulingv1alpha1.TemplateReference{APIVersion: "v1", Kind: "Secret", Name: "x"}}, "NotSelected"},
		{"another scheduler's", spec{Binding: &schedulingv1alpha1.BindingReference{Namespace: "default", Name: "other-deployment"}}, "NotScheduled"},
		{"one after the other", spec{Simulate: &simulation{Policies: []runtime.RawExtension{policy}, Templates: []runtime.RawExtension{
			deploymentManifest(t, "x", 9), deploymentManifest(t, "y", 6), deploymentManifest(t, "z", 1)}}},
			"Placed a:6 b:3 (1 taint gpu=true:NoSchedule); NotPlaced (1 taint gpu=true:NoSchedule); Placed a:1 (1 taint gpu=true:NoSchedule)"},
		{"replicas are 1 if left out", spec{Simulate: &simulation{Policies: []runtime.RawExtension{policy}, Templates: []runtime.RawExtension{deploymentManifest(t, "x", nil)}}},
			"Placed a:1 (1 taint gpu=true:NoSchedule)"},
		{"no policy", spec{Simulate: &simulation{Templates: []runtime.RawExtension{deploymentManifest(t, "x", 1)}}}, "NotSelected"},
		{"a change of what is there: a cluster fails", spec{Simulate: &simulation{Policies: []runtime.RawExtension{policy}, Templates: []runtime.RawExtension{deploymentManifest(t, "web", 3)},
			Changes: schedulingv1alpha1.Changes{Clusters: []schedulingv1alpha1.ClusterChange{{Name: "a", Fail: true}}}}},
			"Placed b:3 (1 taint gpu=true:NoSchedule)"},
		{"without the taint, and more replicas", spec{Simulate: &simulation{Policies: []runtime.RawExtension{policy}, Templates: []runtime.RawExtension{deploymentManifest(t, "big", 1)},
			Replicas: ptr.To[int32](110), Changes: schedulingv1alpha1.Changes{Clusters: []schedulingv1alpha1.ClusterChange{{Name: "g", Taints: []corev1.Taint{}}}}}},
			"Placed a:8 b:4 g:98"},
		{"a label", spec{Simulate: &simulation{Templates: []runtime.RawExtension{deploymentManifest(t, "x", 2)},
			Policies: []runtime.RawExtension{policyManifest(t, "p", allDeployments(map[string]any{"clusterAffinity": map[string]any{"labelSelector": map[string]any{"matchLabels": map[string]any{"zone": "x"}}}}))},
			Changes: schedulingv1alpha1.Changes{Clusters: []schedulingv1alpha1.ClusterChange{
				{Name: "a", RemoveLabels: []string{"zone"}}, {Name: "b", Labels: map[string]string{"zone": "x"}}}}}},
			"Placed b:2 (2 outside the cluster affinity)"},
		{"a cluster that there is not", spec{Simulate: &simulation{Templates: []runtime.RawExtension{deploymentManifest(t, "x", 1)},
			Changes: schedulingv1alpha1.Changes{Clusters: []schedulingv1alpha1.ClusterChange{{Name: "m9", Fail: true}}}}},
			`cluster "m9" does not exist; there are: a, b, g`},
	} {
		t.Run(c.name, func(t *testing.T) {
			if got := answer(s.ask(t, c.spec)); got != c.want {
				t.Errorf("the answer is %q, want %q", got, c.want)
			}
		})
	}
	must(t, s.Get(t.Context(), client.ObjectKeyFromObject(placed), placed))
	if placed.ResourceVersion != before {
		t.Error("a review changed the binding")
	}
	all := &workv1alpha2.ResourceBindingList{}
	must(t, s.List(t.Context(), all))
	if len(all.Items) != 2 {
		t.Errorf("there are %d bindings after simulations, want the 2 of before", len(all.Items))
	}

	r := s.ask(t, spec{Template: template})
	if len(r.Status.Workloads[0].Decisions) != 1 || r.Status.Workloads[0].Decisions[0].Change != "+a:2 +b:1" {
		t.Errorf("the last decisions are %+v", r.Status.Workloads[0].Decisions)
	}
	clock.SetTime(clock.Now().Add(review.Keep + time.Minute))
	r.Annotations = map[string]string{"touched": "now"} // so that it is looked at
	must(t, s.Update(t.Context(), r))
	eventually(t, "the review is deleted", func(ctx context.Context) error {
		if err := s.Get(ctx, client.ObjectKeyFromObject(r), r); !apierrors.IsNotFound(err) {
			return fmt.Errorf("it is there (%w)", err)
		}
		return nil
	})
}
