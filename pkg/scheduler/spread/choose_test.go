package spread_test

import (
	"fmt"
	"math/bits"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"atoll.dev/atoll/pkg/scheduler/internal/fixture"
	"atoll.dev/atoll/pkg/scheduler/snapshot"
	"atoll.dev/atoll/pkg/scheduler/spread"
)

func by(f string, least, most int) spread.Constraint {
	if key, ok := strings.CutPrefix(f, "label "); ok {
		return spread.Constraint{Label: key, Least: least, Most: most}
	}
	c := spread.Constraint{Least: least, Most: most}
	switch f {
	case "cluster":
		c.Field = "cluster"
	case "region":
		c.Field = "region"
	case "zone":
		c.Field = "zone"
	case "provider":
		c.Field = "provider"
	}
	return c
}

// site makes a candidate NAME from "NAME region zone+zone capacity score", "-" for none.
func site(text string, options ...fixture.ClusterOption) spread.Candidate {
	var (
		name, region, zones string
		capacity, score     int64
	)
	if _, err := fmt.Sscan(text, &name, &region, &zones, &capacity, &score); err != nil {
		panic(err)
	}
	if region == "-" {
		region = ""
	}
	var list []string
	if zones != "-" {
		list = strings.Split(zones, "+")
	}
	return candidate(score, capacity, fixture.Cluster(name, append(options, fixture.At("p", region, list...))...))
}

