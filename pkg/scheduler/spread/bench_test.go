package spread_test

import (
	"fmt"
	"testing"

	"atoll.dev/atoll/pkg/scheduler/internal/fixture"
	"atoll.dev/atoll/pkg/scheduler/spread"
)

// BenchmarkHardChoices are questions to which there is no answer, or which could blow
// up: what a search costs at most.
func BenchmarkHardChoices(b *testing.B) {
	const n = 5000
	var candidates []spread.Candidate
	for i := range n {
		candidates = append(candidates, candidate(0, 10, fixture.Cluster(fmt.Sprintf("m%04d", i), fixture.Label("host", fmt.Sprint("h", i)),
			fixture.Label("rack", fmt.Sprint("k", i%211)), fixture.At("p", fmt.Sprint("r", i%97), fmt.Sprint("z", i%13), fmt.Sprint("z", i%17)))))
	}
	for _, c := range []struct {
		name   string
		demand spread.Demand
	}{
		{"each cluster is a group", spread.Demand{Constraints: []spread.Constraint{by("label host", 100, 200), by("cluster", 100, 150)}, Replicas: 1000}},
		{"many regions", spread.Demand{Constraints: []spread.Constraint{by("region", 40, 50), by("cluster", 1000, 2600)}, Replicas: 1000}},
		{"two zones for a thousand clusters", spread.Demand{Constraints: []spread.Constraint{by("zone", 2, 2), by("region", 30, 0), by("cluster", 1000, 0)}, Replicas: 1000}},
		{"room that is not there", spread.Demand{Constraints: []spread.Constraint{by("zone", 4, 4), by("region", 10, 12), by("cluster", 10, 20)}, Replicas: 199}},
		{"too few racks", spread.Demand{Constraints: []spread.Constraint{by("zone", 13, 13), by("label rack", 20, 20), by("region", 3, 3), by("cluster", 20, 20)}, Replicas: 199}},
	} {
		b.Run(c.name, func(b *testing.B) {
			for b.Loop() {
				spread.Choose(c.demand, candidates)
			}
			_, o, short := spread.Choose(c.demand, candidates)
			if short != nil {
				b.Log(short.Message)
			} else {
				b.Log(o.Method)
			}
		})
	}
}
