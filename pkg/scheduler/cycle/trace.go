package cycle

import (
	"context"

	"atoll.dev/atoll/pkg/scheduler/estimator"
	"atoll.dev/atoll/pkg/scheduler/framework"
	"atoll.dev/atoll/pkg/scheduler/snapshot"
)

// PluginScore is what one score plugin gave to a candidate, times the weight of the plugin.
type PluginScore struct {
	Plugin string
	Score  int64
}

// Limits asks the estimators of a decision again, for an explanation of it: it returns
// for each candidate, in their order, what they say, the lowest first; nil if no step
// needed to know. It costs far more than the decision did.
func (c *Cycle) Limits(ctx context.Context, decision Result) [][]estimator.Answer {
	if decision.Request == nil || len(decision.Candidates) == 0 || !asksForRoom(decision.Request) {
		return nil
	}
	clusters := make([]*snapshot.Cluster, len(decision.Candidates))
	for i := range decision.Candidates {
		clusters[i] = decision.Candidates[i].Cluster
	}
	return estimator.Explain(ctx, c.estimators, decision.Request.Spec, clusters)
}

// asksForRoom tells whether a step depends on the room of the candidates.
func asksForRoom(r *framework.Request) bool {
	return followsRoom(r) || len(r.Spec.Placement.SpreadConstraints) > 0 && !ignoresSpread(r)
}

// Interests returns, by the name of each filter plugin, the changes of a cluster that can end a refusal by it.
func (c *Cycle) Interests() map[string]snapshot.Change {
	interests := make(map[string]snapshot.Change, len(c.filters))
	for _, plugin := range c.filters {
		interests[plugin.Name()] = plugin.Interest()
	}
	return interests
}

// Supposing returns a cycle for decisions that are only simulated: the same, but with
// other estimators, and with reserver in place of whatever claims for real decisions.
func (c *Cycle) Supposing(estimators []estimator.Estimator, reserver ...framework.ReservePlugin) *Cycle {
	supposing := *c
	supposing.estimators, supposing.reservers = estimators, reserver
	return &supposing
}

// Estimators returns those that the cycle asks.
func (c *Cycle) Estimators() []estimator.Estimator { return c.estimators }
