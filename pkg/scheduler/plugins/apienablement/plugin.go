package apienablement

import (
	"context"

	"atoll.dev/atoll/pkg/scheduler/framework"
	"atoll.dev/atoll/pkg/scheduler/snapshot"
)

// Name of the plugin.
const Name = "APIEnablement"

// Plugin is a framework.FilterPlugin.
type Plugin struct{}

// Name implements framework.Plugin.
func (Plugin) Name() string { return Name }

// Interest implements framework.FilterPlugin.
func (Plugin) Interest() snapshot.Change { return snapshot.APIs }

// Filter implements framework.FilterPlugin.
func (Plugin) Filter(_ context.Context, r *framework.Request) framework.ClusterFilter {
	apiVersion, kind := r.Spec.Resource.APIVersion, r.Spec.Resource.Kind
	missing := &framework.Refusal{Plugin: Name, Reason: "lack " + apiVersion + " " + kind}
	return func(c *snapshot.Cluster) *framework.Refusal {
		if c.Serves(apiVersion, kind) || r.Holds(c.Name) {
			return nil
		}
		return missing
	}
}
