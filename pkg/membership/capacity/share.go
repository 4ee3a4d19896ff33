package capacity

import (
	"fmt"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/client-go/tools/cache"
	resourcehelper "k8s.io/component-helpers/resource"
)

// nodeShare is what a node adds to its member's totals.
type nodeShare struct {
	ready       bool
	allocatable Amounts
}

// podShare is what a pod adds to its member's totals.
type podShare struct {
	phase    podPhase
	requests Amounts
}

// podPhase says which total a pod counts towards.
type podPhase uint8

const (
	// finished pods hold nothing.
	finished podPhase = iota
	// waiting pods have no node yet.
	waiting
	// placed pods have a node and hold its resources.
	placed
)

// keyed is an object reduced to its share; it passes through the reflector in the object's place.
type keyed[S any] struct {
	key   string
	share S
}

func nodeShareOf(obj any) (keyed[nodeShare], error) {
	node, ok := obj.(*corev1.Node)
	if !ok {
		return keyed[nodeShare]{}, fmt.Errorf("got a %T, want a node", obj)
	}
	s := nodeShare{allocatable: AmountsOf(node.Status.Allocatable)}
	for _, c := range node.Status.Conditions {
		if c.Type == corev1.NodeReady {
			s.ready = c.Status == corev1.ConditionTrue
		}
	}
	return keyed[nodeShare]{key: node.Name, share: s}, nil
}

func podShareOf(obj any) (keyed[podShare], error) {
	pod, ok := obj.(*corev1.Pod)
	if !ok {
		return keyed[podShare]{}, fmt.Errorf("got a %T, want a pod", obj)
	}
	k := keyed[podShare]{key: cache.MetaObjectToName(pod).String()}
	switch {
	case pod.Status.Phase == corev1.PodSucceeded || pod.Status.Phase == corev1.PodFailed:
		k.share.phase = finished
		return k, nil
	case pod.Spec.NodeName == "":
		k.share.phase = waiting
	default:
		k.share.phase = placed
	}
	k.share.requests = AmountsOf(resourcehelper.PodRequests(pod, resourcehelper.PodResourcesOptions{}))
	k.share.requests.Pods = 1
	return k, nil
}
