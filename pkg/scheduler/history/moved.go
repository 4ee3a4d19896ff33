package history

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	workv1alpha2 "github.com/karmada-io/karmada/pkg/apis/work/v1alpha2"
)

// delta is what one cluster gained or lost.
type delta struct {
	cluster  string
	replicas int64
	sign     int
}

// Moved writes the difference between two assignments as "+m3:2 -m1:1": m3 gained
// two replicas and m1 lost one. A cluster that gained or lost the workload itself,
// with no replicas, stands there as "+m3". Gains come first, each in the order of
// names. Of many clusters the first are named, and more is the number of the others.
func Moved(from, to []workv1alpha2.TargetCluster) (moved string, more int) {
	deltas := differences(from, to)
	var out strings.Builder
	for i, d := range deltas {
		part := d.String()
		if i > 0 {
			part = " " + part
		}
		if out.Len()+len(part) > maxMoved {
			return out.String(), len(deltas) - i
		}
		out.WriteString(part)
	}
	return out.String(), 0
}

func differences(from, to []workv1alpha2.TargetCluster) []delta {
	before := make(map[string]int64, len(from))
	for _, t := range from {
		before[t.Name] = int64(t.Replicas)
	}
	var deltas []delta
	for _, t := range to {
		was, held := before[t.Name]
		delete(before, t.Name)
		switch now := int64(t.Replicas); {
		case !held || now > was:
			deltas = append(deltas, delta{t.Name, now - was, 1})
		case now < was:
			deltas = append(deltas, delta{t.Name, was - now, -1})
		}
	}
	for name, was := range before {
		deltas = append(deltas, delta{name, was, -1})
	}
	slices.SortFunc(deltas, func(a, b delta) int {
		return cmp.Or(-cmp.Compare(a.sign, b.sign), strings.Compare(a.cluster, b.cluster))
	})
	return deltas
}

func (d delta) String() string {
	sign := "+"
	if d.sign < 0 {
		sign = "-"
	}
	if d.replicas == 0 {
		return sign + d.cluster
	}
	return fmt.Sprintf("%s%s:%d", sign, d.cluster, d.replicas)
}
