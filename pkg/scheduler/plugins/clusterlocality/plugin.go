package clusterlocality

import (
	"context"

	"atoll.dev/atoll/pkg/scheduler/framework"
	"atoll.dev/atoll/pkg/scheduler/snapshot"
)

// Name of the plugin.
const Name = "ClusterLocality"

// Plugin is a framework.ScorePlugin.
type Plugin struct{}

// Name implements framework.Plugin.
func (Plugin) Name() string { return Name }

// Score implements framework.ScorePlugin.
func (Plugin) Score(_ context.Context, r *framework.Request) framework.ClusterScore {
	if len(r.Spec.Clusters) == 0 {
		return nil
	}
	return func(c *snapshot.Cluster) int64 {
		if r.Holds(c.Name) {
			return framework.MaxScore
		}
		return 0
	}
}
