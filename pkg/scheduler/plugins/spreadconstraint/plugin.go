package spreadconstraint

import (
	"context"

	"atoll.dev/atoll/pkg/scheduler/framework"
	"atoll.dev/atoll/pkg/scheduler/snapshot"
	"atoll.dev/atoll/pkg/scheduler/spread"
)

// Name of the plugin.
const Name = "SpreadConstraint"

// Plugin is a framework.FilterPlugin.
type Plugin struct{}

// Name implements framework.Plugin.
func (Plugin) Name() string { return Name }

// Interest implements framework.FilterPlugin.
func (Plugin) Interest() snapshot.Change { return snapshot.Topology | snapshot.Labels }

// Filter implements framework.FilterPlugin.
func (Plugin) Filter(_ context.Context, r *framework.Request) framework.ClusterFilter {
	type property struct {
		spread.Constraint
		missing *framework.Refusal
	}
	var needed []property
	for _, c := range spread.Parse(r.Spec.Placement.SpreadConstraints) {
		if !c.CountsClusters() {
			needed = append(needed, property{c, &framework.Refusal{Plugin: Name, Reason: c.Missing()}})
		}
	}
	if len(needed) == 0 {
		return nil
	}
	return func(c *snapshot.Cluster) *framework.Refusal {
		for _, p := range needed {
			if !p.Has(c) {
				return p.missing
			}
		}
		return nil
	}
}
