package cycle

import (
	"context"

	workv1alpha2 "github.com/karmada-io/karmada/pkg/apis/work/v1alpha2"

	"atoll.dev/atoll/pkg/scheduler/estimator"
	"atoll.dev/atoll/pkg/scheduler/framework"
	"atoll.dev/atoll/pkg/scheduler/snapshot"
	"atoll.dev/atoll/pkg/scheduler/spread"
)

// Cycle is the algorithm with its plugins. It has no state.
type Cycle struct {
	filters    []framework.FilterPlugin
	scorers    []scorer
	pinners    []framework.PinPlugin
	reservers  []framework.ReservePlugin
	estimators []estimator.Estimator
	// emptyWorkloads sends workloads to chosen clusters that get no replica, too.
	emptyWorkloads bool
}

// Options of New.
type Options struct {
	// Plugins in the order in which they are asked.
	Plugins []framework.Plugin
	// Weights multiply the scores of the plugins that they name; 0 leaves a plugin's
	// scores out. A plugin that is not named has weight 1.
	Weights map[string]int64
	// Estimators of which the lowest answer counts.
	Estimators []estimator.Estimator
	// EmptyWorkloads sends a workload also to those of the chosen clusters that get
	// none of its replicas. Without it these do not get the workload at all.
	EmptyWorkloads bool
}

// New makes a Cycle.
func New(o Options) *Cycle {
	c := &Cycle{estimators: o.Estimators, emptyWorkloads: o.EmptyWorkloads}
	for _, p := range o.Plugins {
		if filter, ok := p.(framework.FilterPlugin); ok {
			c.filters = append(c.filters, filter)
		}
		if plugin, ok := p.(framework.ScorePlugin); ok {
			c.scorers = append(c.scorers, scorer{plugin, weightOf(p, o.Weights)})
		}
		if pinner, ok := p.(framework.PinPlugin); ok {
			c.pinners = append(c.pinners, pinner)
		}
		if reserver, ok := p.(framework.ReservePlugin); ok {
			c.reservers = append(c.reservers, reserver)
		}
	}
	return c
}

// Candidate is a cluster that passed all filters.
type Candidate struct {
	*snapshot.Cluster
	// Score is the sum over all score plugins of score times weight; more is better.
	Score int64
	// Scores are what each plugin gave, if the request asks for a trace.
	Scores []PluginScore
	// Tier is how far down the order of preference of its group the cluster lies, 0 being best.
	Tier int
	// Held is how many replicas the cluster has been given so far, or sets of components.
	Held int32
	// Room is how many replicas it can take in addition, or sets of components. It is 0
	// if no step needs to know.
	Room int32
}

// Capacity is how many replicas the cluster can hold in all.
func (c *Candidate) Capacity() int64 { return int64(c.Held) + int64(c.Room) }

// Result is a decision and what led to it.
type Result struct {
	// Request is what was asked, within the group that worked out or failed first.
	Request *framework.Request
	// Clusters is the decision, in the order of names.
	Clusters []workv1alpha2.TargetCluster
	// AffinityName is the cluster group that worked out, empty if the placement has none.
	AffinityName string
	// Refused are the clusters that step 2 ruled out.
	Refused []Refused
	// Pinned are the candidates that the workload must not leave.
	Pinned []Pinned
	// Candidates are those that are not Refused, best first.
	Candidates []Candidate
	// Selected are those that step 4 chose.
	Selected []Candidate
	// Attempts are the cluster groups up to the one that worked out, or all if none did,
	// in their order; nil if the placement has none.
	Attempts []Attempt
	// Spread is how the spread constraints were met; nil if there are none or step 4 was not reached.
	Spread *spread.Outcome
	// Assignment is how replicas were shared out; nil if step 5 was not reached.
	Assignment *Assignment
}

// Refused is a cluster that was ruled out.
type Refused struct {
	Cluster string
	*framework.Refusal
}

// run decides within one group. The Result tells how far it came even if it fails.
func (c *Cycle) run(ctx context.Context, r *framework.Request) (Result, error) {
	result := Result{Request: r, AffinityName: r.AffinityName}

	result.Candidates, result.Refused = c.filter(ctx, r)
	if err := c.abandons(ctx, r); err != nil {
		return result, err
	}
	if len(result.Candidates) == 0 {
		return result, c.noFit(result.Refused, r)
	}
	result.Pinned = c.pin(ctx, r, result.Candidates)
	result.Candidates, result.Refused = yield(r, result.Pinned, result.Candidates, result.Refused)
	c.score(ctx, r, result.Candidates)
	if err := c.selectClusters(ctx, r, &result); err != nil {
		return result, err
	}
	if err := assign(r, &result); err != nil {
		return result, c.assignmentFailed(&result, err)
	}
	if err := hold(r, &result); err != nil {
		return result, err
	}
	if c.emptyWorkloads {
		result.Clusters = withEmpty(result.Clusters, result.Selected)
	}
	return result, nil
}
