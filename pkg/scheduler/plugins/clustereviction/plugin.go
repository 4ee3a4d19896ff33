package clustereviction

import (
	"context"

	"atoll.dev/atoll/pkg/scheduler/framework"
	"atoll.dev/atoll/pkg/scheduler/snapshot"
)

// Name of the plugin.
const Name = "ClusterEviction"

var evicting = &framework.Refusal{Plugin: Name, Reason: "evicting the workload"}

// Plugin is a framework.FilterPlugin.
type Plugin struct{}

// Name implements framework.Plugin.
func (Plugin) Name() string { return Name }

// Interest implements framework.FilterPlugin. The end of an eviction changes the binding, not the cluster.
func (Plugin) Interest() snapshot.Change { return snapshot.None }

// Filter implements framework.FilterPlugin.
func (Plugin) Filter(_ context.Context, r *framework.Request) framework.ClusterFilter {
	if len(r.Spec.GracefulEvictionTasks) == 0 {
		return nil
	}
	return func(c *snapshot.Cluster) *framework.Refusal {
		if r.Spec.ClusterInGracefulEvictionTasks(c.Name) {
			return evicting
		}
		return nil
	}
}
