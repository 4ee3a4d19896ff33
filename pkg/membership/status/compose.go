package status

import (
	clusterv1alpha1 "github.com/karmada-io/karmada/pkg/apis/cluster/v1alpha1"
	apiequality "k8s.io/apimachinery/pkg/api/equality"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// compose returns the status as it should be. What is not known stays as it was, and so do fields
// and conditions of other writers (remedyActions).
func (w *watcher) compose(cluster *clusterv1alpha1.Cluster, ready metav1.Condition) *clusterv1alpha1.ClusterStatus {
	status := cluster.Status.DeepCopy()
	w.setCondition(status, ready)
	if ready.Status != metav1.ConditionTrue || w.session == nil {
		return status
	}
	if w.found.version != "" {
		status.KubernetesVersion = w.found.version
	}
	if w.found.apis.condition.Type != "" {
		w.setCondition(status, w.found.apis.condition)
		if w.found.apis.enablements != nil {
			status.APIEnablements = w.found.apis.enablements
		}
	}
	if nodes, resources := w.session.summary(); nodes != nil {
		resources.AllocatableModelings = w.session.ledger.Modelings(cluster.Spec.ResourceModels)
		status.NodeSummary, status.ResourceSummary = nodes, resources
	}
	return status
}

// setCondition sets a condition, keeping the moment of its last transition even if the cached
// Cluster does not show our last write yet.
func (w *watcher) setCondition(status *clusterv1alpha1.ClusterStatus, c metav1.Condition) {
	if last := meta.FindStatusCondition(w.written, c.Type); last != nil && last.Status == c.Status {
		c.LastTransitionTime = last.LastTransitionTime
	} else {
		c.LastTransitionTime = metav1.NewTime(w.clock.Now())
		if is := meta.FindStatusCondition(status.Conditions, c.Type); is != nil && is.Status == c.Status {
			c.LastTransitionTime = is.LastTransitionTime
		}
	}
	meta.SetStatusCondition(&status.Conditions, c)
}

// difference tells whether two statuses differ and whether in more than numbers.
func difference(was, is *clusterv1alpha1.ClusterStatus) (changed, urgent bool) {
	urgent = was.KubernetesVersion != is.KubernetesVersion ||
		(was.NodeSummary == nil) != (is.NodeSummary == nil) ||
		!apiequality.Semantic.DeepEqual(was.Conditions, is.Conditions) ||
		!apiequality.Semantic.DeepEqual(was.APIEnablements, is.APIEnablements)
	changed = urgent || !apiequality.Semantic.DeepEqual(was.NodeSummary, is.NodeSummary) ||
		!apiequality.Semantic.DeepEqual(was.ResourceSummary, is.ResourceSummary)
	return changed, urgent
}
