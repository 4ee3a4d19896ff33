package capacity

import (
	"strings"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
)

// amounts is a resource list as plain numbers: CPU in thousandths, the rest in units.
// The four that nearly every node and pod has are fields, so that a pod costs no map.
type amounts struct {
	milliCPU, memory, ephemeral, pods int64
	other                             map[corev1.ResourceName]int64
}

func amountsOf(list corev1.ResourceList) amounts {
	var a amounts
	for name, q := range list {
		switch name {
		case corev1.ResourceCPU:
			a.milliCPU = q.MilliValue()
		case corev1.ResourceMemory:
			a.memory = q.Value()
		case corev1.ResourceEphemeralStorage:
			a.ephemeral = q.Value()
		case corev1.ResourcePods:
			a.pods = q.Value()
		default:
			if a.other == nil {
				a.other = map[corev1.ResourceName]int64{}
			}
			a.other[name] = q.Value()
		}
	}
	return a
}

// add adds b, sign times, to a.
func (a *amounts) add(b amounts, sign int64) {
	a.milliCPU += sign * b.milliCPU
	a.memory += sign * b.memory
	a.ephemeral += sign * b.ephemeral
	a.pods += sign * b.pods
	for name, v := range b.other {
		if a.other == nil {
			a.other = map[corev1.ResourceName]int64{}
		}
		if a.other[name] += sign * v; a.other[name] == 0 {
			delete(a.other, name)
		}
	}
}

// list returns the amounts as Karmada reports them: zero ones are left out.
func (a amounts) list() corev1.ResourceList {
	out := corev1.ResourceList{}
	put := func(name corev1.ResourceName, q *resource.Quantity) {
		if !q.IsZero() {
			out[name] = *q
		}
	}
	put(corev1.ResourceCPU, resource.NewMilliQuantity(a.milliCPU, resource.DecimalSI))
	put(corev1.ResourceMemory, resource.NewQuantity(a.memory, resource.BinarySI))
	put(corev1.ResourceEphemeralStorage, resource.NewQuantity(a.ephemeral, resource.BinarySI))
	put(corev1.ResourcePods, resource.NewQuantity(a.pods, resource.DecimalSI))
	for name, v := range a.other {
		format := resource.DecimalSI
		if strings.HasPrefix(string(name), corev1.ResourceHugePagesPrefix) {
			format = resource.BinarySI
		}
		put(name, resource.NewQuantity(v, format))
	}
	if len(out) == 0 {
		return nil
	}
	return out
}
