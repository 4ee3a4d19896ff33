package clusteraffinity

import (
	"context"

	"atoll.dev/atoll/pkg/scheduler/framework"
	"atoll.dev/atoll/pkg/scheduler/snapshot"
)

// Name of the plugin.
const Name = "ClusterAffinity"

var mismatch = &framework.Refusal{Plugin: Name, Reason: "outside the cluster affinity"}

// Plugin is a framework.FilterPlugin.
type Plugin struct{}

// Name implements framework.Plugin.
func (Plugin) Name() string { return Name }

// Interest implements framework.FilterPlugin.
func (Plugin) Interest() snapshot.Change { return snapshot.Labels | snapshot.Topology }

// Filter implements framework.FilterPlugin.
func (Plugin) Filter(_ context.Context, r *framework.Request) framework.ClusterFilter {
	if r.Affinity == nil {
		return nil
	}
	return func(c *snapshot.Cluster) *framework.Refusal {
		if _, ok := r.Tier(c); ok {
			return nil
		}
		return mismatch
	}
}
