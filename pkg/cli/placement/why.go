package placement

import (
	"fmt"
	"io"
	"strconv"
	"strings"
	"time"

	"k8s.io/apimachinery/pkg/util/duration"
	"k8s.io/cli-runtime/pkg/printers"

	"atoll.dev/atoll/apis/scheduling/v1alpha1"
)

// PrintWhy writes why a workload is where it is.
func PrintWhy(w io.Writer, p *v1alpha1.WorkloadPlacement, clusters int32, now time.Time) error {
	fmt.Fprintf(w, "%s: %s\n", title(p.Template), verdict(p))
	facts := [][2]string{
		{"Policy", p.Policy}, {"Binding", bindingName(p.Binding)}, {"Cluster group", p.Group}, {"Strategy", p.Strategy},
	}
	if p.Replicas > 0 {
		facts = append(facts, [2]string{"Replicas", strconv.Itoa(int(p.Replicas))})
	}
	if p.Result == v1alpha1.Placed || p.Result == v1alpha1.NotPlaced {
		due := "no: nothing changed since the last one"
		if p.Due != "" {
			due = "yes, because " + p.Due
		}
		facts = append(facts, [2]string{"Decision due", due})
		if p.Afresh != nil {
			facts = append(facts, [2]string{"If rescheduled", assignment(p.Afresh, p.PlacementOmitted)})
		}
	}
	out := printers.GetNewTabWriter(w)
	for _, fact := range facts {
		if fact[1] != "" {
			fmt.Fprintf(out, "  %s:\t%s\n", fact[0], fact[1])
		}
	}
	if err := out.Flush(); err != nil {
		return err
	}
	for _, part := range []func(io.Writer) error{
		func(w io.Writer) error { return printAttempts(w, p) },
		func(w io.Writer) error { return printCandidates(w, p, clusters) },
		func(w io.Writer) error { return printLines(w, "How clusters are chosen", p.Selection) },
		func(w io.Writer) error { return printLines(w, "How replicas are divided", p.Division) },
		func(w io.Writer) error { return printRefused(w, p, clusters) },
		func(w io.Writer) error { return printLines(w, "What would help", p.WouldHelp) },
		func(w io.Writer) error { return printDecisions(w, p, now) },
	} {
		if err := part(w); err != nil {
			return err
		}
	}
	return nil
}

func printAttempts(w io.Writer, p *v1alpha1.WorkloadPlacement) error {
	lines := make([]string, len(p.Attempts))
	for i, a := range p.Attempts {
		lines[i] = a.Group + ": " + a.Message
	}
	return printLines(w, "Cluster groups", lines)
}

func verdict(p *v1alpha1.WorkloadPlacement) string {
	switch p.Result {
	case v1alpha1.Placed:
		if len(p.Now) == 0 {
			return "not placed yet; a decision made now gives " + assignment(p.Placement, p.PlacementOmitted)
		}
		if same(p.Now, p.Placement) {
			return "placed on " + assignment(p.Now, p.PlacementOmitted)
		}
		return "placed on " + assignment(p.Now, 0) + "; a decision made now gives " + assignment(p.Placement, p.PlacementOmitted)
	case v1alpha1.NotPlaced:
		if len(p.Now) > 0 {
			return "placed on " + assignment(p.Now, 0) + ", but could not be placed now: " + p.Message
		}
		return "not placed: " + p.Message
	case v1alpha1.NotScheduled:
		if len(p.Now) > 0 {
			return "placed on " + assignment(p.Now, 0) + "; " + p.Message
		}
	}
	return p.Message
}

