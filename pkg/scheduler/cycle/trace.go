package cycle

import (
	"context"

	"atoll.dev/atoll/pkg/scheduler/estimator"
	"atoll.dev/atoll/pkg/scheduler/snapshot"
)

// PluginScore is what one score plugin gave to a candidate.
type PluginScore struct {
	Plugin string
	Score  int64
}

// Limit is why a candidate has the room that it has.
type Limit struct {
	// Room is how many more replicas the estimator that counts says there is room for.
	Room int32
	// Estimator that gave the lowest answer, empty if none knows a limit.
	Estimator string
	// Detail says in words what there is no more of, if the estimator tells.
	Detail string
}

// Limits asks the estimators again, one after the other, for an explanation of a
// decision: it returns a Limit for each candidate, or nil if no step needed to know.
func (c *Cycle) Limits(ctx context.Context, decision Result) []Limit {
	if decision.Request == nil || len(decision.Candidates) == 0 || !c.asksForRoom(decision) {
		return nil
	}
	clusters := make([]*snapshot.Cluster, len(decision.Candidates))
	limits := make([]Limit, len(decision.Candidates))
	for i := range decision.Candidates {
		clusters[i] = decision.Candidates[i].Cluster
		limits[i].Room = estimator.Unlimited
	}
	for _, e := range c.estimators {
		answer, err := e.Estimate(ctx, decision.Request.Spec, clusters)
		if err != nil || len(answer) != len(clusters) {
			continue
		}
		for i := range limits {
			if n := max(answer[i], 0); n < limits[i].Room {
				limits[i] = Limit{Room: n, Estimator: e.Name()}
			}
		}
	}
	return limits
}

// asksForRoom tells whether a step of the decision depended on the room of the candidates.
func (c *Cycle) asksForRoom(decision Result) bool {
	r := decision.Request
	return followsRoom(r) || len(r.Spec.Placement.SpreadConstraints) > 0 && !ignoresSpread(r.Spec.Placement.ReplicaScheduling)
}

// Interests returns, by the name of each filter plugin, the changes of a cluster that can end a refusal by it.
func (c *Cycle) Interests() map[string]snapshot.Change {
	interests := make(map[string]snapshot.Change, len(c.filters))
	for _, plugin := range c.filters {
		interests[plugin.Name()] = plugin.Interest()
	}
	return interests
}
