package history

import (
	"bytes"
	"encoding/json"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	workv1alpha2 "github.com/karmada-io/karmada/pkg/apis/work/v1alpha2"

	"atoll.dev/atoll/apis/karmada/wellknown"
)

// Bounds of what is kept, texts in bytes. A text that is longer ends in "…".
const (
	Kept       = 5
	maxCause   = 300
	maxMoved   = 300
	maxGroup   = 64
	maxEncoded = 16 << 10
)

// Decision is one that moved something.
type Decision struct {
	// Time of the decision, in whole seconds.
	Time time.Time `json:"time"`
	// Cause completes "decided because".
	Cause string `json:"cause"`
	// Moved is what each cluster gained or lost, as Moved writes it.
	Moved string `json:"moved"`
	// More is how many more clusters gained or lost than Moved names.
	More int `json:"more,omitempty"`
	// Replicas is how many the workload had in all, 0 if it has none to divide or duplicate.
	Replicas int32 `json:"replicas,omitempty"`
	// Group is the cluster group that worked out, empty if the placement has none.
	Group string `json:"group,omitempty"`
}

// New returns the decision to go from one assignment to another.
func New(at time.Time, cause string, from, to []workv1alpha2.TargetCluster, replicas int32, group string) Decision {
	d := Decision{Time: at.UTC().Truncate(time.Second), Cause: cause, Replicas: replicas, Group: group}
	d.Moved, d.More = Moved(from, to)
	return d
}

// Of returns the decisions that a binding's annotations hold, the newest first.
// What cannot be one is left out.
func Of(annotations map[string]string) []Decision {
	raw := annotations[wellknown.DecisionsAnnotation]
	if raw == "" || len(raw) > maxEncoded {
		return nil
	}
	var entries []json.RawMessage
	if json.Unmarshal([]byte(raw), &entries) != nil {
		return nil
	}
	var decisions []Decision
	for _, entry := range entries {
		var d Decision
		if len(decisions) == Kept || json.Unmarshal(entry, &d) != nil || d.Time.IsZero() || d.Cause == "" {
			continue
		}
		decisions = append(decisions, d.bounded())
	}
	return decisions
}

// Add returns the value of the annotation once the decision is the newest of those
// that the annotations hold.
func Add(annotations map[string]string, d Decision) string {
	decisions := append([]Decision{d.bounded()}, Of(annotations)...)
	if len(decisions) > Kept {
		decisions = decisions[:Kept]
	}
	var out bytes.Buffer
	encoder := json.NewEncoder(&out)
	encoder.SetEscapeHTML(false)
	if err := encoder.Encode(decisions); err != nil {
		// Only a year that RFC 3339 cannot write leads here: nothing is then known rather than something wrong.
		return "[]"
	}
	return strings.TrimSpace(out.String())
}

// bounded returns the decision with texts that are short and in one line.
func (d Decision) bounded() Decision {
	d.Cause, d.Group = clip(d.Cause, maxCause), clip(d.Group, maxGroup)
	d.Moved = clip(d.Moved, maxMoved)
	d.More = max(d.More, 0)
	return d
}

// clip makes a text one line of at most limit bytes.
func clip(text string, limit int) string {
	text = strings.Map(func(r rune) rune {
		if !unicode.IsPrint(r) {
			return ' '
		}
		return r
	}, text)
	if len(text) <= limit {
		return text
	}
	text = text[:limit-len("…")]
	for len(text) > 0 { // not in the middle of a character
		if r, n := utf8.DecodeLastRuneInString(text); r != utf8.RuneError || n != 1 {
			break
		}
		text = text[:len(text)-1]
	}
	return text + "…"
}
