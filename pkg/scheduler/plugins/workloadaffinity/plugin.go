package workloadaffinity

import (
	"context"
	"slices"

	workv1alpha2 "github.com/karmada-io/karmada/pkg/apis/work/v1alpha2"

	"atoll.dev/atoll/pkg/scheduler/binding"
	"atoll.dev/atoll/pkg/scheduler/framework"
	"atoll.dev/atoll/pkg/scheduler/snapshot"
)

// Names of the plugins; they are Karmada's.
const (
	Name     = "WorkloadAffinity"
	AntiName = "WorkloadAntiAffinity"
)

// Plugin is a framework.FilterPlugin and a framework.ReservePlugin. Its zero value
// does nothing: make it by Together or Apart.
type Plugin struct {
	name string
	kind binding.StakeKind
	// admits tells whether a peer lets the workload into the cluster.
	admits func(peer *binding.Member, cluster string) bool
	// check prepares the same for many clusters.
	check func(group string, peers []*binding.Member) framework.ClusterFilter
}

// Together is the plugin that keeps the workloads of an affinity group together.
func Together() Plugin {
	return Plugin{
		name: Name, kind: binding.AffinityGroup,
		admits: func(peer *binding.Member, cluster string) bool {
			return len(peer.Placed) == 0 || peer.IsPlaced(cluster)
		},
		check: together,
	}
}

// Apart is the plugin that keeps the workloads of an anti-affinity group apart.
func Apart() Plugin {
	return Plugin{
		name: AntiName, kind: binding.AntiAffinityGroup,
		admits: func(peer *binding.Member, cluster string) bool { return !peer.IsPlaced(cluster) },
		check:  apart,
	}
}

// Name implements framework.Plugin.
func (p Plugin) Name() string { return p.name }

// Interest implements framework.FilterPlugin. What ends a refusal happens to other bindings, not to a cluster.
func (Plugin) Interest() snapshot.Change { return snapshot.None }

// stake returns the group, and false if the workload is in none.
func (p Plugin) stake(spec *workv1alpha2.ResourceBindingSpec) (binding.Stake, bool) {
	groups := spec.WorkloadAffinityGroups
	if groups == nil || spec.Resource.Namespace == "" {
		return binding.Stake{}, false
	}
	name := groups.AffinityGroup
	if p.kind == binding.AntiAffinityGroup {
		name = groups.AntiAffinityGroup
	}
	return binding.Stake{Kind: p.kind, Namespace: spec.Resource.Namespace, Name: name}, name != ""
}

// Filter implements framework.FilterPlugin.
func (p Plugin) Filter(_ context.Context, r *framework.Request) framework.ClusterFilter {
	stake, ok := p.stake(r.Spec)
	if !ok {
		return nil
	}
	check := p.check(stake.Name, r.Peers.Peers(stake, r.Binding))
	if check == nil {
		return nil
	}
	return func(c *snapshot.Cluster) *framework.Refusal {
		if r.Holds(c.Name) {
			return nil
		}
		return check(c)
	}
}

// Reserve implements framework.ReservePlugin.
func (p Plugin) Reserve(_ context.Context, r *framework.Request, targets []workv1alpha2.TargetCluster) (func(bool), bool) {
	stake, ok := p.stake(r.Spec)
	if !ok {
		return func(bool) {}, true
	}
	claim := binding.MemberOf(r.Binding, r.Spec, r.Annotations).In(targets)
	release, ok := r.Peers.Claim(claim, []binding.Stake{stake}, func(_ binding.Stake, peer *binding.Member) bool {
		for _, target := range targets {
			if !r.Holds(target.Name) && !p.admits(peer, target.Name) {
				return false
			}
		}
		return true
	})
	if !ok {
		return nil, false
	}
	return func(bool) { release() }, true
}

// together lets pass what all peers that are placed have in common.
func together(group string, peers []*binding.Member) framework.ClusterFilter {
	placed := 0
	count := map[string]int{}
	for _, peer := range peers {
		if len(peer.Placed) > 0 {
			placed++
		}
		for _, cluster := range peer.Placed {
			count[cluster]++
		}
	}
	if placed == 0 {
		return nil
	}
	refusals := map[*binding.Member]*framework.Refusal{}
	return func(c *snapshot.Cluster) *framework.Refusal {
		if count[c.Name] == placed {
			return nil
		}
		missing := peers[slices.IndexFunc(peers, func(p *binding.Member) bool { return len(p.Placed) > 0 && !p.IsPlaced(c.Name) })]
		if refusals[missing] == nil {
			refusals[missing] = &framework.Refusal{Plugin: Name, Reason: "lack others of affinity group " + group, Detail: missing.Template + " is not there"}
		}
		return refusals[missing]
	}
}

// apart lets pass where no peer is placed.
func apart(group string, peers []*binding.Member) framework.ClusterFilter {
	taken := map[string]*framework.Refusal{}
	for _, peer := range peers {
		refusal := &framework.Refusal{
			Plugin: AntiName, Reason: "hold another of anti-affinity group " + group, Detail: peer.Template + " is there",
		}
		for _, cluster := range peer.Placed {
			if taken[cluster] == nil {
				taken[cluster] = refusal
			}
		}
	}
	if len(taken) == 0 {
		return nil
	}
	return func(c *snapshot.Cluster) *framework.Refusal { return taken[c.Name] }
}
