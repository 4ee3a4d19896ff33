package cycle

import (
	"context"

	"atoll.dev/atoll/pkg/scheduler/framework"
)

// scorer is a score plugin with its weight.
type scorer struct {
	framework.ScorePlugin
	weight int64
}

func weightOf(p framework.Plugin, weights map[string]int64) int64 {
	if weight, given := weights[p.Name()]; given {
		return weight
	}
	return 1
}

// score is step 3: it adds up what the score plugins say of each candidate.
func (c *Cycle) score(ctx context.Context, r *framework.Request, candidates []Candidate) {
	for _, plugin := range c.scorers {
		if plugin.weight == 0 {
			continue
		}
		score := plugin.Score(ctx, r)
		if score == nil {
			continue
		}
		for i := range candidates {
			given := plugin.weight * min(max(score(candidates[i].Cluster), 0), framework.MaxScore)
			candidates[i].Score += given
			if r.Trace {
				candidates[i].Scores = append(candidates[i].Scores, PluginScore{plugin.Name(), given})
			}
		}
	}
}