func TestChoose(t *testing.T) {
	rack := func(value string) fixture.ClusterOption { return fixture.Label("rack", value) }
	holding := func(c spread.Candidate) spread.Candidate { c.Holds = true; return c }
	six := []spread.Candidate{
		site("a r1 z1 10 0"), site("b r1 z2 10 0"), site("c r2 z3 10 0"), site("d r2 z3 10 0"), site("e r3 z4 10 0"), site("f r3 z5 10 0"),
	}
	for _, c := range []struct {
		name       string
		candidates []spread.Candidate
		demand     spread.Demand
		want       string
		method     spread.Method
	}{
		{"clusters alone, by rank", six, spread.Demand{Constraints: []spread.Constraint{by("cluster", 1, 2)}, Replicas: 5}, "a b", spread.ByRank},
		{"clusters alone, a roomier one for the worst", append(slices.Clone(six), site("g r1 z1 50 0")),
			spread.Demand{Constraints: []spread.Constraint{by("cluster", 1, 1)}, Replicas: 30}, "g", spread.ByRank},
		{"no most of clusters: all of the groups", six, spread.Demand{Constraints: []spread.Constraint{by("region", 2, 2)}, Replicas: 5}, "a b c d", spread.ByGroups},
		{"no most of groups: as few as do", six, spread.Demand{Constraints: []spread.Constraint{by("region", 2, 0), by("cluster", 1, 0)}, Replicas: 5}, "a b c d", spread.ByGroups},
		{"a region more for the least of clusters", six, spread.Demand{Constraints: []spread.Constraint{by("region", 1, 0), by("cluster", 5, 5)}, Replicas: 5}, "a b c d e", spread.ByGroups},
		{"one cluster in each region", six, spread.Demand{Constraints: []spread.Constraint{by("region", 3, 3), by("cluster", 1, 1)}, Replicas: 5}, "a c e", spread.ByGroups},
		{"zones", six, spread.Demand{Constraints: []spread.Constraint{by("zone", 3, 3), by("cluster", 3, 3)}, Replicas: 5}, "a b c", spread.ByGroups},
		{"a cluster in two zones counts for both", []spread.Candidate{site("a r1 z1 10 0"), site("b r1 z1+z2 10 0"), site("c r1 z2 0 0")},
			spread.Demand{Constraints: []spread.Constraint{by("zone", 2, 2), by("cluster", 1, 1)}, Replicas: 5}, "b", spread.BySearch},
		{"a cluster in too many zones is not taken", []spread.Candidate{site("a r1 z1+z2+z3 10 100"), site("b r1 z1 10 0"), site("c r1 z2 10 0")},
			spread.Demand{Constraints: []spread.Constraint{by("zone", 2, 2)}, Replicas: 5}, "b c", spread.BySearch},
		{"regions and zones: r2 has one zone only", six, spread.Demand{Constraints: []spread.Constraint{by("region", 2, 2), by("zone", 4, 4), by("cluster", 4, 6)}, Replicas: 5}, "a b e f", spread.BySearch},
		{"regions, zones and clusters", six, spread.Demand{Constraints: []spread.Constraint{by("region", 2, 2), by("zone", 3, 4), by("cluster", 3, 3)}, Replicas: 5}, "a b c", spread.BySearch},
		{"by provider", []spread.Candidate{candidate(0, 9, fixture.Cluster("a", fixture.At("x", ""))), candidate(0, 9, fixture.Cluster("b", fixture.At("x", ""))), candidate(0, 9, fixture.Cluster("c", fixture.At("y", "")))},
			spread.Demand{Constraints: []spread.Constraint{by("provider", 2, 2), by("cluster", 2, 2)}, Replicas: 2}, "a c", spread.ByGroups},
		{"by label alone", []spread.Candidate{site("a - - 9 0", rack("1")), site("b - - 9 0", rack("1")), site("c - - 9 0", rack("2")), site("d - - 9 0")},
			spread.Demand{Constraints: []spread.Constraint{by("label rack", 2, 2)}, Replicas: 2}, "a b c", spread.ByGroups},
		{"the region with room for its part", []spread.Candidate{site("a r1 - 3 100"), site("b r2 - 9 0"), site("c r3 - 9 0")},
			spread.Demand{Constraints: []spread.Constraint{by("region", 2, 2)}, Replicas: 12}, "b c", spread.ByGroups},
		{"the better clusters among regions with room", []spread.Candidate{site("a r1 - 9 100"), site("b r2 - 20 0"), site("c r3 - 20 0")},
			spread.Demand{Constraints: []spread.Constraint{by("region", 1, 1)}, Replicas: 9}, "a", spread.ByGroups},
		{"a region without room does not count", []spread.Candidate{site("a r1 - 50 0"), site("b r2 - 0 100"), site("c r3 - 1 0")},
			spread.Demand{Constraints: []spread.Constraint{by("region", 2, 2)}, Replicas: 12}, "a c", spread.ByGroups},
		{"a roomier cluster of the same region", []spread.Candidate{site("a r1 - 5 100"), site("b r1 - 30 0"), site("c r2 - 5 0")},
			spread.Demand{Constraints: []spread.Constraint{by("region", 2, 2), by("cluster", 2, 2)}, Replicas: 30}, "b c", spread.ByGroups},
		{"scores never count more than room", []spread.Candidate{site("a r1 - 5 9000"), site("b r2 - 9 0")},
			spread.Demand{Constraints: []spread.Constraint{by("region", 1, 1)}, Replicas: 6, Use: spread.Divided}, "b", spread.ByGroups},
		{"and decide between groups with room", []spread.Candidate{site("b r2 - 9 1000"), site("a r1 - 9 0")},
			spread.Demand{Constraints: []spread.Constraint{by("region", 1, 1)}, Replicas: 6, Use: spread.Duplicated}, "b", spread.ByGroups},
		{"duplicated looks at rooms for the score only", []spread.Candidate{site("a r1 - 1 100"), site("b r2 - 9 0")},
			spread.Demand{Use: spread.Duplicated, Constraints: []spread.Constraint{by("region", 1, 1)}, Replicas: 5}, "b", spread.ByGroups},
		{"whole sets go only where one fits", []spread.Candidate{site("a r1 - 0 100"), site("b r2 - 1 0"), site("c r2 - 1 0")},
			spread.Demand{Use: spread.Whole, Constraints: []spread.Constraint{by("cluster", 1, 1)}}, "b", spread.ByRank},
		{"whole sets in two regions", []spread.Candidate{site("a r1 - 0 100"), site("b r1 - 1 0"), site("c r2 - 3 0")},
			spread.Demand{Use: spread.Whole, Constraints: []spread.Constraint{by("region", 2, 2), by("cluster", 2, 2)}}, "b c", spread.ByGroups},
		{"the groups in use are kept", []spread.Candidate{site("a r1 - 50 100"), holding(site("b r2 - 5 0")), site("c r2 - 5 0")},
			spread.Demand{Constraints: []spread.Constraint{by("region", 1, 1), by("cluster", 1, 2)}, Replicas: 6}, "b c", spread.Kept},
		{"unless a fresh choice is asked for", []spread.Candidate{site("a r1 - 50 100"), holding(site("b r2 - 5 0")), site("c r2 - 5 0")},
			spread.Demand{Fresh: true, Constraints: []spread.Constraint{by("region", 1, 1), by("cluster", 1, 2)}, Replicas: 6}, "a", spread.ByGroups},
		{"or they have too little room", []spread.Candidate{site("a r1 - 50 0"), holding(site("b r2 - 5 100")), site("c r2 - 5 0")},
			spread.Demand{Constraints: []spread.Constraint{by("region", 1, 1), by("cluster", 1, 2)}, Replicas: 11}, "a", spread.ByGroups},
		{"a group beside the one in use", []spread.Candidate{site("a r1 - 2 0"), holding(site("b r2 - 5 0")), site("c r3 - 50 0")},
			spread.Demand{Constraints: []spread.Constraint{by("region", 2, 2)}, Replicas: 6}, "b c", spread.Kept},
	} {
		t.Run(c.name, func(t *testing.T) {
			chosen, o, short := spread.Choose(c.demand, c.candidates)
			if got := strings.Join(names(c.candidates, chosen), " "); got != c.want || short != nil {
				t.Fatalf("chosen %q, %+v; want %q", got, short, c.want)
			}
			if o.Method != c.method || o.Clusters != len(chosen) {
				t.Errorf("%d clusters by %q, want %d by %q", o.Clusters, o.Method, len(chosen), c.method)
			}
		})
	}
}