func printCandidates(w io.Writer, p *v1alpha1.WorkloadPlacement, clusters int32) error {
	if len(p.Candidates) == 0 {
		return nil
	}
	var room, weight, tier bool
	for i := range p.Candidates {
		c := &p.Candidates[i]
		room, weight, tier = room || c.Room != nil, weight || c.Weight != nil, tier || c.Tier > 0
	}
	fmt.Fprintf(w, "\nClusters that fit (%d of %d)\n", int32(len(p.Candidates))+p.CandidatesOmitted, clusters)
	out := printers.GetNewTabWriter(w)
	header := []string{"  CLUSTER", "REPLICAS", "NOW", "SCORE"}
	if tier {
		header = append(header, "TIER")
	}
	if room {
		header = append(header, "ROOM")
	}
	if weight {
		header = append(header, "WEIGHT", "SHARE")
	}
	fmt.Fprintln(out, strings.Join(append(header, "NOTE"), "\t"))
	held := replicasByCluster(p.Now)
	for i := range p.Candidates {
		c := &p.Candidates[i]
		before, holds := held[c.Cluster]
		cells := []string{"  " + c.Cluster, replicas(c.Replicas, p, c.Selected), replicas(before, p, holds), score(c)}
		if tier {
			cells = append(cells, strconv.Itoa(int(c.Tier)))
		}
		if room {
			cells = append(cells, roomOf(c))
		}
		if weight {
			cells = append(cells, number(c.Weight), dash(c.Share))
		}
		fmt.Fprintln(out, strings.TrimRight(strings.Join(append(cells, c.Note), "\t"), "\t"))
	}
	if err := out.Flush(); err != nil {
		return err
	}
	if p.CandidatesOmitted > 0 {
		fmt.Fprintf(w, "  … and %d more\n", p.CandidatesOmitted)
	}
	return nil
}

// replicas writes a number of replicas, or whether the workload is there if it has none to divide.
func replicas(n int32, p *v1alpha1.WorkloadPlacement, there bool) string {
	switch {
	case !there, n == 0 && p.Replicas > 0:
		return "-"
	case p.Replicas == 0:
		return "yes"
	}
	return strconv.Itoa(int(n))
}

func score(c *v1alpha1.Candidate) string {
	var parts []string
	for _, s := range c.Scores {
		if s.Score != 0 {
			parts = append(parts, fmt.Sprintf("%s %d", s.Plugin, s.Score))
		}
	}
	if len(parts) == 0 {
		return strconv.FormatInt(c.Score, 10)
	}
	return fmt.Sprintf("%d (%s)", c.Score, strings.Join(parts, ", "))
}

func roomOf(c *v1alpha1.Candidate) string {
	if c.Room == nil {
		return "-"
	}
	text := strconv.Itoa(int(*c.Room))
	var why []string
	for _, part := range []string{c.LimitedBy, c.Limit} {
		if part != "" {
			why = append(why, part)
		}
	}
	if len(why) > 0 {
		text += " (" + strings.Join(why, ": ") + ")"
	}
	return text
}

func printRefused(w io.Writer, p *v1alpha1.WorkloadPlacement, clusters int32) error {
	if len(p.Refused) == 0 {
		return nil
	}
	total := int32(0)
	for _, r := range p.Refused {
		total += r.Count
	}
	fmt.Fprintf(w, "\nClusters that do not fit (%d of %d)\n", total, clusters)
	for _, r := range p.Refused {
		fmt.Fprintf(w, "  %s: %d %s\n", r.Step, r.Count, r.Reason)
		if len(r.Clusters) > 0 {
			fmt.Fprintf(w, "    clusters:   %s\n", names(r.Clusters, r.Count))
		}
		if r.WouldHelp != "" {
			fmt.Fprintf(w, "    would help: %s\n", r.WouldHelp)
		}
	}
	return nil
}

// shownNames is how many clusters a text names; -o json has more.
const shownNames = 10

func names(clusters []string, of int32) string {
	shown := clusters[:min(len(clusters), shownNames)]
	text := strings.Join(shown, ", ")
	if rest := int(of) - len(shown); rest > 0 {
		text += fmt.Sprintf(" and %d more", rest)
	}
	return text
}

func printLines(w io.Writer, heading string, lines []string) error {
	if len(lines) == 0 {
		return nil
	}
	_, err := fmt.Fprintf(w, "\n%s\n  - %s\n", heading, strings.Join(lines, "\n  - "))
	return err
}

func printDecisions(w io.Writer, p *v1alpha1.WorkloadPlacement, now time.Time) error {
	if len(p.Decisions) == 0 {
		return nil
	}
	fmt.Fprintln(w, "\nLast decisions")
	out := printers.GetNewTabWriter(w)
	fmt.Fprintln(out, "  AGE\tCHANGE\tBECAUSE")
	for _, d := range p.Decisions {
		fmt.Fprintf(out, "  %s\t%s\t%s\n", duration.HumanDuration(now.Sub(d.Time.Time)), dash(d.Change), d.Cause)
	}
	return out.Flush()
}
