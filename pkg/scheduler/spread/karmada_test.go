package spread_test

import (
	"cmp"
	"encoding/json"
	"os"
	"slices"
	"strings"
	"testing"

	clusterv1alpha1 "github.com/karmada-io/karmada/pkg/apis/cluster/v1alpha1"

	"atoll.dev/atoll/pkg/scheduler/internal/fixture"
	"atoll.dev/atoll/pkg/scheduler/snapshot"
	"atoll.dev/atoll/pkg/scheduler/spread"
)

// testdata/karmada.json holds random clusters and constraints by region and cluster
// with what Karmada v1.18.1 selected for them, or its error. Karmada does not look at
// room when it selects by region. Where its choice has too little room for the
// replicas, so that it fails to assign them, or none in a region that was asked for,
// ours may be another.
func TestRegionsAreKarmadas(t *testing.T) {
	file, err := os.ReadFile("testdata/karmada.json")
	if err != nil {
		t.Fatal(err)
	}
	var cases []struct {
		Clusters []struct {
			Name, Region    string
			Score, Capacity int64
		}
		Region, Cluster [2]int
		Replicas        int64
		Duplicated      bool
		Want            []string
		Error           string
	}
	if err := json.Unmarshal(file, &cases); err != nil {
		t.Fatal(err)
	}
	same := 0
	for i, c := range cases {
		demand := spread.Demand{Replicas: c.Replicas, Constraints: []spread.Constraint{
			{Field: "cluster", Least: c.Cluster[0], Most: c.Cluster[1]}, {Field: "region", Least: c.Region[0], Most: c.Region[1]},
		}}
		if c.Duplicated {
			demand.Use = spread.Duplicated
		}
		var candidates []spread.Candidate
		room := map[string]int64{}
		inRegion := map[string]string{}
		for _, of := range c.Clusters {
			candidates = append(candidates, candidate(of.Score, of.Capacity, fixture.Cluster(of.Name, fixture.At("", of.Region))))
			room[of.Name], inRegion[of.Name] = of.Capacity, of.Region
		}
		rank(candidates)
		chosen, _, short := spread.Choose(demand, candidates)
		if c.Error != "" {
			if short == nil || !strings.HasPrefix(short.Message, c.Error) && !strings.HasPrefix(short.Message, "no enough resource") &&
				!strings.HasPrefix(short.Message, "the number of feasible clusters") {
				t.Errorf("case %d: %v, %+v; want %s", i, chosen, short, c.Error)
			}
			continue
		}
		var sum int64
		regions := map[string]bool{}
		for _, name := range c.Want {
			sum += room[name]
			if room[name] > 0 {
				regions[inRegion[name]] = true
			}
		}
		if !c.Duplicated && (sum < c.Replicas || len(regions) < c.Region[0]) {
			continue
		}
		same++
		if got := names(candidates, chosen); !slices.Equal(got, c.Want) {
			t.Errorf("case %d: %v, %+v; want %v", i, got, short, c.Want)
		}
	}
	if same < 80 {
		t.Errorf("only %d of %d cases were compared", same, len(cases))
	}
}

func candidate(score, capacity int64, object *clusterv1alpha1.Cluster) spread.Candidate {
	return spread.Candidate{Cluster: snapshot.New(object).Clusters()[0], Score: score, Capacity: capacity}
}

func rank(candidates []spread.Candidate) {
	slices.SortFunc(candidates, func(a, b spread.Candidate) int {
		return cmp.Or(cmp.Compare(b.Score, a.Score), cmp.Compare(b.Capacity, a.Capacity), strings.Compare(a.Cluster.Name, b.Cluster.Name))
	})
}

func names(candidates []spread.Candidate, chosen []int) []string {
	var names []string
	for _, i := range chosen {
		names = append(names, candidates[i].Cluster.Name)
	}
	slices.Sort(names)
	return names
}
