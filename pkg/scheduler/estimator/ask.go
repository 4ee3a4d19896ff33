package estimator

import (
	"math"

	corev1 "k8s.io/api/core/v1"

	workv1alpha2 "github.com/karmada-io/karmada/pkg/apis/work/v1alpha2"
)

// Pods are a number of pods that are alike.
type Pods struct {
	*Requirement
	Count int64
}

// ask is what is asked of a cluster: how many times it holds these pods at once.
// For a replica they are one pod; for a set of components, the pods of each of them.
type ask struct {
	pods []Pods
	// sum is what all of them take together.
	sum []amount
	// key is the same for asks that are alike in everything.
	key string
}

// AsksForSets tells whether a workload is estimated in whole sets of its components:
// if it has several, or one and no replicas that could be divided.
func AsksForSets(spec *workv1alpha2.ResourceBindingSpec) bool {
	return len(spec.Components) > 1 || len(spec.Components) == 1 && spec.Replicas == 0 && spec.ReplicaRequirements == nil
}

func askOf(spec *workv1alpha2.ResourceBindingSpec) *ask {
	a := &ask{}
	if AsksForSets(spec) {
		for i := range spec.Components {
			component := &spec.Components[i]
			if component.Replicas <= 0 {
				continue
			}
			requirements := component.ReplicaRequirements
			if requirements == nil {
				requirements = &workv1alpha2.ComponentReplicaRequirements{}
			}
			a.add(newRequirement(spec.Resource.Namespace, requirements.PriorityClassName, requirements.NodeClaim, requirements.ResourceRequest), component.Replicas)
		}
		return a
	}
	requirements := replicaRequirements(spec)
	namespace := requirements.Namespace
	if namespace == "" {
		namespace = spec.Resource.Namespace
	}
	a.add(newRequirement(namespace, requirements.PriorityClassName, requirements.NodeClaim, requirements.ResourceRequest), 1)
	return a
}

// replicaRequirements returns what a replica requires; of a workload of one component
// that does not say, what the component requires.
func replicaRequirements(spec *workv1alpha2.ResourceBindingSpec) *workv1alpha2.ReplicaRequirements {
	if spec.ReplicaRequirements != nil {
		return spec.ReplicaRequirements
	}
	r := &workv1alpha2.ReplicaRequirements{}
	if len(spec.Components) == 1 && spec.Components[0].ReplicaRequirements != nil {
		c := spec.Components[0].ReplicaRequirements
		r.NodeClaim, r.ResourceRequest, r.PriorityClassName = c.NodeClaim, c.ResourceRequest, c.PriorityClassName
	}
	return r
}

func (a *ask) add(r *Requirement, count int32) {
	a.pods = append(a.pods, Pods{r, int64(count)})
	r.each(func(resource corev1.ResourceName, quantity int64) {
		a.sum = addAmount(a.sum, resource, times(quantity, int64(count)))
	})
	if a.key == "" && count == 1 {
		a.key = r.key
	} else {
		a.key = string(append(appendText([]byte(a.key), r.key), byte(count), byte(count>>8), byte(count>>16), byte(count>>24)))
	}
}

// single returns the requirement if it is all that is asked for, else nil.
func (a *ask) single() *Requirement {
	if len(a.pods) == 1 && a.pods[0].Count == 1 {
		return a.pods[0].Requirement
	}
	return nil
}

// by returns the pods that so many times the ask are.
func (a *ask) by(n int64) []Pods {
	pods := make([]Pods, len(a.pods))
	for i, p := range a.pods {
		pods[i] = Pods{p.Requirement, times(p.Count, n)}
	}
	return pods
}

func addAmount(sum []amount, resource corev1.ResourceName, quantity int64) []amount {
	for i := range sum {
		if sum[i].resource == resource {
			sum[i].quantity = plus(sum[i].quantity, quantity)
			return sum
		}
	}
	return append(sum, amount{resource, quantity})
}

// times multiplies numbers that are not negative; what is too large is the largest number.
func times(a, b int64) int64 {
	if a > 0 && b > math.MaxInt64/a {
		return math.MaxInt64
	}
	return a * b
}

// plus adds numbers that are not negative; what is too large is the largest number.
func plus(a, b int64) int64 {
	if a > math.MaxInt64-b {
		return math.MaxInt64
	}
	return a + b
}
