package match

import (
	"context"
	"fmt"
	"time"

	policyv1alpha1 "github.com/karmada-io/karmada/pkg/apis/policy/v1alpha1"
	workv1alpha2 "github.com/karmada-io/karmada/pkg/apis/work/v1alpha2"
	schedulingv1 "k8s.io/api/scheduling/v1"
	"k8s.io/apimachinery/pkg/api/equality"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/util/uuid"
	"k8s.io/utils/ptr"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/controller/controllerutil"

	"atoll.dev/atoll/apis/karmada/wellknown"
	"atoll.dev/atoll/pkg/propagation/compact"
	"atoll.dev/atoll/pkg/propagation/footprint"
	"atoll.dev/atoll/pkg/propagation/mergepatch"
	"atoll.dev/atoll/pkg/propagation/selection"
	"atoll.dev/atoll/pkg/propagation/settle"
	"atoll.dev/atoll/pkg/propagation/templates"
	"atoll.dev/atoll/pkg/propagation/twin"
)

// cacheLag is how soon an object that the cache does not hold yet is looked for again.
const cacheLag = 5 * time.Millisecond

// apply claims the template for the policy and brings its binding up to date.
func (m *Matcher) apply(ctx context.Context, key templates.Key, t *compact.Object, p *indexed, byPolicy bool) (settle.Outcome, bool, error) {
	hash, err := twin.TemplateHash(t)
	if err != nil {
		return settle.Outcome{}, false, err
	}
	was, err := twin.GetBinding(ctx, m.opts.Client, bindingKey(t))
	exists := err == nil
	if client.IgnoreNotFound(err) != nil {
		return settle.Outcome{}, false, fmt.Errorf("reading the binding of %s: %w", key, err)
	}
	lazy := p.Spec.ActivationPreference == policyv1alpha1.LazyActivation
	lazyHash := ""
	if lazy && !exists && (byPolicy && t.Annotations[wellknown.LazyHashAnnotation] == "" || t.Annotations[wellknown.LazyHashAnnotation] == hash) {
		lazyHash = hash // claimed, to be activated by the template's next change
	}
	before := twin.ClaimOn(t.Labels, t.Annotations)
	claimed, err := m.claim(ctx, key, t, p.Claim(), lazyHash)
	if loser := m.policies.get(before.Policy); loser != nil && before.Policy != p.Key() && loser.matches(t) > selection.Mismatch && loser.GetDeletionTimestamp().IsZero() {
		kind, reason := eventNormal, "PreemptPolicySucceed"
		if err != nil {
			kind, reason = eventWarning, "PreemptPolicyFailed"
		}
		m.event(t, kind, reason, "%s", preemption(p.Policy, before, err))
	}
	if err != nil {
		return settle.Outcome{}, false, err
	}
	t = claimed
	if lazyHash != "" {
		return settle.Outcome{}, false, nil
	}

	if !exists {
		wanted := twin.NewBinding(t.Namespace)
		wanted.SetName(bindingKey(t).Name)
		wanted.SetNamespace(t.Namespace)
		wanted.SetLabels(map[string]string{wanted.PermanentIDLabel(): string(uuid.NewUUID())})
		if err := m.fill(ctx, wanted, t, p, hash); err != nil {
			return settle.Outcome{}, false, err
		}
		err := m.opts.Client.Create(ctx, wanted.Object)
		if apierrors.IsAlreadyExists(err) {
			return settle.Outcome{After: cacheLag}, false, nil // made a moment ago, or somebody else's: the cache will tell
		}
		if err != nil {
			return settle.Outcome{}, false, fmt.Errorf("creating %s: %w", wanted, err)
		}
		return settle.Outcome{}, true, nil
	}
	if owner := metav1.GetControllerOfNoCopy(was.Object); owner != nil && owner.UID != t.UID || !was.GetDeletionTimestamp().IsZero() {
		// As in Karmada (its issue 2090): that of a former template of this name, or of another kind's.
		return settle.Outcome{}, false, fmt.Errorf("failed to update binding due to different owner reference UID, will " +
			"try again later after binding is garbage collected, see https://github.com/karmada-io/karmada/issues/2090")
	}
	if lazy && was.GetAnnotations()[wellknown.TemplateHashAnnotation] == hash {
		return settle.Outcome{}, false, nil
	}
	wanted := was.Copy()
	if err := m.fill(ctx, wanted, t, p, hash); err != nil {
		return settle.Outcome{}, false, err
	}
	if ours(was, wanted) {
		return settle.Outcome{}, false, nil
	}
	wrote, err := mergepatch.Apply(ctx, m.opts.Client, was.Object, wanted.Object, false)
	if apierrors.IsNotFound(err) {
		return settle.Outcome{}, false, fmt.Errorf("updating %s: it is gone: %w", was, err)
	}
	if err != nil {
		return settle.Outcome{}, false, fmt.Errorf("updating %s: %w", was, err)
	}
	return settle.Outcome{}, wrote, nil
}

