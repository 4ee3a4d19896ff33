package failover

import (
	"fmt"
	"slices"
	"time"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/klog/v2"
)

// untolerated returns when a workload with these tolerations has to leave because of the taints,
// zero for at once, and which taint it is. Without such a time ok is false. Of a taint's tolerations
// the first that matches counts, for as long as it says from when the taint was added; where that is
// not known, for ever.
func untolerated(taints []corev1.Taint, tolerations []corev1.Toleration) (due time.Time, why string, ok bool) {
	for i := range taints {
		taint := &taints[i]
		match := slices.IndexFunc(tolerations, func(t corev1.Toleration) bool { return t.ToleratesTaint(klog.Background(), taint, false) })
		if match < 0 {
			return time.Time{}, fmt.Sprintf("taint %s is not tolerated", taint.ToString()), true
		}
		seconds := tolerations[match].TolerationSeconds
		if seconds == nil || taint.TimeAdded == nil {
			continue
		}
		until := taint.TimeAdded.Add(time.Duration(max(*seconds, 0)) * time.Second)
		if !ok || until.Before(due) {
			due, why, ok = until, fmt.Sprintf("taint %s was tolerated for %d s", taint.ToString(), *seconds), true
		}
	}
	return due, why, ok
}
