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
	"atoll.dev/atoll/pkg/scheduler/framework"
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
	preview := match.NewPreview(policies, r.Interpreter, r.client)
	bounds := explain.For(len(s.Templates))
	fit := 0
	for i, raw := range s.Templates {
		template, err := manifest.Template(raw)
		if err != nil {
			return status, fmt.Errorf("templates[%d] %w", i, err)
		}
		if err := simulate.Complete(template); err != nil {
			return status, fmt.Errorf("templates[%d] (%s %s): %w", i, template.GetKind(), template.GetName(), err)
		}
		var w v1alpha1.WorkloadPlacement
		if w, clusters, err = r.supposed(ctx, template, s.Replicas, preview, clusters, bounds); err != nil {
			return status, fmt.Errorf("templates[%d] (%s %s): %w", i, template.GetKind(), template.GetName(), err)
		}
		if w.Result == v1alpha1.Placed {
			fit++
		}
		status.Workloads = append(status.Workloads, w)
	}
	status.Message = fmt.Sprintf("%d of %d workloads can be placed", fit, len(s.Templates))
	return status, nil
}

// supposed places one template, and returns the clusters with what is left of them then.
func (r *Reviewer) supposed(ctx context.Context, template *unstructured.Unstructured, replicas *int32, preview *match.Preview,
	clusters *snapshot.Snapshot, bounds explain.Bounds) (v1alpha1.WorkloadPlacement, *snapshot.Snapshot, error) {
	ref := v1alpha1.TemplateReference{APIVersion: template.GetAPIVersion(), Kind: template.GetKind(), Namespace: template.GetNamespace(), Name: template.GetName()}
	key := keyOf(ref)
	now := r.Scheduler.Binding(key)
	if now != nil && !stands(now, ref) {
		now = nil
	}
	var object client.Object
	if now != nil {
		object = now.Object
	}
	wanted, policy, selected, err := preview.Binding(ctx, template, object)
	if err != nil {
		return v1alpha1.WorkloadPlacement{}, clusters, err
	}
	if !selected {
		return v1alpha1.WorkloadPlacement{Template: ref, Result: v1alpha1.NotSelected,
			Message: "no policy selects it, neither of those given nor of those in the control plane"}, clusters, nil
	}
	if replicas != nil && hasReplicas(wanted.Spec) {
		wanted.Spec.Replicas = *replicas
	}
	q := framework.Question{Annotations: wanted.GetAnnotations(), Spec: wanted.Spec, Trace: true}
	if now != nil {
		q.Binding = key
		q.Group = now.Status.SchedulerObservedAffinityName
		_, q.Fresh = r.Scheduler.Due(now, clusters)
	}
	d := decide(ctx, r.Scheduler.Cycle(), q, clusters)
	w := explain.Workload(d, bounds)
	w.Template, w.Policy = ref, policyOf(policy.Claim())
	if now != nil {
		w.Binding = &v1alpha1.BindingReference{Namespace: key.Namespace, Name: key.Name}
	}
	if name := wanted.Spec.SchedulerName; r.Scheduler.Leaves(binding.Of(wanted.Object)) != "" && w.Result == v1alpha1.Placed {
		w.Message += fmt.Sprintf("; it is left to scheduler %s, or suspended", name)
	}
	if d.Failure == nil {
		clusters = simulate.Take(clusters, wanted.Spec, d.Result.Clusters)
	}
	return w, clusters, nil
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