func TestShortages(t *testing.T) {
	three := []spread.Candidate{site("a r1 z1 10 0"), site("b r1 z2 10 0"), site("c r2 z2 10 0")}
	for _, c := range []struct {
		name   string
		demand spread.Demand
		want   string
		wakes  snapshot.Change
	}{
		{"clusters", spread.Demand{Constraints: []spread.Constraint{by("cluster", 4, 0)}, Replicas: 1},
			"the number of feasible clusters is less than spreadConstraint.MinGroups (3 of 4)", snapshot.None},
		{"clusters of groups", spread.Demand{Constraints: []spread.Constraint{by("cluster", 4, 0), by("region", 1, 1)}, Replicas: 1},
			"the number of feasible clusters is less than spreadConstraint.MinGroups (3 of 4)", snapshot.None},
		{"regions", spread.Demand{Constraints: []spread.Constraint{by("region", 3, 0)}, Replicas: 1},
			"the number of feasible region is less than spreadConstraint.MinGroups: 3 regions are needed, there are 2 (r1, r2)", snapshot.Topology},
		{"labels", spread.Demand{Constraints: []spread.Constraint{by("label rack", 1, 0)}, Replicas: 1},
			"the number of feasible label rack is less than spreadConstraint.MinGroups: 1 value of label rack is needed, there is none", snapshot.Labels},
		{"room of clusters", spread.Demand{Constraints: []spread.Constraint{by("cluster", 1, 2)}, Replicas: 21},
			"no enough resource when selecting 2 clusters: together they can hold 20 of 21 replicas", snapshot.MoreRoom},
		{"room of groups", spread.Demand{Constraints: []spread.Constraint{by("region", 1, 1)}, Replicas: 21},
			"no enough resource when selecting 3 clusters: no choice of clusters that satisfies 1..1 regions has room for 21 replicas", snapshot.MoreRoom | snapshot.Topology},
		{"too few clusters in too few regions", spread.Demand{Constraints: []spread.Constraint{by("region", 1, 1), by("cluster", 3, 3)}, Replicas: 1},
			"no choice of clusters satisfies all spread constraints: without 1..1 regions there is one for 3..3 clusters", snapshot.MoreRoom | snapshot.Topology},
		{"regions against zones", spread.Demand{Use: spread.Duplicated, Constraints: []spread.Constraint{by("region", 1, 1), by("zone", 1, 1), by("cluster", 2, 0)}, Replicas: 1},
			"no choice of clusters satisfies all spread constraints: without 1..1 regions there is one for 1..1 zones, 2 or more clusters", snapshot.Topology},
		{"whole sets", spread.Demand{Use: spread.Whole, Constraints: []spread.Constraint{by("cluster", 4, 4)}},
			"the number of feasible clusters is less than spreadConstraint.MinGroups (3 of 4)", snapshot.None},
	} {
		t.Run(c.name, func(t *testing.T) {
			chosen, _, short := spread.Choose(c.demand, three)
			if short == nil || short.Message != c.want || short.Wakes != c.wakes {
				t.Errorf("chosen %v, %+v; want %q and %b", names(three, chosen), short, c.want, c.wakes)
			}
		})
	}
}

