package failover

import (
	"time"

	clusterv1alpha1 "github.com/karmada-io/karmada/pkg/apis/cluster/v1alpha1"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"atoll.dev/atoll/apis/karmada/wellknown"
)

// place is what failover looks at of a Cluster. nil: there is none of that name, or it is leaving.
type place struct {
	name   string
	taints []corev1.Taint // NoExecute ones only
	// lost tells that the Ready condition is not True. A cluster without the condition is not lost:
	// it has only just joined.
	lost bool
	// since is when the Ready condition last turned, zero without the condition.
	since time.Time
	// confirmed tells that an operator has said that the cluster is gone for good.
	confirmed bool
}

func placeOf(c *clusterv1alpha1.Cluster) *place {
	if !c.DeletionTimestamp.IsZero() {
		return nil
	}
	p := &place{name: c.Name, confirmed: c.Annotations[wellknown.ConfirmedLostAnnotation] == wellknown.LabelValueTrue}
	for _, t := range c.Spec.Taints {
		if t.Effect == corev1.TaintEffectNoExecute {
			p.taints = append(p.taints, t)
		}
	}
	if ready := meta.FindStatusCondition(c.Status.Conditions, clusterv1alpha1.ClusterConditionReady); ready != nil {
		p.lost, p.since = ready.Status != metav1.ConditionTrue, ready.LastTransitionTime.Time
	}
	return p
}

// differs tells whether anything changed between two states of a cluster that failover looks at.
func (p *place) differs(q *place) bool {
	if p == nil || q == nil {
		return p != q
	}
	if p.lost != q.lost || !p.since.Equal(q.since) || p.confirmed != q.confirmed || len(p.taints) != len(q.taints) {
		return true
	}
	for i := range p.taints {
		if p.taints[i].ToString() != q.taints[i].ToString() || !p.taints[i].TimeAdded.Equal(q.taints[i].TimeAdded) {
			return true
		}
	}
	return false
}
