package storagepinning

import (
	"context"
	"fmt"

	"atoll.dev/atoll/apis/karmada/wellknown"
	"atoll.dev/atoll/pkg/membership/capacity"
	"atoll.dev/atoll/pkg/propagation/footprint"
	"atoll.dev/atoll/pkg/scheduler/framework"
	"atoll.dev/atoll/pkg/scheduler/snapshot"
)

// Name of the plugin.
const Name = "StoragePinning"

// Plugin is a framework.PinPlugin and a framework.ScorePlugin.
type Plugin struct{}

// Name implements framework.Plugin.
func (Plugin) Name() string { return Name }

// Pin implements framework.PinPlugin.
func (Plugin) Pin(_ context.Context, r *framework.Request) framework.ClusterPin {
	value := r.Annotations[wellknown.ClaimsAnnotation]
	if value == "" || len(r.Spec.Clusters) == 0 {
		return nil
	}
	claims := footprint.ParseClaims(value)
	return func(c *snapshot.Cluster) string {
		switch {
		case !r.Holds(c.Name):
			return ""
		case c.Nodes == nil:
			return fmt.Sprintf("its volume %s may live in %s, where nobody watches volumes", claims[0], c.Name)
		}
		if claim := local(c.Nodes, r.Spec.Resource.Namespace, claims); claim != "" {
			return fmt.Sprintf("its volume %s lives in %s", claim, c.Name)
		}
		return ""
	}
}

// Score implements framework.ScorePlugin: where a choice is limited pinned clusters are to be among the chosen.
func (p Plugin) Score(ctx context.Context, r *framework.Request) framework.ClusterScore {
	pin := p.Pin(ctx, r)
	if pin == nil {
		return nil
	}
	return func(c *snapshot.Cluster) int64 {
		if pin(c) != "" {
			return framework.MaxScore
		}
		return 0
	}
}

// local returns the first in the order of names of the claims that are bound to local volumes, empty if none is.
func local(view *capacity.View, namespace string, claims []string) string {
	first := ""
	for bound := range view.LocalClaims {
		if bound.Namespace != namespace || first != "" && first <= bound.Name {
			continue
		}
		for _, claim := range claims {
			if footprint.Covers(claim, bound.Name) {
				first = bound.Name
				break
			}
		}
	}
	return first
}