// TestClustersWithoutGroups: no plugin need have refused them.
func TestClustersWithoutGroups(t *testing.T) {
	candidates := []spread.Candidate{site("a r1 - 9 0"), site("b - z1 9 0")}
	d := spread.Demand{Use: spread.Duplicated, Constraints: []spread.Constraint{by("region", 1, 1), by("zone", 1, 1)}}
	if chosen, _, short := spread.Choose(d, candidates); short == nil {
		t.Errorf("chosen %v, want a shortage", names(candidates, chosen))
	}
	candidates = append(candidates, site("c r2 z2 9 0"))
	if chosen, _, short := spread.Choose(d, candidates); short != nil || !slices.Equal(chosen, []int{2}) {
		t.Errorf("chosen %v, %+v; want c", names(candidates, chosen), short)
	}
	if chosen, _, short := spread.Choose(d, nil); short == nil {
		t.Errorf("chosen %v of none", chosen)
	}
}

// randomDemand makes a small question, so that all answers to it can be listed.
func randomDemand(r *rand.Rand) (spread.Demand, []spread.Candidate) {
	var candidates []spread.Candidate
	holds := r.IntN(3) == 0
	for i := range 1 + r.IntN(9) {
		zones := []string{fmt.Sprint("z", r.IntN(4))}
		if r.IntN(4) == 0 {
			zones = append(zones, fmt.Sprint("z", r.IntN(4)))
		}
		c := candidate(100*r.Int64N(2), 5*r.Int64N(5), fixture.Cluster(fmt.Sprintf("m%d", i),
			fixture.Label("rack", fmt.Sprint("k", r.IntN(3))), fixture.At("p", fmt.Sprint("r", r.IntN(4)), zones...)))
		c.Holds = holds && r.IntN(3) == 0
		candidates = append(candidates, c)
	}
	rank(candidates)
	d := spread.Demand{Use: spread.Use(r.IntN(3)), Replicas: r.Int64N(40), Fresh: r.IntN(4) == 0}
	for _, f := range []string{"cluster", "region", "zone", "label rack"} {
		if r.IntN(2) == 0 {
			least := 1 + r.IntN(3)
			most := least + r.IntN(3)
			if r.IntN(4) == 0 {
				most = 0
			}
			d.Constraints = append(d.Constraints, by(f, least, most))
		}
	}
	if len(d.Constraints) == 0 {
		d.Constraints = append(d.Constraints, by("zone", 1, 2))
	}
	return d, candidates
}

