package cycle

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
)

const (
	// maxReasons is how many different reasons a message tells of.
	maxReasons = 8
	// namedClusters is how many clusters are named for each reason.
	namedClusters = 3
)

// count writes how many clusters were refused for which reason, the most frequent
// first, and names up to so many of the clusters: "3 taint a=b:NoSchedule (m1, m2, …)".
func count(refused []Refused, names int) string {
	clusters := map[string][]string{}
	for _, r := range refused {
		clusters[r.Reason] = append(clusters[r.Reason], r.Cluster)
	}
	reasons := make([]string, 0, len(clusters))
	for reason := range clusters {
		reasons = append(reasons, reason)
	}
	slices.SortFunc(reasons, func(a, b string) int {
		return cmp.Or(cmp.Compare(len(clusters[b]), len(clusters[a])), strings.Compare(a, b))
	})
	shown := reasons[:min(len(reasons), maxReasons)]
	parts := make([]string, len(shown))
	for i, reason := range shown {
		parts[i] = fmt.Sprintf("%d %s%s", len(clusters[reason]), reason, some(clusters[reason], names))
	}
	text := strings.Join(parts, ", ")
	if more := len(reasons) - len(shown); more > 0 {
		text += fmt.Sprintf(", … and %d more reasons", more)
	}
	return text
}

func some(clusters []string, names int) string {
	if names == 0 {
		return ""
	}
	shown := strings.Join(clusters[:min(len(clusters), names)], ", ")
	if len(clusters) > names {
		shown += ", …"
	}
	return " (" + shown + ")"
}
