package framework

import (
	policyv1alpha1 "github.com/karmada-io/karmada/pkg/apis/policy/v1alpha1"
	workv1alpha2 "github.com/karmada-io/karmada/pkg/apis/work/v1alpha2"

	"atoll.dev/atoll/pkg/scheduler/affinity"
	"atoll.dev/atoll/pkg/scheduler/binding"
	"atoll.dev/atoll/pkg/scheduler/snapshot"
)

// Request is one attempt to place one workload. It is read-only.
type Request struct {
	// Binding names what is placed; empty for what is only simulated.
	Binding binding.Key
	// Annotations of the binding.
	Annotations map[string]string
	// Spec of the binding; its Placement is never nil.
	Spec *workv1alpha2.ResourceBindingSpec
	// Snapshot holds the clusters to choose from.
	Snapshot *snapshot.Snapshot
	// Peers finds other bindings by what they have in common with this one; nil knows of none.
	Peers *binding.Index
	// Affinity means the clusters that the placement, or the group being tried, allows; nil means all.
	Affinity *affinity.Matcher
	// AffinityName is the name of the group being tried, empty if the placement has no groups.
	AffinityName string
	// Overflow are the further clusters, in order of preference, that the group being
	// tried allows where those of Affinity have no room. Only workloads have any.
	Overflow []*affinity.Matcher
	// Fresh asks for a placement as if the workload had not been placed before.
	Fresh bool
	// Trace asks for what only an explanation needs, see Question.
	Trace bool

	// held is spec.clusters by name, but no more than limits allow.
	held map[string]int32
	// limits are the most replicas that some clusters may get.
	limits map[string]int32
}

// Question is what is asked of a decision: where the binding's workload goes.
type Question struct {
	// Binding names what is placed; empty for what is only simulated.
	Binding binding.Key
	// Annotations of the binding.
	Annotations map[string]string
	// Spec of the binding; its Placement is never nil.
	Spec *workv1alpha2.ResourceBindingSpec
	// Peers finds other bindings by what they have in common with this one; nil knows of none.
	Peers *binding.Index
	// Group is the cluster group in which it was placed last, empty if none was.
	Group string
	// Fresh asks for a placement as if the workload had not been placed before.
	Fresh bool
	// Trace makes the decision keep the scores of each plugin, for an explanation.
	Trace bool
	// Limits are the most replicas that clusters which cannot run more may get or keep,
	// where replicas are divided by the room that clusters have. A cluster that is not
	// listed has no limit.
	Limits map[string]int32
}

// NewRequest makes the request to place a binding within one of its cluster
// groups, or by its ClusterAffinity if group is nil.
func NewRequest(q Question, group *policyv1alpha1.ClusterAffinityTerm, s *snapshot.Snapshot) *Request {
	spec := q.Spec
	r := &Request{
		Binding: q.Binding, Annotations: q.Annotations, Spec: spec, Snapshot: s, Fresh: q.Fresh, Trace: q.Trace, limits: q.Limits,
		held: make(map[string]int32, len(spec.Clusters)),
	}
	for _, target := range spec.Clusters {
		r.held[target.Name] = r.limited(target.Name, max(target.Replicas, 0))
	}
	r.Peers = q.Peers
	if group == nil {
		r.Affinity = affinity.Compile(spec.Placement.ClusterAffinity)
		return r
	}
	r.AffinityName = group.AffinityName
	r.Affinity = affinity.Compile(&group.ClusterAffinity)
	if spec.IsWorkload() {
		for i := range group.OverflowAffinities {
			r.Overflow = append(r.Overflow, affinity.Compile(&group.OverflowAffinities[i].ClusterAffinity))
		}
	}
	return r
}

// Holds tells whether the workload is placed in the cluster already.
func (r *Request) Holds(cluster string) bool {
	_, ok := r.held[cluster]
	return ok
}

// Held returns the replicas that the workload has been given in the cluster so far,
// or as many of them as it may keep there.
func (r *Request) Held(cluster string) int32 { return r.held[cluster] }

// Room returns how many of so many replicas the cluster may get in addition to those that it holds.
func (r *Request) Room(cluster string, replicas int32) int32 {
	if _, limited := r.limits[cluster]; !limited {
		return replicas
	}
	return max(0, min(replicas, r.limits[cluster]-r.held[cluster]))
}

func (r *Request) limited(cluster string, replicas int32) int32 {
	if most, limited := r.limits[cluster]; limited {
		return min(replicas, max(most, 0))
	}
	return replicas
}

// Tier returns how far down the order of preference the cluster lies: 0 for those
// of Affinity, i for those of Overflow[i-1], and false if the group does not allow it.
func (r *Request) Tier(c *snapshot.Cluster) (int, bool) {
	if r.Affinity.Matches(c) {
		return 0, true
	}
	for i, m := range r.Overflow {
		if m.Matches(c) {
			return i + 1, true
		}
	}
	return 0, false
}
