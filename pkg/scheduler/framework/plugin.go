package framework

import (
	"context"

	workv1alpha2 "github.com/karmada-io/karmada/pkg/apis/work/v1alpha2"

	"atoll.dev/atoll/pkg/scheduler/snapshot"
)

// MaxScore is the best score that a ScorePlugin may give; the worst is 0.
const MaxScore int64 = 100

// Plugin is what all plugins have in common.
type Plugin interface {
	// Name is unique among the plugins of a scheduler, and is shown to users.
	Name() string
}

// FilterPlugin rules out clusters that cannot take a workload.
type FilterPlugin interface {
	Plugin
	// Filter prepares the check of one request. It returns nil if every cluster passes.
	Filter(ctx context.Context, r *Request) ClusterFilter
	// Interest returns the changes of a cluster that can end a refusal by this
	// plugin. A workload that fits nowhere is tried again when one of them happens,
	// and not before: what is left out here is waited for in vain.
	Interest() snapshot.Change
}

// ClusterFilter says why a cluster cannot take the workload, nil if it can.
type ClusterFilter func(c *snapshot.Cluster) *Refusal

// Refusal is why a cluster cannot take a workload.
type Refusal struct {
	// Plugin that refused.
	Plugin string
	// Reason in a few plain words, as it follows a number of clusters, and precise: "lack
	// apps/v1 Foo", "taint gpu=true:NoSchedule". Clusters with the same reason are counted.
	Reason string
	// Detail says more of this one cluster than Reason, which is the same for many: who
	// is in the way there. It is for explanations; empty if there is nothing to add.
	Detail string
}

// ScorePlugin says how well a cluster that passed all filters suits a workload.
type ScorePlugin interface {
	Plugin
	// Score prepares the scoring of one request. It returns nil if all clusters suit alike.
	Score(ctx context.Context, r *Request) ClusterScore
}

// ClusterScore returns how well a cluster suits, from 0 to MaxScore.
type ClusterScore func(c *snapshot.Cluster) int64

// ReservePlugin keeps decisions that are made at the same time from taking the same thing twice.
type ReservePlugin interface {
	Plugin
	// Reserve claims what the targets of a decision take, all of it or nothing, in one
	// step that no other Reserve can come between. It returns false if another
	// decision claimed some of it after the Request was made: decide again, then.
	// Otherwise release, never nil, gives the claim back; it is called once, when the
	// decision has been written down or has failed to be, which written tells. A claim
	// on what becomes visible only later, as pods in a member do, may outlive a release.
	Reserve(ctx context.Context, r *Request, targets []workv1alpha2.TargetCluster) (release func(written bool), ok bool)
}

// PinPlugin keeps a workload in clusters that hold it, where another placement
// would be as good. It overrules neither a filter nor a lower number of replicas.
type PinPlugin interface {
	Plugin
	// Pin prepares the question for one request. It returns nil if nothing ties the
	// workload to any cluster.
	Pin(ctx context.Context, r *Request) ClusterPin
}

// ClusterPin says in plain words what ties the workload to a cluster that holds it,
// "its volume data-db-0 lives in member1", and nothing if it may leave.
type ClusterPin func(c *snapshot.Cluster) string
