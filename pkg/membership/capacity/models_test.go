package capacity

import (
	"math"
	"slices"
	"testing"

	clusterv1alpha1 "github.com/karmada-io/karmada/pkg/apis/cluster/v1alpha1"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
)

// models divides resources at the given quantities: name, then the lower ends from the second model on.
func models(resources ...[]string) []clusterv1alpha1.ResourceModel {
	out := make([]clusterv1alpha1.ResourceModel, len(resources[0]))
	for _, r := range resources {
		least := resource.MustParse("0")
		for i := range out {
			most := *resource.NewQuantity(math.MaxInt64, resource.DecimalSI)
			if i+1 < len(r) {
				most = resource.MustParse(r[i+1])
			}
			out[i].Grade = uint(10 + i)
			out[i].Ranges = append(out[i].Ranges, clusterv1alpha1.ResourceModelRange{Name: corev1.ResourceName(r[0]), Min: least, Max: most})
			least = most
		}
	}
	return out
}

func TestModelings(t *testing.T) {
	two := [][]string{{"cpu", "1", "2500m"}, {"memory", "4Gi", "16Gi"}}
	for name, c := range map[string]struct {
		models      [][]string
		allocatable corev1.ResourceList
		pods        []*corev1.Pod
		want        []int
	}{
		"the least of its resources decides": {two, list("cpu", "8", "memory", "5Gi", "pods", "10"), nil, []int{0, 1, 0}},
		"a lower end belongs to its model":   {two, list("cpu", "2500m", "memory", "16Gi"), nil, []int{0, 0, 1}},
		"just below it does not":             {two, list("cpu", "2499m", "memory", "16Gi"), nil, []int{0, 1, 0}},
		"what pods ask for is taken off": {two, list("cpu", "3", "memory", "16Gi", "pods", "10"),
			[]*corev1.Pod{pod("p", "n", corev1.PodRunning, list("cpu", "1")), pod("q", "n", corev1.PodSucceeded, list("cpu", "1")), pod("r", "", corev1.PodPending, list("cpu", "1"))}, []int{0, 1, 0}},
		"a resource that the node lacks": {[][]string{{"cpu", "1"}, {"nvidia.com/gpu", "1"}}, list("cpu", "8"), nil, []int{1, 0}},
		"one that only some nodes have":  {[][]string{{"nvidia.com/gpu", "1", "4"}}, list("nvidia.com/gpu", "4"), nil, []int{0, 0, 1}},
		"no room for another pod":        {two, list("cpu", "8", "memory", "64Gi", "pods", "1"), []*corev1.Pod{pod("p", "n", corev1.PodRunning)}, []int{0, 0, 0}},
		"less than nothing left":         {two, list("cpu", "1", "memory", "64Gi", "pods", "10"), []*corev1.Pod{pod("p", "n", corev1.PodRunning, list("cpu", "2"))}, []int{0, 0, 0}},
	} {
		t.Run(name, func(t *testing.T) {
			l := NewLedger()
			if l.Modelings(models(c.models...)) != nil {
				t.Error("there are counts although nothing was listed yet")
			}
			l = synced(t)
			apply(t, l.nodeStore().Add(node("n", false, c.allocatable)))
			for _, p := range c.pods {
				apply(t, l.podStore().Add(p))
			}
			var got []int
			for i, m := range l.Modelings(models(c.models...)) {
				if m.Grade != uint(10+i) {
					t.Errorf("model %d has grade %d", i, m.Grade)
				}
				got = append(got, m.Count)
			}
			if !slices.Equal(got, c.want) {
				t.Errorf("counts are %v, want %v", got, c.want)
			}
			if l.Modelings(nil) != nil {
				t.Error("without models there are counts")
			}
		})
	}
}
