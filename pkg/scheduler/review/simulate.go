package review

import (
	"context"
	"fmt"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"sigs.k8s.io/controller-runtime/pkg/client"

	policyv1alpha1 "github.com/karmada-io/karmada/pkg/apis/policy/v1alpha1"
	workv1alpha2 "github.com/karmada-io/karmada/pkg/apis/work/v1alpha2"

	"atoll.dev/atoll/apis/scheduling/manifest"
	"atoll.dev/atoll/apis/scheduling/v1alpha1"
	"atoll.dev/atoll/pkg/propagation/match"
	"atoll.dev/atoll/pkg/propagation/twin"
	"atoll.dev/atoll/pkg/scheduler/binding"
	"atoll.dev/atoll/pkg/scheduler/explain"
	"atoll.dev/atoll/pkg/scheduler/simulate"
	"atoll.dev/atoll/pkg/scheduler/snapshot"
)

// simulate places templates one after the other over clusters that are changed as asked.
func (r *Reviewer) simulate(ctx context.Context, s *v1alpha1.Simulation) (v1alpha1.PlacementReviewStatus, error) {
	clusters, err := simulate.Apply(r.Scheduler.Snapshot(), s.Changes)
	if err != nil {
		return v1alpha1.PlacementReviewStatus{}, err
	}
	policies, err := r.policies(ctx, s)
	if err != nil {
		return v1alpha1.PlacementReviewStatus{}, err
	}
	status := v1alpha1.PlacementReviewStatus{Phase: v1alpha1.ReviewCompleted, Clusters: int32(len(clusters.Clusters()))}
	bounds := explain.For(len(s.Templates))
	run := run{Reviewer: r, preview: match.NewPreview(policies, r.Interpreter, r.client), clusters: clusters, decide: r.Scheduler.Suppose(), replicas: s.Replicas}
	fit := 0
	for i, raw := range s.Templates {
		template, err := manifest.Template(raw)
		if err == nil {
			err = simulate.Complete(template)
		}
		var w v1alpha1.WorkloadPlacement
		if err == nil {
			w, err = run.place(ctx, template, bounds)
		}
		if err != nil {
			return status, fmt.Errorf("templates[%d]: %w", i, err)
		}
		if w.Result == v1alpha1.Placed {
			fit++
		}
		status.Workloads = append(status.Workloads, w)
	}
	status.Message = fmt.Sprintf("%d of %d workloads can be placed", fit, len(s.Templates))
	return status, nil
}

// run is one simulation.
type run struct {
	*Reviewer
	preview  *match.Preview
	clusters *snapshot.Snapshot
	decide   func(context.Context, *binding.Binding, *snapshot.Snapshot) explain.Decision
	replicas *int32
}

// place places one template.
func (r *run) place(ctx context.Context, template *unstructured.Unstructured, bounds explain.Bounds) (v1alpha1.WorkloadPlacement, error) {
	ref := v1alpha1.TemplateReference{APIVersion: template.GetAPIVersion(), Kind: template.GetKind(), Namespace: template.GetNamespace(), Name: template.GetName()}
	key := keyOf(ref)
	var object client.Object
	now := r.Scheduler.Binding(key)
	if now != nil && stands(now, ref) {
		object = now.Object
	}
	wanted, policy, selected, err := r.preview.Binding(ctx, template, object)
	if err != nil {
		return v1alpha1.WorkloadPlacement{}, err
	}
	if !selected {
		return v1alpha1.WorkloadPlacement{Template: ref, Result: v1alpha1.NotSelected,
			Message: "no policy selects it, neither of those given nor of those in the control plane"}, nil
	}
	if r.replicas != nil && hasReplicas(wanted.Spec) {
		wanted.Spec.Replicas = *r.replicas
	}
	supposed := binding.Of(wanted.Object)
	w := explain.Workload(r.decide(ctx, supposed, r.clusters), bounds)
	w.Template, w.Policy = ref, policyOf(policy.Claim())
	if object != nil {
		w.Binding = &v1alpha1.BindingReference{Namespace: key.Namespace, Name: key.Name}
	}
	if why := r.Scheduler.Leaves(supposed); why != "" && w.Result == v1alpha1.Placed {
		w.Message += "; but " + why
	}
	return w, nil
}

// hasReplicas tells whether a number of replicas means something for the workload.
func hasReplicas(spec *workv1alpha2.ResourceBindingSpec) bool {
	return (spec.Replicas > 0 || spec.ReplicaRequirements != nil) && len(spec.Components) == 0
}

// policies are those of the control plane and, in place of those of the same name, those given.
func (r *Reviewer) policies(ctx context.Context, s *v1alpha1.Simulation) ([]twin.Policy, error) {
	var (
		all        []twin.Policy
		namespaced policyv1alpha1.PropagationPolicyList
		cluster    policyv1alpha1.ClusterPropagationPolicyList
	)
	for _, list := range []client.ObjectList{&namespaced, &cluster} {
		if err := r.live.List(ctx, list); err != nil {
			return nil, fmt.Errorf("listing the policies of the control plane: %w", err)
		}
	}
	for i := range namespaced.Items {
		all = append(all, twin.PolicyOf(&namespaced.Items[i]))
	}
	for i := range cluster.Items {
		all = append(all, twin.PolicyOf(&cluster.Items[i]))
	}
	for i, raw := range s.Policies {
		p, err := manifest.Policy(raw)
		if err != nil {
			return nil, fmt.Errorf("policies[%d] %w", i, err)
		}
		all = append(all, twin.PolicyOf(p))
	}
	return all, nil
}
