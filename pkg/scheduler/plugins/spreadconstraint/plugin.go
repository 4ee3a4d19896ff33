package spreadconstraint

import (
	"context"

	policyv1alpha1 "github.com/karmada-io/karmada/pkg/apis/policy/v1alpha1"

	"atoll.dev/atoll/pkg/scheduler/framework"
	"atoll.dev/atoll/pkg/scheduler/snapshot"
)

// Name of the plugin.
const Name = "SpreadConstraint"

// property is what a cluster must have to be in a group of a spread constraint.
type property struct {
	has     func(*snapshot.Cluster) bool
	missing *framework.Refusal
}

var properties = map[policyv1alpha1.SpreadFieldValue]property{
	policyv1alpha1.SpreadByFieldProvider: {
		has:     func(c *snapshot.Cluster) bool { return c.Fields[snapshot.ProviderField] != "" },
		missing: &framework.Refusal{Plugin: Name, Reason: "cluster(s) did not have provider property"},
	},
	policyv1alpha1.SpreadByFieldRegion: {
		has:     func(c *snapshot.Cluster) bool { return c.Fields[snapshot.RegionField] != "" },
		missing: &framework.Refusal{Plugin: Name, Reason: "cluster(s) did not have region property"},
	},
	policyv1alpha1.SpreadByFieldZone: {
		has:     func(c *snapshot.Cluster) bool { return len(c.Zones) > 0 },
		missing: &framework.Refusal{Plugin: Name, Reason: "cluster(s) did not have zones property"},
	},
}

// Plugin is a framework.FilterPlugin.
type Plugin struct{}

// Name implements framework.Plugin.
func (Plugin) Name() string { return Name }

// Interest implements framework.FilterPlugin.
func (Plugin) Interest() snapshot.Change { return snapshot.Topology }

// Filter implements framework.FilterPlugin.
func (Plugin) Filter(_ context.Context, r *framework.Request) framework.ClusterFilter {
	var needed []property
	for _, constraint := range r.Spec.Placement.SpreadConstraints {
		if p, ok := properties[constraint.SpreadByField]; ok {
			needed = append(needed, p)
		}
	}
	if len(needed) == 0 {
		return nil
	}
	return func(c *snapshot.Cluster) *framework.Refusal {
		for _, p := range needed {
			if !p.has(c) {
				return p.missing
			}
		}
		return nil
	}
}
