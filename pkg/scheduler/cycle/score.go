package cycle

import (
	"context"

	"atoll.dev/atoll/pkg/scheduler/framework"
)

// score is step 3: it adds up what the score plugins say of each candidate.
func (c *Cycle) score(ctx context.Context, r *framework.Request, candidates []Candidate) {
	for _, plugin := range c.scorers {
		score := plugin.Score(ctx, r)
		if score == nil {
			continue
		}
		for i := range candidates {
			given := min(max(score(candidates[i].Cluster), 0), framework.MaxScore)
			candidates[i].Score += given
			if r.Trace {
				candidates[i].Scores = append(candidates[i].Scores, PluginScore{plugin.Name(), given})
			}
		}
	}
}