// broken says which constraint a choice breaks, reading them as Choose documents it.
func broken(d spread.Demand, candidates []spread.Candidate, chosen []int) string {
	greatest, raised := 0, 0
	for _, c := range d.Constraints {
		if !c.CountsClusters() {
			greatest = max(greatest, c.Least)
			widest := 0
			for _, of := range candidates {
				if d.Use != spread.Whole || of.Capacity > 0 {
					widest = max(widest, len(slices.Compact(slices.Sorted(slices.Values(c.GroupsOf(of.Cluster))))))
				}
			}
			if widest <= 1 {
				raised = max(raised, c.Least)
			}
		}
	}
	needsRoom := d.Use == spread.Whole || d.Use == spread.Divided && greatest > 0 && d.Replicas >= int64(greatest)
	var capacity int64
	for _, i := range chosen {
		capacity += candidates[i].Capacity
		if d.Use == spread.Whole && candidates[i].Capacity < 1 {
			return "no room for a set in " + candidates[i].Cluster.Name
		}
	}
	if d.Use == spread.Divided && capacity < d.Replicas {
		return "room"
	}
	for _, c := range d.Constraints {
		all, counting := map[string]bool{}, map[string]bool{}
		for _, i := range chosen {
			for _, g := range c.GroupsOf(candidates[i].Cluster) {
				all[g] = true
				if !needsRoom || candidates[i].Capacity > 0 || c.CountsClusters() {
					counting[g] = true
				}
			}
		}
		most := c.Most
		if c.CountsClusters() && most > 0 {
			most = max(most, raised)
		}
		if len(counting) < c.Least || most > 0 && len(all) > most {
			return c.By()
		}
	}
	return ""
}

// TestChoosesIfThereIsAChoice compares with all subsets of a few clusters.
func TestChoosesIfThereIsAChoice(t *testing.T) {
	r := rand.New(rand.NewPCG(3, 1))
	chose, short := 0, 0
	for i := range 6000 {
		d, candidates := randomDemand(r)
		chosen, o, shortage := spread.Choose(d, candidates)
		again, _, _ := spread.Choose(d, candidates)
		if !slices.Equal(chosen, again) {
			t.Fatalf("case %d: the same input gives %v and %v", i, chosen, again)
		}
		if shortage == nil {
			chose++
			if what := broken(d, candidates, chosen); what != "" {
				t.Fatalf("case %d: %v breaks %s: %+v by %s", i, names(candidates, chosen), what, d, o.Method)
			}
			continue
		}
		short++
		if shortage.Message == "" {
			t.Fatalf("case %d: a shortage of nothing", i)
		}
		for set := uint(1); set < 1<<len(candidates); set++ {
			var subset []int
			for rest := set; rest > 0; rest &= rest - 1 {
				subset = append(subset, bits.TrailingZeros(rest))
			}
			if broken(d, candidates, subset) == "" {
				t.Fatalf("case %d: %+v: %q, and yet %v is a choice among %v", i, d, shortage.Message, names(candidates, subset), candidates)
			}
		}
	}
	if chose < 2000 || short < 1000 {
		t.Errorf("%d choices and %d shortages: the cases are no test", chose, short)
	}
}

// TestManyGroups asks for more than can be solved exactly: a choice is found all the same.
func TestManyGroups(t *testing.T) {
	r := rand.New(rand.NewPCG(9, 2))
	var candidates []spread.Candidate
	for i := range 1500 {
		candidates = append(candidates, candidate(100*r.Int64N(2), r.Int64N(20), fixture.Cluster(fmt.Sprintf("m%04d", i),
			fixture.Label("rack", fmt.Sprint("k", i/2)), fixture.At("p", fmt.Sprint("r", r.IntN(60)), fmt.Sprint("z", r.IntN(9))))))
	}
	rank(candidates)
	for _, d := range []spread.Demand{
		{Constraints: []spread.Constraint{by("label rack", 100, 200), by("cluster", 100, 150)}, Replicas: 1000},
		{Constraints: []spread.Constraint{by("label rack", 100, 120), by("cluster", 230, 0)}, Replicas: 1000},
		{Use: spread.Duplicated, Constraints: []spread.Constraint{by("label rack", 300, 0), by("region", 50, 60), by("zone", 3, 0), by("cluster", 300, 400)}, Replicas: 5},
	} {
		chosen, o, short := spread.Choose(d, candidates)
		if short != nil {
			t.Errorf("%+v: %s", d.Constraints, short.Message)
			continue
		}
		if what := broken(d, candidates, chosen); what != "" {
			t.Errorf("%+v by %s: breaks %s", d.Constraints, o.Method, what)
		}
	}
}