// fill sets what the matcher owns in a binding.
func (m *Matcher) fill(ctx context.Context, b twin.Binding, t *compact.Object, p *indexed, hash string) error {
	u, err := t.Specification()
	if err != nil {
		return err
	}
	moved := b.GetAnnotations()[wellknown.TemplateHashAnnotation] != hash || twin.ClaimOn(b.GetLabels(), b.GetAnnotations()) != p.Claim()
	setClaim(b.Object, p.Claim())
	b.SetAnnotations(merged(b.GetAnnotations(), map[string]string{wellknown.TemplateHashAnnotation: hash}))
	b.SetAnnotations(merged(b.GetAnnotations(), footprint.Annotations(u)))
	if b.PermanentID() == "" {
		b.SetLabels(merged(b.GetLabels(), map[string]string{b.PermanentIDLabel(): string(uuid.NewUUID())}))
	}
	controllerutil.AddFinalizer(b.Object, b.Finalizer())
	b.SetOwnerReferences([]metav1.OwnerReference{*metav1.NewControllerRef(t, t.GroupVersionKind())})

	version := b.Spec.Resource.ResourceVersion
	if moved || b.Spec.Resource.UID != t.UID {
		version = t.ResourceVersion
	}
	b.Spec.Resource = workv1alpha2.ObjectReference{
		APIVersion: t.APIVersion, Kind: t.Kind, Namespace: t.Namespace, Name: t.Name, UID: t.UID, ResourceVersion: version,
	}
	b.Spec.Placement = p.Spec.Placement.DeepCopy()
	b.Spec.PropagateDeps = p.Spec.PropagateDeps
	b.Spec.SchedulerName = p.Spec.SchedulerName
	b.Spec.Failover = p.Spec.Failover.DeepCopy()
	b.Spec.ConflictResolution = p.Spec.ConflictResolution
	if b.Spec.ConflictResolution == "" {
		b.Spec.ConflictResolution = policyv1alpha1.ConflictAbort
	}
	b.Spec.PreserveResourcesOnDeletion = p.Spec.PreserveResourcesOnDeletion
	b.Spec.Suspension = suspension(b.Spec.Suspension, p.Spec.Suspension)
	if t.Namespace != "" {
		b.Spec.WorkloadAffinityGroups = affinityGroups(t, p.Spec.Placement.WorkloadAffinity)
		if b.Spec.SchedulePriority, err = m.schedulePriority(ctx, p.Spec.SchedulePriority); err != nil {
			return err
		}
	}

	b.Spec.Replicas, b.Spec.ReplicaRequirements, b.Spec.Components = 0, nil, nil
	hooks := m.opts.Interpreter.Hooks(t.GroupVersionKind())
	switch {
	case hooks.Components != nil:
		if b.Spec.Components, err = hooks.Components(ctx, u); err != nil {
			m.event(t, eventWarning, "GetComponentsFailed", "%v", err)
			return fmt.Errorf("interpreting the components of %s: %w", templates.KeyOf(t), err)
		}
	case hooks.Replicas != nil:
		if b.Spec.Replicas, b.Spec.ReplicaRequirements, err = hooks.Replicas(ctx, u); err != nil {
			m.event(t, eventWarning, "GetReplicasFailed", "%v", err)
			return fmt.Errorf("interpreting the replicas of %s: %w", templates.KeyOf(t), err)
		}
		// As in Karmada: estimators look at the namespace's quota, and pod templates do not tell it.
		if needs := b.Spec.ReplicaRequirements; needs != nil && needs.Namespace == "" {
			needs.Namespace = t.Namespace
		}
	}
	return nil
}

