package tainttoleration

import (
	"context"

	corev1 "k8s.io/api/core/v1"
	corev1helpers "k8s.io/component-helpers/scheduling/corev1"
	"k8s.io/klog/v2"

	"atoll.dev/atoll/pkg/scheduler/framework"
	"atoll.dev/atoll/pkg/scheduler/snapshot"
)

// Name of the plugin.
const Name = "TaintToleration"

// Plugin is a framework.FilterPlugin.
type Plugin struct{}

// Name implements framework.Plugin.
func (Plugin) Name() string { return Name }

// Interest implements framework.FilterPlugin.
func (Plugin) Interest() snapshot.Change { return snapshot.Taints }

// Filter implements framework.FilterPlugin.
func (Plugin) Filter(ctx context.Context, r *framework.Request) framework.ClusterFilter {
	log := klog.FromContext(ctx)
	tolerations := r.Spec.Placement.ClusterTolerations
	refusals := map[string]*framework.Refusal{} // by taint: many clusters have the same
	return func(c *snapshot.Cluster) *framework.Refusal {
		if len(c.Taints) == 0 || r.Holds(c.Name) {
			return nil
		}
		every := func(*corev1.Taint) bool { return true }
		taint, found := corev1helpers.FindMatchingUntoleratedTaint(log, c.Taints, tolerations, every, false)
		if !found {
			return nil
		}
		text := taint.ToString()
		if refusals[text] == nil {
			refusals[text] = &framework.Refusal{Plugin: Name, Reason: "taint " + text}
		}
		return refusals[text]
	}
}
