package scheduler

import (
	"encoding/json"
	"fmt"

	"k8s.io/apimachinery/pkg/api/equality"
	"k8s.io/apimachinery/pkg/api/meta"

	policyv1alpha1 "github.com/karmada-io/karmada/pkg/apis/policy/v1alpha1"
	workv1alpha2 "github.com/karmada-io/karmada/pkg/apis/work/v1alpha2"

	"atoll.dev/atoll/apis/karmada/wellknown"
	"atoll.dev/atoll/pkg/scheduler/binding"
	"atoll.dev/atoll/pkg/scheduler/cycle"
	"atoll.dev/atoll/pkg/scheduler/snapshot"
)

// cause is why a decision is due, in words that complete "decided because".
type cause string

const (
	placementDiffers cause = "the placement changed"
	replicasDiffer   cause = "the number of replicas changed"
	toldTo           cause = "rescheduling was triggered"
	followsClusters  cause = "the workload goes to every cluster that fits"
	clusterGone      cause = "a cluster that holds it is gone or being removed"
	notRecorded      cause = "the outcome of the last decision is not recorded"
)

// question is what is known of a binding before it is decided.
type question struct {
	// cause is empty if no decision is due.
	cause cause
	// fresh tells that the decision must not lean on the last one.
	fresh bool
	// placement is the binding's, as it is recorded once it is applied.
	placement string
}

// responsible tells whether the binding is this scheduler's to place: it names this
// scheduler, is not suspended, and a policy stands behind it. A binding that lost its
// policy keeps the clusters that it has.
func (s *Scheduler) responsible(b *binding.Binding) bool {
	name := b.Spec.SchedulerName
	if name == "" {
		name = DefaultName
	}
	if name != s.name || b.Spec.SchedulingSuspended() || b.Spec.Placement == nil || !b.Object.GetDeletionTimestamp().IsZero() {
		return false
	}
	labels := b.Object.GetLabels()
	return labels[policyv1alpha1.PropagationPolicyPermanentIDLabel] != "" ||
		labels[policyv1alpha1.ClusterPropagationPolicyPermanentIDLabel] != "" ||
		labels[workv1alpha2.BindingManagedByLabel] != ""
}

// ask finds out whether a decision is due. Divided replicas that are placed are
// left alone unless something of theirs changed: that clusters changed is no reason to move them.
func ask(b *binding.Binding, clusters *snapshot.Snapshot) (question, error) {
	placement, err := json.Marshal(b.Spec.Placement)
	if err != nil {
		return question{}, fmt.Errorf("recording the placement of binding %s: %w", binding.KeyOf(b.Object), err)
	}
	q := question{placement: string(placement), fresh: rescheduleTriggered(b)}
	switch {
	case placementChanged(b, q.placement):
		q.cause = placementDiffers
	case replicasChanged(b.Spec):
		q.cause = replicasDiffer
	case q.fresh:
		q.cause = toldTo
	case goesEverywhere(b.Spec):
		q.cause = followsClusters
	case holderGone(b.Spec, clusters):
		q.cause = clusterGone
	case !meta.IsStatusConditionTrue(b.Status.Conditions, workv1alpha2.Scheduled):
		q.cause = notRecorded
	}
	return q, nil
}

// placementChanged compares with the placement that was applied last. Of several
// cluster groups only a change of the one in use counts.
func placementChanged(b *binding.Binding, placement string) bool {
	recorded := b.Object.GetAnnotations()[wellknown.AppliedPlacementAnnotation]
	if recorded == placement {
		return false
	}
	var applied policyv1alpha1.Placement
	if recorded == "" || json.Unmarshal([]byte(recorded), &applied) != nil {
		return true
	}
	current := b.Spec.Placement
	if equality.Semantic.DeepEqual(*current, applied) {
		return false
	}
	a, c := applied, *current
	a.ClusterAffinities, c.ClusterAffinities = nil, nil
	if !equality.Semantic.DeepEqual(a, c) {
		return true
	}
	before, ok1 := groupNamed(applied.ClusterAffinities, b.Status.SchedulerObservedAffinityName)
	now, ok2 := groupNamed(current.ClusterAffinities, b.Status.SchedulerObservedAffinityName)
	return !ok1 || !ok2 || !equality.Semantic.DeepEqual(before, now)
}

func groupNamed(groups []policyv1alpha1.ClusterAffinityTerm, name string) (policyv1alpha1.ClusterAffinityTerm, bool) {
	if i := cycle.ObservedGroup(groups, name); i < len(groups) && groups[i].AffinityName == name {
		return groups[i], true
	}
	return policyv1alpha1.ClusterAffinityTerm{}, false
}

func replicasChanged(spec *workv1alpha2.ResourceBindingSpec) bool {
	if spec.Placement.ReplicaScheduling == nil {
		return false
	}
	switch spec.Placement.ReplicaScheduling.ReplicaSchedulingType {
	case policyv1alpha1.ReplicaSchedulingTypeDuplicated:
		for _, target := range spec.Clusters {
			if target.Replicas != spec.Replicas {
				return true
			}
		}
	case policyv1alpha1.ReplicaSchedulingTypeDivided:
		var sum int64
		for _, target := range spec.Clusters {
			sum += int64(target.Replicas)
		}
		return sum != int64(spec.Replicas)
	}
	return false
}

// rescheduleTriggered tells whether somebody asked for a fresh decision since the
// last one. A binding that was never placed gets a fresh one anyway.
func rescheduleTriggered(b *binding.Binding) bool {
	triggered, last := b.Spec.RescheduleTriggeredAt, b.Status.LastScheduledTime
	return triggered != nil && last != nil && triggered.After(last.Time)
}

// goesEverywhere tells whether the binding goes to every cluster that fits, so that
// each change of a cluster may concern it.
func goesEverywhere(spec *workv1alpha2.ResourceBindingSpec) bool {
	return !spec.IsWorkload() || spec.Placement.ReplicaSchedulingType() == policyv1alpha1.ReplicaSchedulingTypeDuplicated
}

func holderGone(spec *workv1alpha2.ResourceBindingSpec, clusters *snapshot.Snapshot) bool {
	for _, target := range spec.Clusters {
		if c := clusters.Get(target.Name); c == nil || c.Leaving {
			return true
		}
	}
	return false
}
