package membership

import (
	"strings"

	clusterv1alpha1 "github.com/karmada-io/karmada/pkg/apis/cluster/v1alpha1"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// readyStatus returns the status of the Ready condition, empty if there is none yet.
func readyStatus(cluster *clusterv1alpha1.Cluster) metav1.ConditionStatus {
	if c := meta.FindStatusCondition(cluster.Status.Conditions, clusterv1alpha1.ClusterConditionReady); c != nil {
		return c.Status
	}
	return ""
}

// taintsByCondition returns the taints of a cluster after its Ready condition had its say:
//
//	Ready True     neither of the two taints below
//	Ready Unknown  unreachable:NoSchedule
//	otherwise      not-ready:NoSchedule, also for a cluster without a condition yet
//
// Other taints, and the NoExecute ones of the same keys, are not touched.
func taintsByCondition(taints []corev1.Taint, ready metav1.ConditionStatus, now metav1.Time) []corev1.Taint {
	want := clusterv1alpha1.TaintClusterNotReady
	switch ready {
	case metav1.ConditionTrue:
		want = ""
	case metav1.ConditionUnknown:
		want = clusterv1alpha1.TaintClusterUnreachable
	}
	var out []corev1.Taint
	present := want == ""
	for _, t := range taints {
		ours := t.Effect == corev1.TaintEffectNoSchedule &&
			(t.Key == clusterv1alpha1.TaintClusterNotReady || t.Key == clusterv1alpha1.TaintClusterUnreachable)
		if ours && t.Key != want {
			continue
		}
		present = present || (ours && t.Key == want)
		out = append(out, t)
	}
	if !present {
		out = append(out, corev1.Taint{Key: want, Effect: corev1.TaintEffectNoSchedule, TimeAdded: &now})
	}
	return out
}

// describeTaints lists taints as the event's text does in Karmada.
func describeTaints(taints []corev1.Taint) string {
	if len(taints) == 0 {
		return "cluster now does not have taints"
	}
	parts := make([]string, 0, len(taints))
	for _, t := range taints {
		part := "{Key:" + t.Key
		if t.Value != "" {
			part += ",Value:" + t.Value
		}
		parts = append(parts, part+",Effect:"+string(t.Effect)+"}")
	}
	return "cluster now has taints([" + strings.Join(parts, ",") + "])"
}
