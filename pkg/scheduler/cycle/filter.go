package cycle

import (
	"context"

	"atoll.dev/atoll/pkg/scheduler/framework"
	"atoll.dev/atoll/pkg/scheduler/snapshot"
)

// leaving refuses clusters that are being removed: what they hold is cleaned up, nothing new may come.
var leaving = &framework.Refusal{Plugin: "ClusterRemoval", Reason: "being removed"}

// filter is step 2. Clusters that are not ready pass: whether to go there is for taints to say.
func (c *Cycle) filter(ctx context.Context, r *framework.Request) ([]Candidate, []Refused) {
	checks := make([]framework.ClusterFilter, 0, len(c.filters))
	for _, plugin := range c.filters {
		if check := plugin.Filter(ctx, r); check != nil {
			checks = append(checks, check)
		}
	}
	var (
		clusters   = r.Snapshot.Clusters()
		candidates = make([]Candidate, 0, len(clusters))
		refused    []Refused
	)
	for _, cluster := range clusters {
		if refusal := firstRefusal(cluster, checks); refusal != nil {
			refused = append(refused, Refused{cluster.Name, refusal})
			continue
		}
		candidates = append(candidates, newCandidate(cluster, r))
	}
	return candidates, refused
}

func firstRefusal(c *snapshot.Cluster, checks []framework.ClusterFilter) *framework.Refusal {
	if c.Leaving {
		return leaving
	}
	for _, check := range checks {
		if refusal := check(c); refusal != nil {
			return refusal
		}
	}
	return nil
}

func newCandidate(c *snapshot.Cluster, r *framework.Request) Candidate {
	candidate := Candidate{Cluster: c}
	if candidate.Held = r.Held(c.Name); inSets(r.Spec) && r.Holds(c.Name) {
		candidate.Held = 1
	}
	if len(r.Overflow) > 0 {
		candidate.Tier, _ = r.Tier(c)
	}
	return candidate
}

// noFit tells what would have to change for any of the refused clusters to pass.
func (c *Cycle) noFit(refused []Refused, r *framework.Request) error {
	return &FitError{Total: len(r.Snapshot.Clusters()), Refused: refused, wakes: c.admits(refused)}
}

// admits returns the changes of a cluster that can let another one in: a new cluster,
// or an end of the refusals that there were.
func (c *Cycle) admits(refused []Refused) snapshot.Change {
	interest := map[string]snapshot.Change{}
	for _, plugin := range c.filters {
		interest[plugin.Name()] = plugin.Interest()
	}
	admits := snapshot.Joined
	for _, refusal := range refused {
		admits |= interest[refusal.Plugin]
	}
	return admits
}
