package placement

import (
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"

	"k8s.io/cli-runtime/pkg/printers"

	"atoll.dev/atoll/apis/scheduling/v1alpha1"
)

// PrintSimulated writes where workloads would go, as a table, and what is in the way of those that go nowhere.
func PrintSimulated(w io.Writer, status *v1alpha1.PlacementReviewStatus) error {
	out := printers.GetNewTabWriter(w)
	fmt.Fprintln(out, "WORKLOAD\tCLUSTER\tREPLICAS\tNOW\tCHANGE")
	for i := range status.Workloads {
		p := &status.Workloads[i]
		name := title(p.Template)
		if p.Result != v1alpha1.Placed {
			reason := "cannot be placed"
			if p.Result == v1alpha1.NotSelected {
				reason = "no policy selects it"
			}
			fmt.Fprintf(out, "%s\t-\t-\t%s\t%s\n", name, total(p.Now), reason)
			continue
		}
		rows := rowsOf(p)
		for _, row := range rows {
			fmt.Fprintln(out, strings.TrimRight(name+"\t"+strings.Join(row, "\t"), "\t"))
			name = ""
		}
		if len(rows) == 0 {
			fmt.Fprintf(out, "%s\t-\t-\t-\tno replicas to place\n", name)
		}
		if p.PlacementOmitted > 0 {
			fmt.Fprintf(out, "\t… and %d more\t\t\t\n", p.PlacementOmitted)
		}
	}
	if err := out.Flush(); err != nil {
		return err
	}
	for i := range status.Workloads {
		p := &status.Workloads[i]
		if p.Result == v1alpha1.Placed || p.Result == v1alpha1.NotSelected {
			continue
		}
		fmt.Fprintf(w, "\n%s: %s\n", title(p.Template), p.Message)
		for _, help := range p.WouldHelp {
			fmt.Fprintf(w, "  would help: %s\n", help)
		}
	}
	_, err := fmt.Fprintf(w, "\n%s.\n", status.Message)
	return err
}

// rowsOf are the cells after the workload's name, one row for each cluster that has it or would.
func rowsOf(p *v1alpha1.WorkloadPlacement) [][]string {
	now, then := replicasByCluster(p.Now), replicasByCluster(p.Placement)
	var clusters []string
	for _, list := range [][]v1alpha1.ClusterReplicas{p.Placement, p.Now} {
		for _, c := range list {
			if !slices.Contains(clusters, c.Cluster) {
				clusters = append(clusters, c.Cluster)
			}
		}
	}
	slices.Sort(clusters)
	var rows [][]string
	for _, c := range clusters {
		before, was := now[c]
		after, is := then[c]
		rows = append(rows, []string{c, cell(after, is, p), cell(before, was, p), change(before, after, was, is, p)})
	}
	return rows
}

func cell(n int32, there bool, p *v1alpha1.WorkloadPlacement) string {
	switch {
	case !there:
		return "-"
	case p.Replicas == 0:
		return "yes"
	}
	return strconv.Itoa(int(n))
}

func change(before, after int32, was, is bool, p *v1alpha1.WorkloadPlacement) string {
	switch {
	case was && !is:
		if p.Replicas == 0 {
			return "gone"
		}
		return fmt.Sprintf("%+d", -before)
	case p.Replicas == 0 && is && !was:
		return "new"
	case before == after:
		return ""
	}
	return fmt.Sprintf("%+d", after-before)
}

func total(list []v1alpha1.ClusterReplicas) string {
	if len(list) == 0 {
		return "-"
	}
	var n int64
	for _, c := range list {
		n += int64(c.Replicas)
	}
	return strconv.FormatInt(n, 10)
}
