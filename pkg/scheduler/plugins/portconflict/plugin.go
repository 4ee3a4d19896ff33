package portconflict

import (
	"context"
	"fmt"

	workv1alpha2 "github.com/karmada-io/karmada/pkg/apis/work/v1alpha2"

	"atoll.dev/atoll/apis/karmada/wellknown"
	"atoll.dev/atoll/pkg/propagation/footprint"
	"atoll.dev/atoll/pkg/scheduler/binding"
	"atoll.dev/atoll/pkg/scheduler/framework"
	"atoll.dev/atoll/pkg/scheduler/snapshot"
)

// Name of the plugin.
const Name = "PortConflict"

// Plugin is a framework.FilterPlugin and a framework.ReservePlugin.
type Plugin struct{}

// Name implements framework.Plugin.
func (Plugin) Name() string { return Name }

// Interest implements framework.FilterPlugin. What ends a refusal happens to other bindings, not to a cluster.
func (Plugin) Interest() snapshot.Change { return snapshot.None }

// Filter implements framework.FilterPlugin.
func (Plugin) Filter(_ context.Context, r *framework.Request) framework.ClusterFilter {
	if r.Annotations[wellknown.PortsAnnotation] == "" {
		return nil
	}
	self := binding.MemberOf(r.Binding, r.Spec, r.Annotations)
	taken := map[string]*framework.Refusal{}
	for _, stake := range self.PortStakes() {
		for _, peer := range r.Peers.Peers(stake, r.Binding) {
			port, ok := conflict(self, peer)
			if !ok {
				continue
			}
			refusal := &framework.Refusal{Plugin: Name, Reason: fmt.Sprintf("port %s is taken by %s", port, peer.Template)}
			for _, cluster := range peer.Present {
				if taken[cluster] == nil {
					taken[cluster] = refusal
				}
			}
		}
	}
	if len(taken) == 0 {
		return nil
	}
	return func(c *snapshot.Cluster) *framework.Refusal {
		if r.Holds(c.Name) {
			return nil
		}
		return taken[c.Name]
	}
}

// Reserve implements framework.ReservePlugin.
func (Plugin) Reserve(_ context.Context, r *framework.Request, targets []workv1alpha2.TargetCluster) (func(bool), bool) {
	if r.Annotations[wellknown.PortsAnnotation] == "" {
		return func(bool) {}, true
	}
	claim := binding.MemberOf(r.Binding, r.Spec, r.Annotations).In(targets)
	release, ok := r.Peers.Claim(claim, claim.PortStakes(), func(_ binding.Stake, peer *binding.Member) bool {
		if _, conflicts := conflict(claim, peer); !conflicts {
			return true
		}
		for _, target := range targets {
			if !r.Holds(target.Name) && peer.IsPresent(target.Name) {
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

// conflict returns the first of a's ports that conflicts with one of b's.
func conflict(a, b *binding.Member) (footprint.Port, bool) {
	for _, x := range a.Ports {
		for _, y := range b.Ports {
			if x.Conflicts(y) {
				return x, true
			}
		}
	}
	return footprint.Port{}, false
}
