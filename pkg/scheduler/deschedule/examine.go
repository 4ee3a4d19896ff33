package deschedule

import (
	"encoding/json"
	"slices"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	clusterv1alpha1 "github.com/karmada-io/karmada/pkg/apis/cluster/v1alpha1"
	policyv1alpha1 "github.com/karmada-io/karmada/pkg/apis/policy/v1alpha1"
	workv1alpha2 "github.com/karmada-io/karmada/pkg/apis/work/v1alpha2"

	"atoll.dev/atoll/pkg/membership/capacity"
	"atoll.dev/atoll/pkg/scheduler/binding"
	"atoll.dev/atoll/pkg/scheduler/snapshot"
)

// Defaults of Options.
const (
	DefaultDwell = 5 * time.Minute
	DefaultAvoid = 30 * time.Minute
	// settling is how long what a member tells is not acted upon after a decision
	// that it may not know of yet.
	settling = 30 * time.Second
)

// Options of the search for stuck replicas.
type Options struct {
	// Disabled leaves all replicas where they are.
	Disabled bool
	// Dwell is for how long a replica must have been unschedulable. Defaults to 5 minutes, Karmada's threshold.
	Dwell time.Duration
	// Avoid is for how long a workload gets no more replicas in a cluster that could
	// not run all it had. Defaults to 30 minutes.
	Avoid time.Duration
}

// Complete returns the options with defaults filled in.
func (o Options) Complete() Options {
	if o.Dwell <= 0 {
		o.Dwell = DefaultDwell
	}
	if o.Avoid <= 0 {
		o.Avoid = DefaultAvoid
	}
	return o
}

// Finding is replicas that one cluster cannot run.
type Finding struct {
	Cluster string
	// Held is how many replicas the cluster has been given.
	Held int32
	// Stuck is how many of them have been unschedulable for the dwell time: 1 to Held.
	Stuck int32
}

// Concerns tells whether replicas of the binding may be taken off a cluster that
// cannot run them: those of Deployments and ReplicaSets, divided by the room that
// clusters have. Static weights and duplication say what each cluster is to have
// whether it has room or not; of other kinds a member may delete a replica that runs
// when it is told to have fewer.
func Concerns(spec *workv1alpha2.ResourceBindingSpec) bool {
	r := spec.Resource
	if r.APIVersion != appsv1.SchemeGroupVersion.String() || r.Kind != "Deployment" && r.Kind != "ReplicaSet" {
		return false
	}
	if spec.Placement == nil || spec.Placement.ReplicaSchedulingType() != policyv1alpha1.ReplicaSchedulingTypeDivided {
		return false
	}
	s := spec.Placement.ReplicaScheduling
	return s.ReplicaDivisionPreference == policyv1alpha1.ReplicaDivisionPreferenceAggregated ||
		s.ReplicaDivisionPreference == policyv1alpha1.ReplicaDivisionPreferenceWeighted && s.WeightPreference != nil && s.WeightPreference.DynamicWeight != ""
}

// Workload returns what the template is in a member.
func Workload(spec *workv1alpha2.ResourceBindingSpec) capacity.Workload {
	return capacity.Workload{Kind: spec.Resource.Kind, Namespace: spec.Resource.Namespace, Name: spec.Resource.Name}
}

// Examine returns the replicas that have been unschedulable for the dwell time, and
// when that will next be so of others, zero if of none.
//
// It errs on the side of letting be: never more than the replicas that are not
// ready, nothing in the first half minute after a decision, of which the member may
// not know yet, and nothing again in the same cluster within the dwell time.
//
// What a member told before it became unhealthy does not count. Members whose nodes nobody watches count with what they answered last, if anything.
func (o Options) Examine(b *binding.Binding, clusters *snapshot.Snapshot, answers *Asked, now time.Time) (findings []Finding, next time.Time) {
	if o.Disabled || !Concerns(b.Spec) {
		return nil, time.Time{}
	}
	workload := Workload(b.Spec)
	var settled time.Time
	if t := b.Status.LastScheduledTime; t != nil {
		settled = t.Add(settling)
	}
	limits := LimitsOf(b.Object.GetAnnotations(), now)
	for _, target := range b.Spec.Clusters {
		c := clusters.Get(target.Name)
		if c == nil || target.Replicas <= 0 {
			continue
		}
		var since []time.Time
		if c.Nodes != nil {
			since = c.Nodes.Stuck[workload]
		} else {
			since = slices.Repeat([]time.Time{now.Add(-o.Dwell)}, answers.stuck(binding.KeyOf(b.Object), target.Name))
		}
		if len(since) == 0 {
			continue
		}
		if ready := meta.FindStatusCondition(c.Object.Status.Conditions, clusterv1alpha1.ClusterConditionReady); ready != nil && ready.Status != metav1.ConditionTrue {
			next = Earliest(next, now.Add(o.Dwell)) // what it told is old news
			continue
		}
		spare := spareReplicas(b.Status, target)
		notBefore := settled
		if limit, ok := limits[target.Name]; ok {
			notBefore = later(notBefore, limit.Since.Add(o.Dwell))
		}
		overdue := 0
		for _, t := range since {
			if due := later(t.Add(o.Dwell), notBefore); due.After(now) {
				next = Earliest(next, due)
				break // the earliest come first
			}
			overdue++
		}
		if n := min(overdue, spare); n > 0 {
			findings = append(findings, Finding{Cluster: target.Name, Held: target.Replicas, Stuck: int32(n)})
		}
		if overdue > spare { // pods beyond the replicas, as in a rollout, or news of the replicas on its way
			next = Earliest(next, now.Add(o.Dwell))
		}
	}
	return findings, next
}

// spareReplicas returns how many replicas a cluster can lose at most without one that
// is ready, by what it reported last: those that are assigned and not ready.
func spareReplicas(status *workv1alpha2.ResourceBindingStatus, target workv1alpha2.TargetCluster) int {
	i := slices.IndexFunc(status.AggregatedStatus, func(item workv1alpha2.AggregatedStatusItem) bool { return item.ClusterName == target.Name })
	if i < 0 || status.AggregatedStatus[i].Status == nil {
		return int(target.Replicas)
	}
	var reported struct {
		ReadyReplicas int32 `json:"readyReplicas"`
	}
	if json.Unmarshal(status.AggregatedStatus[i].Status.Raw, &reported) != nil {
		return int(target.Replicas)
	}
	return int(max(target.Replicas-max(reported.ReadyReplicas, 0), 0))
}

// Fewer returns the findings cut down so that they add up to at most replicas, the
// first ones kept.
func Fewer(findings []Finding, replicas int64) []Finding {
	var fewer []Finding
	for _, f := range findings {
		f.Stuck = int32(min(int64(f.Stuck), replicas))
		if f.Stuck > 0 {
			fewer = append(fewer, f)
			replicas -= int64(f.Stuck)
		}
	}
	return fewer
}

// Total returns how many replicas the findings add up to.
func Total(findings []Finding) (n int64) {
	for _, f := range findings {
		n += int64(f.Stuck)
	}
	return n
}

func later(a, b time.Time) time.Time {
	if b.After(a) {
		return b
	}
	return a
}

// Earliest returns the earlier of two times of which zero stands for never.
func Earliest(a, b time.Time) time.Time {
	if a.IsZero() || !b.IsZero() && b.Before(a) {
		return b
	}
	return a
}
