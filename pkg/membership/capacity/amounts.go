package capacity

import (
	"maps"
	"strings"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
)

// Amounts is a resource list as plain numbers: CPU in thousandths, the rest in units.
// The four that nearly every node and pod has are fields, so that a pod costs no map.
type Amounts struct {
	MilliCPU, Memory, Ephemeral, Pods int64
	Other                             map[corev1.ResourceName]int64
}

// AmountsOf returns the amounts of a list.
func AmountsOf(list corev1.ResourceList) Amounts {
	var a Amounts
	for name, q := range list {
		switch name {
		case corev1.ResourceCPU:
			a.MilliCPU = q.MilliValue()
		case corev1.ResourceMemory:
			a.Memory = q.Value()
		case corev1.ResourceEphemeralStorage:
			a.Ephemeral = q.Value()
		case corev1.ResourcePods:
			a.Pods = q.Value()
		default:
			if q.IsZero() {
				continue // a node without huge pages says so for each size
			}
			if a.Other == nil {
				a.Other = map[corev1.ResourceName]int64{}
			}
			a.Other[name] = q.Value()
		}
	}
	return a
}

// Of returns the amount of one resource.
func (a Amounts) Of(name corev1.ResourceName) int64 {
	switch name {
	case corev1.ResourceCPU:
		return a.MilliCPU
	case corev1.ResourceMemory:
		return a.Memory
	case corev1.ResourceEphemeralStorage:
		return a.Ephemeral
	case corev1.ResourcePods:
		return a.Pods
	}
	return a.Other[name]
}

// add adds b, sign times, to a.
func (a *Amounts) add(b Amounts, sign int64) {
	a.MilliCPU += sign * b.MilliCPU
	a.Memory += sign * b.Memory
	a.Ephemeral += sign * b.Ephemeral
	a.Pods += sign * b.Pods
	for name, v := range b.Other {
		if a.Other == nil {
			a.Other = map[corev1.ResourceName]int64{}
		}
		if a.Other[name] += sign * v; a.Other[name] == 0 {
			delete(a.Other, name)
		}
	}
}

// Raise makes a at least b in every resource.
func (a *Amounts) Raise(b Amounts) {
	a.MilliCPU, a.Memory = max(a.MilliCPU, b.MilliCPU), max(a.Memory, b.Memory)
	a.Ephemeral, a.Pods = max(a.Ephemeral, b.Ephemeral), max(a.Pods, b.Pods)
	for name, v := range b.Other {
		if v > a.Other[name] {
			if a.Other == nil {
				a.Other = map[corev1.ResourceName]int64{}
			}
			a.Other[name] = v
		}
	}
}

// minus returns a less b. What is zero is left out of Other.
func (a Amounts) minus(b Amounts) Amounts {
	a.Other = maps.Clone(a.Other)
	a.add(b, -1)
	return a
}

func (a Amounts) equal(b Amounts) bool {
	return a.MilliCPU == b.MilliCPU && a.Memory == b.Memory && a.Ephemeral == b.Ephemeral && a.Pods == b.Pods && maps.Equal(a.Other, b.Other)
}

// Exceeds tells whether a has more than b of any resource.
func (a Amounts) Exceeds(b Amounts) bool {
	if a.MilliCPU > b.MilliCPU || a.Memory > b.Memory || a.Ephemeral > b.Ephemeral || a.Pods > b.Pods {
		return true
	}
	for name, v := range a.Other {
		if v > b.Other[name] {
			return true
		}
	}
	for name, v := range b.Other {
		if v < 0 && a.Other[name] > v {
			return true
		}
	}
	return false
}

// list returns the amounts as Karmada reports them: zero ones are left out.
func (a Amounts) list() corev1.ResourceList {
	out := corev1.ResourceList{}
	put := func(name corev1.ResourceName, q *resource.Quantity) {
		if !q.IsZero() {
			out[name] = *q
		}
	}
	put(corev1.ResourceCPU, resource.NewMilliQuantity(a.MilliCPU, resource.DecimalSI))
	put(corev1.ResourceMemory, resource.NewQuantity(a.Memory, resource.BinarySI))
	put(corev1.ResourceEphemeralStorage, resource.NewQuantity(a.Ephemeral, resource.BinarySI))
	put(corev1.ResourcePods, resource.NewQuantity(a.Pods, resource.DecimalSI))
	for name, v := range a.Other {
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
