package explain

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	workv1alpha2 "github.com/karmada-io/karmada/pkg/apis/work/v1alpha2"

	"atoll.dev/atoll/apis/scheduling/v1alpha1"
	"atoll.dev/atoll/pkg/scheduler/framework"
	"atoll.dev/atoll/pkg/scheduler/plugins/apienablement"
	"atoll.dev/atoll/pkg/scheduler/plugins/architecture"
	"atoll.dev/atoll/pkg/scheduler/plugins/clusteraffinity"
	"atoll.dev/atoll/pkg/scheduler/plugins/clustereviction"
	"atoll.dev/atoll/pkg/scheduler/plugins/portconflict"
	"atoll.dev/atoll/pkg/scheduler/plugins/spreadconstraint"
	"atoll.dev/atoll/pkg/scheduler/plugins/tainttoleration"
	"atoll.dev/atoll/pkg/scheduler/plugins/workloadaffinity"
	"atoll.dev/atoll/pkg/scheduler/snapshot"
)

// refusals groups the refused clusters by step and reason, the largest group first.
func refusals(d Decision, b Bounds) []v1alpha1.Refusal {
	groups := map[framework.Refusal]*v1alpha1.Refusal{}
	for _, refused := range d.Result.Refused {
		g := groups[*refused.Refusal]
		if g == nil {
			g = &v1alpha1.Refusal{Step: refused.Plugin, Reason: plain(refused.Reason), WouldHelp: remedy(d, refused.Plugin)}
			groups[*refused.Refusal] = g
		}
		g.Count++
		if len(g.Clusters) < b.Clusters {
			g.Clusters = append(g.Clusters, refused.Cluster)
		}
	}
	list := make([]v1alpha1.Refusal, 0, len(groups))
	for _, g := range groups {
		list = append(list, *g)
	}
	slices.SortFunc(list, func(a, b v1alpha1.Refusal) int {
		return cmp.Or(cmp.Compare(b.Count, a.Count), strings.Compare(a.Step, b.Step), strings.Compare(a.Reason, b.Reason))
	})
	return list
}

// plain takes away what is there for reasons to follow a number.
func plain(reason string) string { return strings.TrimPrefix(reason, "cluster(s) ") }

// remedy says what would have to change for a cluster to pass a step.
func remedy(d Decision, plugin string) string {
	var resource workv1alpha2.ObjectReference
	if d.Result.Request != nil {
		resource = d.Result.Request.Spec.Resource
	}
	switch plugin {
	case clusteraffinity.Name:
		if d.Result.AffinityName != "" {
			return fmt.Sprintf("match the cluster affinity of group %s in the policy: widen it, or label the cluster", d.Result.AffinityName)
		}
		return "match spec.placement.clusterAffinity of the policy: widen it, or label the cluster"
	case tainttoleration.Name:
		return "tolerate the taint in spec.placement.clusterTolerations of the policy, or take it off the cluster"
	case apienablement.Name:
		return fmt.Sprintf("install %s %s in the cluster", resource.APIVersion, resource.Kind)
	case spreadconstraint.Name:
		return "say in the cluster's spec (or labels) where it belongs, or drop the spread constraint from the policy"
	case clustereviction.Name:
		return "wait until the workload is evicted: spec.gracefulEvictionTasks of the binding"
	case workloadaffinity.Name:
		return "go where its affinity group is placed, or leave the group: spec.placement.workloadAffinity of the policy"
	case workloadaffinity.AntiName:
		return "take the other workload of its anti-affinity group off the cluster, or leave the group: spec.placement.workloadAffinity of the policy"
	case architecture.Name:
		return "a node in the cluster that runs the images, or images for the nodes that it has"
	case portconflict.Name:
		return "another port in the template, or take what holds the port off the cluster"
	case "ClusterRemoval":
		return "choose another cluster: this one is being removed"
	}
	if changes := changesIn(d.Interests[plugin]); changes != "" {
		return "a change of the cluster's " + changes
	}
	return ""
}

var changeNames = []struct {
	change snapshot.Change
	name   string
}{
	{snapshot.Labels, "labels"},
	{snapshot.Topology, "provider, region or zones"},
	{snapshot.Taints, "taints"},
	{snapshot.APIs, "kinds that it serves"},
	{snapshot.MoreRoom, "room"},
}

func changesIn(c snapshot.Change) string {
	var names []string
	for _, n := range changeNames {
		if c.Has(n.change) {
			names = append(names, n.name)
		}
	}
	return strings.Join(names, ", or ")
}
