package explain

import (
	"cmp"
	"encoding/json"
	"slices"
	"strings"

	"atoll.dev/atoll/apis/scheduling/v1alpha1"
)

// MaxBytes bounds the JSON of a status.
const MaxBytes = 500_000

// Bounds are the most entries that lists of an explanation have.
type Bounds struct {
	// Clusters named for each reason of a refusal.
	Clusters int
	// Reasons for refusals.
	Reasons int
	// Candidates, and clusters in now and placement.
	Candidates int
}

// For returns the bounds with which so many workloads are told of.
func For(workloads int) Bounds {
	n := max(workloads, 1)
	return Bounds{Clusters: max(200/n, 5), Reasons: max(100/n, 10), Candidates: max(1000/n, 20)}
}

// maxText bounds the length of a text, which may hold what users wrote.
const maxText = 2000

// cut makes a workload's lists as short as the bounds want, best clusters first.
func (b Bounds) cut(w *v1alpha1.WorkloadPlacement) {
	w.Message = clip(w.Message)
	if len(w.Refused) > b.Reasons {
		rest := v1alpha1.Refusal{Step: "…", Reason: "refused for other reasons"}
		for _, r := range w.Refused[b.Reasons:] {
			rest.Count += r.Count
		}
		w.Refused = append(w.Refused[:b.Reasons:b.Reasons], rest)
	}
	for i := range w.Refused {
		r := &w.Refused[i]
		r.Reason = clip(r.Reason)
		if len(r.Clusters) > b.Clusters {
			r.Clusters = r.Clusters[:b.Clusters]
		}
	}
	if n := len(w.Candidates); n > b.Candidates {
		slices.SortStableFunc(w.Candidates, func(x, y v1alpha1.Candidate) int { return cmp.Compare(concern(y), concern(x)) })
		w.Candidates, w.CandidatesOmitted = w.Candidates[:b.Candidates], w.CandidatesOmitted+int32(n-b.Candidates)
	}
	for _, list := range []*[]v1alpha1.ClusterReplicas{&w.Now, &w.Placement, &w.Afresh} {
		if n := len(*list); n > b.Candidates {
			*list, w.PlacementOmitted = (*list)[:b.Candidates], w.PlacementOmitted+int32(n-b.Candidates)
		}
	}
	if len(w.WouldHelp) > b.Reasons {
		w.WouldHelp = w.WouldHelp[:b.Reasons]
	}
}

// concern ranks those candidates first that have, or would get, the workload.
func concern(c v1alpha1.Candidate) int {
	switch {
	case c.Replicas > 0 || c.Held > 0:
		return 2
	case c.Selected:
		return 1
	}
	return 0
}

// Fit cuts the workloads of a status further until it is small enough.
func Fit(status *v1alpha1.PlacementReviewStatus) {
	for b := For(len(status.Workloads)); Size(status) > MaxBytes && b.Candidates > 0; {
		b = Bounds{Clusters: b.Clusters / 2, Reasons: max(b.Reasons/2, 1), Candidates: b.Candidates / 2}
		for i := range status.Workloads {
			b.cut(&status.Workloads[i])
		}
	}
}

// Size is how many bytes the JSON of a status has.
func Size(status *v1alpha1.PlacementReviewStatus) int {
	raw, err := json.Marshal(status)
	if err != nil {
		return 0 // only strings and numbers: it always can
	}
	return len(raw)
}

func clip(text string) string {
	if len(text) <= maxText {
		return text
	}
	return strings.ToValidUTF8(text[:maxText-len("…")], "") + "…"
}