// suspension takes the policy's part over and leaves the scheduler's to whoever set it.
func suspension(binding *workv1alpha2.Suspension, policy *policyv1alpha1.Suspension) *workv1alpha2.Suspension {
	merged := workv1alpha2.Suspension{}
	if binding != nil {
		merged.Scheduling = binding.Scheduling
	}
	if policy != nil {
		merged.Suspension = *policy.DeepCopy()
	}
	if policy == nil && merged.Scheduling == nil {
		return nil
	}
	return &merged
}

// affinityGroups are the values of the labels that the policy groups workloads by.
func affinityGroups(t *compact.Object, affinity *policyv1alpha1.WorkloadAffinity) *workv1alpha2.WorkloadAffinityGroups {
	if affinity == nil {
		return nil
	}
	var groups workv1alpha2.WorkloadAffinityGroups
	if term := affinity.Affinity; term != nil {
		if value, ok := t.Labels[term.GroupByLabelKey]; ok {
			groups.AffinityGroup = term.GroupByLabelKey + "=" + value
		}
	}
	if term := affinity.AntiAffinity; term != nil {
		if value, ok := t.Labels[term.GroupByLabelKey]; ok {
			groups.AntiAffinityGroup = term.GroupByLabelKey + "=" + value
		}
	}
	if groups == (workv1alpha2.WorkloadAffinityGroups{}) {
		return nil
	}
	return &groups
}

// schedulePriority looks the priority class up.
func (m *Matcher) schedulePriority(ctx context.Context, p *policyv1alpha1.SchedulePriority) (*workv1alpha2.SchedulePriority, error) {
	if p == nil {
		return nil, nil
	}
	if p.PriorityClassSource != policyv1alpha1.KubePriorityClass {
		return nil, fmt.Errorf("schedulePriority.priorityClassSource is %q: only %s is supported", p.PriorityClassSource, policyv1alpha1.KubePriorityClass)
	}
	var class schedulingv1.PriorityClass
	if err := m.opts.Client.Get(ctx, types.NamespacedName{Name: p.PriorityClassName}, &class); err != nil {
		return nil, fmt.Errorf("reading PriorityClass %s: %w", p.PriorityClassName, err)
	}
	return &workv1alpha2.SchedulePriority{Priority: class.Value}, nil
}

// ours tells whether two versions of a binding agree in all that the matcher owns.
func ours(a, b twin.Binding) bool {
	if twin.ClaimOn(a.GetLabels(), a.GetAnnotations()) != twin.ClaimOn(b.GetLabels(), b.GetAnnotations()) ||
		a.GetAnnotations()[wellknown.TemplateHashAnnotation] != b.GetAnnotations()[wellknown.TemplateHashAnnotation] ||
		!footprint.Same(a.GetAnnotations(), b.GetAnnotations()) ||
		a.PermanentID() != b.PermanentID() ||
		!equality.Semantic.DeepEqual(a.GetOwnerReferences(), b.GetOwnerReferences()) ||
		controllerutil.ContainsFinalizer(a.Object, a.Finalizer()) != controllerutil.ContainsFinalizer(b.Object, b.Finalizer()) {
		return false
	}
	x, y := *a.Spec, *b.Spec
	for _, spec := range []*workv1alpha2.ResourceBindingSpec{&x, &y} {
		spec.Clusters, spec.GracefulEvictionTasks, spec.RequiredBy, spec.RescheduleTriggeredAt = nil, nil, nil, nil
		if spec.Suspension != nil {
			spec.Suspension = ptr.To(*spec.Suspension)
			spec.Suspension.Scheduling = nil
			if equality.Semantic.DeepEqual(spec.Suspension, &workv1alpha2.Suspension{}) {
				spec.Suspension = nil
			}
		}
	}
	return equality.Semantic.DeepEqual(x, y)
}

// preemption words the event as Karmada does.
func preemption(p twin.Policy, before twin.Claim, err error) string {
	name := func(key types.NamespacedName) string {
		if key.Namespace == "" {
			return fmt.Sprintf("cluster propagation policy(%s)", key.Name)
		}
		return fmt.Sprintf("propagation policy(%s)", key)
	}
	winner := name(p.Key())
	winner = string(winner[0]-'a'+'A') + winner[1:]
	if err != nil {
		return fmt.Sprintf("%s failed to preempt %s: %v", winner, name(before.Policy), err)
	}
	return fmt.Sprintf("%s preempted %s successfully", winner, name(before.Policy))
}
