package cycle_test

import (
	"context"
	"testing"

	"atoll.dev/atoll/pkg/scheduler/cycle"
	"atoll.dev/atoll/pkg/scheduler/framework"
	. "atoll.dev/atoll/pkg/scheduler/internal/fixture"
	"atoll.dev/atoll/pkg/scheduler/snapshot"
)

// liking gives clusters the scores in it.
type liking struct {
	name   string
	scores map[string]int64
}

func (l liking) Name() string { return l.name }

func (l liking) Score(context.Context, *framework.Request) framework.ClusterScore {
	return func(c *snapshot.Cluster) int64 { return l.scores[c.Name] }
}

func TestWeights(t *testing.T) {
	near := liking{"Near", map[string]int64{"a": 100, "b": 60, "c": 0}}
	cheap := liking{"Cheap", map[string]int64{"a": 0, "b": 30, "c": 1_000_000}}
	for name, c := range map[string]struct {
		weights map[string]int64
		want    map[string]int64
	}{
		"1 by default":           {nil, map[string]int64{"a": 100, "b": 90, "c": 100}},
		"0 leaves out":           {map[string]int64{"Near": 0}, map[string]int64{"a": 0, "b": 30, "c": 100}},
		"bounded before weighed": {map[string]int64{"Cheap": 5}, map[string]int64{"a": 100, "b": 210, "c": 500}},
		"both":                   {map[string]int64{"Cheap": 2, "Near": 3}, map[string]int64{"a": 300, "b": 240, "c": 200}},
	} {
		t.Run(name, func(t *testing.T) {
			algorithm := cycle.New(cycle.Options{Plugins: []framework.Plugin{near, cheap}, Weights: c.weights})
			decision, err := algorithm.Place(t.Context(), framework.Question{Spec: Deployment(1, placement{})}, snapshot.New(abc()...))
			if err != nil {
				t.Fatal(err)
			}
			for _, candidate := range decision.Candidates {
				if got, want := candidate.Score, c.want[candidate.Name]; got != want {
					t.Errorf("%s has score %d, want %d", candidate.Name, got, want)
				}
			}
			for i := 1; i < len(decision.Candidates); i++ {
				if decision.Candidates[i-1].Score < decision.Candidates[i].Score {
					t.Errorf("%s comes before %s, which suits better", decision.Candidates[i-1].Name, decision.Candidates[i].Name)
				}
			}
		})
	}
}
