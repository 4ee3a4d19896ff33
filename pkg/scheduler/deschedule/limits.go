package deschedule

import (
	"encoding/json"
	"maps"
	"time"

	"atoll.dev/atoll/apis/karmada/wellknown"
)

// maxEncoded bounds what is read of the annotation, in bytes.
const maxEncoded = 64 << 10

// Limit is how many replicas a workload may have in a cluster that could not run more.
type Limit struct {
	AtMost int32 `json:"atMost"`
	// Since is when replicas were taken off the cluster last, in whole seconds.
	Since time.Time `json:"since"`
	// Until is when the limit ends, in whole seconds.
	Until time.Time `json:"until"`
}

// Limits by cluster.
type Limits map[string]Limit

// LimitsOf returns the limits in a binding's annotations that hold at the time. What
// cannot be one is left out.
func LimitsOf(annotations map[string]string, now time.Time) Limits {
	raw := annotations[wellknown.AvoidedAnnotation]
	if raw == "" || len(raw) > maxEncoded {
		return nil
	}
	var entries map[string]json.RawMessage
	if json.Unmarshal([]byte(raw), &entries) != nil {
		return nil
	}
	var limits Limits
	for cluster, entry := range entries {
		var l Limit
		if json.Unmarshal(entry, &l) != nil || l.AtMost < 0 || !now.Before(l.Until) {
			continue
		}
		if limits == nil {
			limits = Limits{}
		}
		limits[cluster] = l
	}
	return limits
}

// Encode returns the value of the annotation.
func (l Limits) Encode() string {
	raw, err := json.Marshal(l)
	if err != nil || len(l) == 0 { // only a year that RFC 3339 cannot write is an error: no limit is then known
		return "{}"
	}
	return string(raw)
}

// With returns the limits with those of the findings in place of older ones.
func (l Limits) With(findings []Finding, now time.Time, avoid time.Duration) Limits {
	now = now.UTC().Truncate(time.Second)
	out := maps.Clone(l)
	if out == nil {
		out = Limits{}
	}
	for _, f := range findings {
		out[f.Cluster] = Limit{AtMost: f.Held - f.Stuck, Since: now, Until: now.Add(avoid)}
	}
	return out
}

// NextEnd returns when the first of the limits ends, zero if there are none.
func (l Limits) NextEnd() (next time.Time) {
	for _, limit := range l {
		next = Earliest(next, limit.Until)
	}
	return next
}

// AtMost returns the limits as numbers, nil if there are none.
func (l Limits) AtMost() map[string]int32 {
	if len(l) == 0 {
		return nil
	}
	out := make(map[string]int32, len(l))
	for cluster, limit := range l {
		out[cluster] = limit.AtMost
	}
	return out
}
