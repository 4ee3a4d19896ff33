package scheduler

import (
	"encoding/json"
	"fmt"
	"time"

	"k8s.io/apimachinery/pkg/api/equality"
	"k8s.io/apimachinery/pkg/api/meta"

	policyv1alpha1 "github.com/karmada-io/karmada/pkg/apis/policy/v1alpha1"
	workv1alpha2 "github.com/karmada-io/karmada/pkg/apis/work/v1alpha2"

	"atoll.dev/atoll/apis/karmada/wellknown"
	"atoll.dev/atoll/pkg/scheduler/binding"
	"atoll.dev/atoll/pkg/scheduler/cycle"
	"atoll.dev/atoll/pkg/scheduler/deschedule"
	"atoll.dev/atoll/pkg/scheduler/framework"
	"atoll.dev/atoll/pkg/scheduler/snapshot"
)

// cause is what makes a decision due; because puts it into words.
type cause string

const (
	placementDiffers cause = "placement"
	replicasDiffer   cause = "replicas"
	toldTo           cause = "triggered"
	followsClusters  cause = "every cluster that fits"
	clusterGone      cause = "cluster gone"
	affinityLost     cause = "affinity"
	notRecorded      cause = "outcome not recorded"
	stuckReplicas    cause = "stuck replicas"
)

// question is what is known of a binding before it is decided.
type question struct {
	// cause is empty if no decision is due.
	cause cause
	// fresh tells that the decision must not lean on the last one.
	fresh bool
	// placement is the binding's, as it is recorded once it is applied.
	placement string
	// limits are how many replicas the workload may have at most in clusters that could
	// not run more lately, nil if there are none.
	limits deschedule.Limits
	// stuck are the replicas to be placed elsewhere, if they are the cause: those that
	// have been unschedulable for dwell.
	stuck []deschedule.Finding
	dwell time.Duration
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

// ask finds out whether a decision is due. Divided replicas that are placed are left
// alone unless something of theirs changed. Of what happens to clusters only three
// things move them: the cluster goes, it no longer is what the placement asks for, or
// it cannot run them (see relocate). Taints and less room do not: what runs stays.
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
	case len(outsiders(b, clusters)) > 0:
		q.cause = affinityLost
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
// last one. A binding that was never placed gets a fresh one anyway. Times are stored
// in whole seconds: one that is equal counts as asked since, as outcome leaves a
// second between what was asked and what was done.
func rescheduleTriggered(b *binding.Binding) bool {
	triggered, last := b.Spec.RescheduleTriggeredAt, b.Status.LastScheduledTime
	return triggered != nil && last != nil && !triggered.Before(last)
}

// goesEverywhere tells whether the binding goes to every cluster that fits, so that
// each change of a cluster may concern it.
func goesEverywhere(spec *workv1alpha2.ResourceBindingSpec) bool {
	return !spec.IsWorkload() || spec.Placement.ReplicaSchedulingType() == policyv1alpha1.ReplicaSchedulingTypeDuplicated
}

// outsiders returns the clusters, among those that hold the workload, that the
// placement or the cluster group in use does not mean.
func outsiders(b *binding.Binding, clusters *snapshot.Snapshot) []*snapshot.Cluster {
	placement := b.Spec.Placement
	if placement.ClusterAffinity == nil && len(placement.ClusterAffinities) == 0 {
		return nil
	}
	r := requestInUse(b, clusters)
	var outside []*snapshot.Cluster
	for _, target := range b.Spec.Clusters {
		if c := clusters.Get(target.Name); c != nil {
			if _, meant := r.Tier(c); !meant {
				outside = append(outside, c)
			}
		}
	}
	return outside
}

// requestInUse returns a request within the cluster group in use, if the placement has any.
func requestInUse(b *binding.Binding, clusters *snapshot.Snapshot) *framework.Request {
	var group *policyv1alpha1.ClusterAffinityTerm
	if groups := b.Spec.Placement.ClusterAffinities; len(groups) > 0 {
		group = &groups[cycle.ObservedGroup(groups, b.Status.SchedulerObservedAffinityName)]
	}
	return framework.NewRequest(framework.Question{Spec: b.Spec}, group, clusters)
}

func holderGone(spec *workv1alpha2.ResourceBindingSpec, clusters *snapshot.Snapshot) bool {
	for _, target := range spec.Clusters {
		if c := clusters.Get(target.Name); c == nil || c.Leaving {
			return true
		}
	}
	return false
}
