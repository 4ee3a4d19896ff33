package estimator

import (
	"slices"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/equality"

	clusterv1alpha1 "github.com/karmada-io/karmada/pkg/apis/cluster/v1alpha1"

	"atoll.dev/atoll/pkg/membership/capacity"
	"atoll.dev/atoll/pkg/scheduler/snapshot"
)

const (
	// podsPerModelNode is how many pods a node of a model takes, as Kubernetes recommends:
	// models do not range over pods, nor tell how many a node has already.
	podsPerModelNode = 110
	// maxModelNodes is the largest cluster, ten times what Kubernetes supports, whose models are believed.
	maxModelNodes = 50_000
)

// models are the nodes that a member's resource models stand for: for each grade as
// many as the member counted, each with the least that the grade promises. They have
// no labels and no taints, so that selectors and tolerations do not count.
type models struct {
	spec   []clusterv1alpha1.ResourceModel
	counts []clusterv1alpha1.AllocatableModeling
	// view is nil if the models say nothing.
	view *capacity.View
	// ranged are the resources that the models range over.
	ranged []corev1.ResourceName
}

// modelsOf makes the models of a cluster, or returns prev if they are the same still.
// It returns nil if the member gives none.
func modelsOf(c *snapshot.Cluster, prev *models) *models {
	summary := c.Object.Status.ResourceSummary
	if summary == nil || len(summary.AllocatableModelings) == 0 || len(c.Object.Spec.ResourceModels) == 0 {
		return nil
	}
	if prev != nil && slices.Equal(prev.counts, summary.AllocatableModelings) && equality.Semantic.DeepEqual(prev.spec, c.Object.Spec.ResourceModels) {
		return prev
	}
	m := &models{spec: c.Object.Spec.ResourceModels, counts: summary.AllocatableModelings}
	m.view = m.build()
	return m
}

func (m *models) build() *capacity.View {
	counts := map[uint]int{}
	total := 0
	for _, c := range m.counts {
		if c.Count < 0 || c.Count > maxModelNodes-total {
			return nil
		}
		counts[c.Grade] += c.Count
		total += c.Count
	}
	view := &capacity.View{}
	class := &capacity.Class{}
	for i := range m.spec {
		least := corev1.ResourceList{corev1.ResourcePods: *quantityOf(podsPerModelNode)}
		for _, r := range m.spec[i].Ranges {
			least[r.Name] = r.Min
			if !slices.Contains(m.ranged, r.Name) {
				m.ranged = append(m.ranged, r.Name)
			}
		}
		free := capacity.AmountsOf(least)
		for range counts[m.spec[i].Grade] {
			view.Nodes = append(view.Nodes, capacity.Node{Class: class, Ready: true, Free: free})
		}
		counts[m.spec[i].Grade] = 0 // a grade that is listed twice counts once
	}
	return view
}

// apply tells whether the models have a say in what is asked for: they range over
// each resource of it. Of what they do not range over they know nothing.
func (m *models) apply(a *ask) bool {
	if m == nil || m.view == nil {
		return false
	}
	for _, s := range a.sum {
		if s.resource != corev1.ResourcePods && !slices.Contains(m.ranged, s.resource) {
			return false
		}
	}
	return true
}
