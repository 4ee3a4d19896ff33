package explain

import (
	"fmt"
	"strconv"

	"k8s.io/utils/ptr"

	"atoll.dev/atoll/apis/scheduling/v1alpha1"
	"atoll.dev/atoll/pkg/scheduler/cycle"
	"atoll.dev/atoll/pkg/scheduler/estimator"
)

// candidates tells of each candidate, in the order of the Result, what followed for it.
func candidates(d Decision) []v1alpha1.Candidate {
	r := d.Result
	selected := make(map[string]bool, len(r.Selected))
	for i := range r.Selected {
		selected[r.Selected[i].Name] = true
	}
	given := make(map[string]int32, len(r.Clusters))
	for _, t := range r.Clusters {
		given[t.Name] = t.Replicas
	}
	parts := partsOf(r.Assignment)
	switch {
	case d.Failure != nil: // what was divided before it failed does not matter
		parts = nil
	case d.Afresh != nil: // nothing is divided now, so the weights of a fresh decision are those that tell something
		parts = partsOf(d.Afresh.Assignment)
	}
	list := make([]v1alpha1.Candidate, 0, len(r.Candidates))
	for i := range r.Candidates {
		c := &r.Candidates[i]
		out := v1alpha1.Candidate{
			Cluster: c.Name, Score: c.Score, Tier: int32(c.Tier), Held: c.Held,
			Selected: selected[c.Name], Replicas: given[c.Name],
		}
		for _, s := range c.Scores {
			out.Scores = append(out.Scores, v1alpha1.PluginScore{Plugin: s.Plugin, Score: s.Score})
		}
		if i < len(d.Answers) {
			out.Room = ptr.To(c.Room)
			out.LimitedBy, out.Limit = limit(c.Room, d.Answers[i])
		}
		part, divided := parts[c.Name]
		if divided {
			out.Weight = ptr.To(part.weight)
			if !part.spare {
				out.Share = exact(part.share)
			}
		}
		out.Note = note(d, c, out, part, divided)
		list = append(list, out)
	}
	return list
}

// limit says which estimator a candidate's room comes from, and what there is no more of.
func limit(room int32, answers []estimator.Answer) (by, detail string) {
	if len(answers) == 0 || answers[0].Replicas == estimator.Unlimited {
		return "", ""
	}
	if room < answers[0].Replicas {
		return "Deschedule", "it could not run more lately"
	}
	return answers[0].Estimator, answers[0].Limit
}

// part is what the divisions of an assignment say of one cluster.
type part struct {
	weight int64
	share  float64
	// got is what the division itself gave, without what the cluster held.
	got   int32
	spare bool
}

func partsOf(a *cycle.Assignment) map[string]part {
	if a == nil {
		return nil
	}
	parts := map[string]part{}
	for i := range a.Divisions {
		division := &a.Divisions[i]
		for _, s := range division.Shares {
			parts[s.Cluster] = part{weight: s.Weight, share: division.Exact(s.Weight), got: s.Replicas}
		}
		for _, s := range division.Spare {
			parts[s.Cluster] = part{weight: s.Weight, spare: true}
		}
	}
	return parts
}

// exact writes a share with at most three decimals.
func exact(share float64) string {
	return strconv.FormatFloat(float64(int64(share*1000+0.5))/1000, 'f', -1, 64)
}

func note(d Decision, c *cycle.Candidate, out v1alpha1.Candidate, p part, divided bool) string {
	r := d.Result
	switch {
	case !out.Selected && r.Selected == nil:
		return ""
	case !out.Selected && r.Spread != nil && r.Spread.Ignored == "":
		groups := make([][]string, len(r.Spread.Constraints))
		for i, constraint := range r.Spread.Constraints {
			groups[i] = constraint.GroupsOf(c.Cluster)
		}
		return "not chosen: " + r.Spread.WhyNot(groups)
	case !out.Selected:
		return "not chosen: others rank higher"
	case r.Assignment == nil || d.Failure != nil || d.Afresh != nil && p.got == 0: // it holds what it holds
		return ""
	case p.spare:
		return "not needed: the clusters before it have room for all replicas"
	case divided && p.weight == 0:
		return "gets nothing: its weight is 0"
	case !divided && out.Replicas == 0 && len(r.Assignment.Divisions) > 0:
		return "gets nothing: it has no weight"
	case divided && p.got == 0:
		return "gets nothing: its share was rounded down"
	case divided && float64(p.got) > p.share+0.0005:
		return "share rounded up"
	case divided && float64(p.got) < p.share-0.0005:
		return "share rounded down"
	}
	return ""
}

// division says how replicas were shared out, one line a step.
func division(d Decision) []string {
	a := d.Result.Assignment
	if a == nil || d.Failure != nil {
		return nil
	}
	var lines []string
	switch a.Mode {
	case cycle.WholeWorkload:
		lines = append(lines, "nothing is divided: each chosen cluster gets the workload as it is")
	case cycle.AllReplicas:
		lines = append(lines, "each chosen cluster gets all replicas")
	case cycle.Unchanged:
		lines = append(lines, fmt.Sprintf("%s: what is placed stays", count(a.Placed, "replica")))
	case cycle.ScaledUp:
		if a.Placed > 0 {
			lines = append(lines, fmt.Sprintf("%s placed already: they stay", isAre(a.Placed)))
		}
	case cycle.ScaledDown:
		lines = append(lines, fmt.Sprintf("%s placed: each cluster keeps a part of what it has", isAre(a.Placed)))
	case cycle.FromNothing:
		if a.Placed > 0 {
			lines = append(lines, fmt.Sprintf("%s placed: they do not count, the division starts afresh", isAre(a.Placed)))
		}
	case cycle.FromWeights:
	}
	lines = append(lines, divisions(a)...)
	if d.Afresh != nil && d.Afresh.Assignment != nil {
		for _, line := range divisions(d.Afresh.Assignment) {
			lines = append(lines, "in a fresh decision, as a WorkloadRebalancer asks for: "+line)
		}
	}
	for _, s := range a.Spread {
		lines = append(lines, fmt.Sprintf("1 replica moved on from %s to %s, so that %s has one", s.From, s.To, s.Group))
	}
	return lines
}

func divisions(a *cycle.Assignment) []string {
	var lines []string
	for i := range a.Divisions {
		division := &a.Divisions[i]
		line := fmt.Sprintf("%s divided by %s: each share is its weight of %s, rounded to whole replicas",
			isAre(int64(division.Replicas)), division.Weights, strconv.FormatFloat(division.Total(), 'f', -1, 64))
		if division.Tier > 0 {
			line = fmt.Sprintf("overflow tier %d: ", division.Tier) + line
		}
		if division.Limits {
			line += "; no cluster gets more than its weight"
		}
		lines = append(lines, line)
	}
	return lines
}

func isAre(n int64) string {
	if n == 1 {
		return "1 replica is"
	}
	return fmt.Sprintf("%d replicas are", n)
}
