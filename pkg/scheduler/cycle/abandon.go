package cycle

import (
	"context"
	"fmt"
	"slices"

	policyv1alpha1 "github.com/karmada-io/karmada/pkg/apis/policy/v1alpha1"

	"atoll.dev/atoll/pkg/scheduler/affinity"
	"atoll.dev/atoll/pkg/scheduler/framework"
	"atoll.dev/atoll/pkg/scheduler/snapshot"
)

// abandons fails if the cluster group being tried leaves out a cluster that the
// workload must not leave, and could stay in by another group of the placement: a
// group that has no room for more replicas is no reason to take those that run to
// the next one.
func (c *Cycle) abandons(ctx context.Context, r *framework.Request) error {
	groups := r.Spec.Placement.ClusterAffinities
	if r.AffinityName == "" || len(groups) < 2 {
		return nil
	}
	for _, plugin := range c.pinners {
		pin := plugin.Pin(ctx, r)
		if pin == nil {
			continue
		}
		for _, target := range r.Spec.Clusters {
			cluster := r.Snapshot.Get(target.Name)
			if cluster == nil {
				continue
			}
			if _, here := r.Tier(cluster); here {
				continue
			}
			if reason := pin(cluster); reason != "" && slices.ContainsFunc(groups, func(g policyv1alpha1.ClusterAffinityTerm) bool { return c.fits(ctx, r, &g, cluster) }) {
				return &PinnedError{fmt.Sprintf("failed to select clusters: cluster group %s would leave %s, but %s", r.AffinityName, target.Name, reason)}
			}
		}
	}
	return nil
}

// fits tells whether the cluster passes all filters when another group is tried.
func (c *Cycle) fits(ctx context.Context, r *framework.Request, group *policyv1alpha1.ClusterAffinityTerm, cluster *snapshot.Cluster) bool {
	if !affinity.Compile(&group.ClusterAffinity).Matches(cluster) && len(group.OverflowAffinities) == 0 {
		return false
	}
	candidates, _ := c.filter(ctx, framework.NewRequest(framework.Question{
		Binding: r.Binding, Annotations: r.Annotations, Spec: r.Spec, Peers: r.Peers, Fresh: r.Fresh,
	}, group, r.Snapshot))
	return slices.ContainsFunc(candidates, func(c Candidate) bool { return c.Name == cluster.Name })
}
