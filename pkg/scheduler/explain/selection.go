package explain

import (
	"fmt"
	"strings"

	"atoll.dev/atoll/apis/scheduling/v1alpha1"
	"atoll.dev/atoll/pkg/scheduler/cycle"
)

// attempts says what came of each cluster group.
func attempts(d Decision) []v1alpha1.GroupAttempt {
	var list []v1alpha1.GroupAttempt
	for _, a := range d.Result.Attempts {
		message := "in use"
		switch {
		case a.Skipped:
			message = "passed over: the workload has fallen back to a later group, and returns when it is rescheduled"
		case a.Err != nil:
			message = clip(a.Err.Error())
		}
		list = append(list, v1alpha1.GroupAttempt{Group: a.Group, Message: message})
	}
	return list
}

// shownGroups is how many groups of a spread constraint a line names.
const shownGroups = 10

// selection says how candidates were chosen by the spread constraints.
func selection(d Decision) []string {
	s := d.Result.Spread
	switch {
	case s == nil:
		return nil
	case s.Ignored != "":
		return []string{"the spread constraints have no say: " + s.Ignored}
	}
	var lines []string
	for i, constraint := range s.Constraints {
		line := fmt.Sprintf("by %s, %s", constraint.By(), constraint.Bounds())
		if i < len(s.Groups) && s.Groups[i] != nil {
			var chosen, left []string
			for _, g := range s.Groups[i] {
				if g.Chosen > 0 {
					chosen = append(chosen, fmt.Sprintf("%s (%d of %s, score %d)", g.Name, g.Chosen, count(int64(g.Clusters), "cluster"), g.Score))
				} else {
					left = append(left, fmt.Sprintf("%s (score %d)", g.Name, g.Score))
				}
			}
			line += ": " + few(chosen)
			if len(left) > 0 {
				line += "; not " + few(left)
			}
		}
		lines = append(lines, line)
	}
	if s.Clusters > 0 {
		lines = append(lines, fmt.Sprintf("%s chosen: %s", count(int64(s.Clusters), "cluster"), s.Method))
	}
	return lines
}

func few(names []string) string {
	if len(names) == 0 {
		return "none"
	}
	if rest := len(names) - shownGroups; rest > 0 {
		names = append(names[:shownGroups:shownGroups], fmt.Sprintf("%d more", rest))
	}
	return strings.Join(names, ", ")
}

// Redivides tells whether a fresh decision could divide what a decision left as it was.
func Redivides(r cycle.Result) bool {
	return r.Assignment != nil && r.Assignment.Mode == cycle.Unchanged
}
