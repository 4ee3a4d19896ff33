package defaults

import (
	"math"
	"slices"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/karmada-io/karmada/pkg/apis/cluster"
)

// CreateCluster completes a Cluster that is being created, at the given time.
func CreateCluster(c *cluster.Cluster, now metav1.Time) {
	if len(c.Spec.ResourceModels) == 0 {
		c.Spec.ResourceModels = resourceModels()
	}
	UpdateCluster(c, nil, now)
}

// UpdateCluster completes a Cluster that is being written, at the given time.
// Resource models are put in order and closed at both ends; the deprecated zone
// moves to zones; a NoExecute taint gets the time at which it was added first.
func UpdateCluster(c, old *cluster.Cluster, now metav1.Time) {
	standardizeModels(c.Spec.ResourceModels)
	if c.Spec.Zone != "" && len(c.Spec.Zones) == 0 {
		c.Spec.Zones, c.Spec.Zone = []string{c.Spec.Zone}, ""
	}
	for i := range c.Spec.Taints {
		t := &c.Spec.Taints[i]
		if t.Effect != corev1.TaintEffectNoExecute || t.TimeAdded != nil {
			continue
		}
		t.TimeAdded = &now
		if old == nil {
			continue
		}
		same := slices.IndexFunc(old.Spec.Taints, func(o corev1.Taint) bool { return o.MatchTaint(t) && o.Value == t.Value })
		if same >= 0 && old.Spec.Taints[same].TimeAdded != nil {
			t.TimeAdded = old.Spec.Taints[same].TimeAdded
		}
	}
}

// standardizeModels sorts models by grade, lets the first begin at zero and the last be without end.
func standardizeModels(models []cluster.ResourceModel) {
	if len(models) == 0 {
		return
	}
	slices.SortStableFunc(models, func(a, b cluster.ResourceModel) int { return int(a.Grade) - int(b.Grade) })
	for i := range models[0].Ranges {
		models[0].Ranges[i].Min.Set(0)
	}
	for i, last := 0, models[len(models)-1].Ranges; i < len(last); i++ {
		last[i].Max.Set(math.MaxInt64)
	}
}

// modelCPU and modelMemory are the upper ends of the default models, in cores and
// GiB: what Karmada classifies nodes by. The last model has none.
var (
	modelCPU    = []int64{1, 2, 4, 8, 16, 32, 64, 128}
	modelMemory = []int64{4, 16, 32, 64, 128, 256, 512, 1024}
)

func resourceModels() []cluster.ResourceModel {
	cpu, memory := boundaries(modelCPU, 1, resource.DecimalSI), boundaries(modelMemory, 1<<30, resource.BinarySI)
	models := make([]cluster.ResourceModel, len(cpu)-1)
	for i := range models {
		models[i] = cluster.ResourceModel{Grade: uint(i), Ranges: []cluster.ResourceModelRange{
			{Name: corev1.ResourceCPU, Min: cpu[i], Max: cpu[i+1]},
			{Name: corev1.ResourceMemory, Min: memory[i], Max: memory[i+1]},
		}}
	}
	return models
}

// boundaries returns zero, the values in the given unit, and the largest quantity there is.
func boundaries(values []int64, unit int64, format resource.Format) []resource.Quantity {
	all := []resource.Quantity{*resource.NewQuantity(0, format)}
	for _, v := range values {
		all = append(all, *resource.NewQuantity(v*unit, format))
	}
	return append(all, *resource.NewQuantity(math.MaxInt64, format))
}
