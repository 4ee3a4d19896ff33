package capacity

import (
	"math"
	"slices"

	clusterv1alpha1 "github.com/karmada-io/karmada/pkg/apis/cluster/v1alpha1"
	corev1 "k8s.io/api/core/v1"
)

// Modelings returns how many nodes there are of each of the given models, by what they have left;
// nil until Synced or without models. A node belongs to the highest model of which it has the least of
// every resource. Nodes without room for another pod, or with less than nothing left, belong to none.
func (l *Ledger) Modelings(models []clusterv1alpha1.ResourceModel) []clusterv1alpha1.AllocatableModeling {
	if len(models) == 0 {
		return nil
	}
	grades := gradesOf(models)
	counts := make([]clusterv1alpha1.AllocatableModeling, len(models))
	for i := range models {
		counts[i].Grade = models[i].Grade
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if !l.nodes.synced || !l.pods.synced {
		return nil
	}
	for name, n := range l.nodes.shares {
		free := n.allocatable
		if u := l.used[name]; u != nil {
			if free.Pods <= u.Pods {
				continue
			}
			free = free.minus(u.Amounts)
		}
		if i := grades.of(free); i >= 0 {
			counts[i].Count++
		}
	}
	return counts
}

// grades are the lower ends of all models, by resource.
type grades map[corev1.ResourceName][]int64

func gradesOf(models []clusterv1alpha1.ResourceModel) grades {
	g := grades{}
	for _, m := range models {
		for _, r := range m.Ranges {
			least := AmountsOf(corev1.ResourceList{r.Name: r.Min})
			g[r.Name] = append(g[r.Name], least.Of(r.Name))
		}
	}
	return g
}

// of returns the index of the highest model that the amounts reach in every resource, or -1.
func (g grades) of(a Amounts) int {
	index := math.MaxInt
	for name, least := range g {
		has := a.Of(name)
		above := slices.IndexFunc(least, func(l int64) bool { return l > has })
		if above < 0 {
			above = len(least)
		}
		index = min(index, above-1)
	}
	if index == math.MaxInt {
		return -1
	}
	return index
}
