package review

import (
	"context"
	"fmt"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"

	workv1alpha2 "github.com/karmada-io/karmada/pkg/apis/work/v1alpha2"

	"atoll.dev/atoll/apis/karmada/wellknown"
	"atoll.dev/atoll/apis/scheduling/v1alpha1"
	"atoll.dev/atoll/pkg/propagation/twin"
	"atoll.dev/atoll/pkg/scheduler/binding"
	"atoll.dev/atoll/pkg/scheduler/explain"
	"atoll.dev/atoll/pkg/scheduler/history"
	"atoll.dev/atoll/pkg/scheduler/snapshot"
)

// answer answers a question; that it cannot be answered is an answer, too.
func (r *Reviewer) answer(ctx context.Context, review *v1alpha1.PlacementReview) v1alpha1.PlacementReviewStatus {
	var (
		status v1alpha1.PlacementReviewStatus
		err    error
	)
	switch spec := review.Spec; {
	case spec.Simulate != nil:
		status, err = r.simulate(ctx, spec.Simulate)
	case spec.Template != nil:
		status = r.why(ctx, keyOf(*spec.Template), spec.Template)
	case spec.Binding != nil:
		status = r.why(ctx, binding.Key{Namespace: spec.Binding.Namespace, Name: spec.Binding.Name}, nil)
	default:
		err = fmt.Errorf("nothing is asked")
	}
	if err != nil {
		return v1alpha1.PlacementReviewStatus{Phase: v1alpha1.ReviewFailed, Message: err.Error()}
	}
	explain.Fit(&status)
	return status
}

// why explains where a binding is. template, if not nil, is what was asked for.
func (r *Reviewer) why(ctx context.Context, key binding.Key, template *v1alpha1.TemplateReference) v1alpha1.PlacementReviewStatus {
	clusters := r.Scheduler.Snapshot()
	status := v1alpha1.PlacementReviewStatus{Phase: v1alpha1.ReviewCompleted, Clusters: int32(len(clusters.Clusters()))}
	b := r.Scheduler.Binding(key)
	if b == nil || template != nil && !stands(b, *template) {
		if template == nil {
			return v1alpha1.PlacementReviewStatus{Phase: v1alpha1.ReviewFailed,
				Message: fmt.Sprintf("there is no binding %s; atoll get rb,crb -A lists them", key)}
		}
		status.Workloads = []v1alpha1.WorkloadPlacement{{Template: *template, Result: v1alpha1.NotSelected,
			Message: "it has no binding: no PropagationPolicy or ClusterPropagationPolicy selects it, or the template does not exist"}}
		return status
	}
	w := r.explainBinding(ctx, key, b, clusters)
	status.Message = w.Message
	status.Workloads = []v1alpha1.WorkloadPlacement{w}
	return status
}

func (r *Reviewer) explainBinding(ctx context.Context, key binding.Key, b *binding.Binding, clusters *snapshot.Snapshot) v1alpha1.WorkloadPlacement {
	describe := func(w *v1alpha1.WorkloadPlacement) {
		w.Template, w.Binding = templateOf(b.Spec), &v1alpha1.BindingReference{Namespace: key.Namespace, Name: key.Name}
		w.Policy = policyOf(twin.ClaimOn(b.Object.GetLabels(), b.Object.GetAnnotations()))
		w.Decisions = decisions(b)
	}
	if why := r.Scheduler.Leaves(b); why != "" {
		w := v1alpha1.WorkloadPlacement{Result: v1alpha1.NotScheduled, Message: why, Replicas: b.Spec.Replicas}
		for _, t := range b.Spec.Clusters {
			w.Now = append(w.Now, v1alpha1.ClusterReplicas{Cluster: t.Name, Replicas: t.Replicas})
		}
		describe(&w)
		return w
	}
	d, due := r.Scheduler.Decide(ctx, b, clusters)
	w := explain.Workload(d, explain.For(1))
	w.Due = due
	describe(&w)
	return w
}

// keyOf returns the key of the binding that a template has.
func keyOf(t v1alpha1.TemplateReference) binding.Key {
	return binding.Key{Namespace: t.Namespace, Name: wellknown.BindingName(t.Kind, t.Name)}
}

// stands tells whether a binding stands for a template: kinds of several groups can have the same name.
func stands(b *binding.Binding, t v1alpha1.TemplateReference) bool {
	r := b.Spec.Resource
	kind := schema.FromAPIVersionAndKind(r.APIVersion, r.Kind).GroupKind()
	return kind == schema.FromAPIVersionAndKind(t.APIVersion, t.Kind).GroupKind() && r.Name == t.Name
}

func templateOf(spec *workv1alpha2.ResourceBindingSpec) v1alpha1.TemplateReference {
	r := spec.Resource
	return v1alpha1.TemplateReference{APIVersion: r.APIVersion, Kind: r.Kind, Namespace: r.Namespace, Name: r.Name}
}

func policyOf(claim twin.Claim) string {
	switch {
	case claim == twin.Claim{}:
		return ""
	case claim.Policy.Namespace == "":
		return "ClusterPropagationPolicy/" + claim.Policy.Name
	}
	return "PropagationPolicy/" + claim.Policy.Namespace + "/" + claim.Policy.Name
}

// decisions are the last ones made for a binding.
func decisions(b *binding.Binding) []v1alpha1.Decision {
	var list []v1alpha1.Decision
	for _, d := range history.Of(b.Object.GetAnnotations()) {
		change := d.Moved
		if d.More > 0 {
			change += fmt.Sprintf(" and %d more", d.More)
		}
		list = append(list, v1alpha1.Decision{Time: metav1.NewTime(d.Time), Cause: d.Cause, Change: change})
	}
	return list
}
