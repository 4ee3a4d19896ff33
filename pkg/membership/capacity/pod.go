package capacity

import (
	"fmt"
	"strings"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/tools/cache"
	resourcehelper "k8s.io/component-helpers/resource"
)

// podShare is what is remembered of a pod that has not ended.
type podShare struct {
	// node is empty as long as the pod waits for one.
	node     string
	requests Amounts
	// stuck is nil unless the member found no node for the pod.
	stuck *stuckPod
}

type stuckPod struct {
	workload Workload
	since    time.Time
}

func (p podShare) equal(o podShare) bool {
	return p.node == o.node && p.requests.equal(o.requests) && (p.stuck == nil) == (o.stuck == nil) && (p.stuck == nil || *p.stuck == *o.stuck)
}

// usage is what the pods on a node ask for, together.
type usage struct {
	node string
	Amounts
}

func (l *Ledger) podStore() *store[podShare] {
	return &store[podShare]{ledger: l, account: &l.pods, equal: podShare.equal, intern: l.internPod, count: l.countPod, reduceObject: reducePod, totals: true}
}

// internPod makes all pods on a node share the node's name. mu is held.
func (l *Ledger) internPod(p podShare) podShare {
	if u := l.used[p.node]; u != nil {
		p.node = u.node
	}
	return p
}

func reducePod(obj any) (keyed[podShare], error) {
	pod, ok := obj.(*corev1.Pod)
	if !ok {
		return keyed[podShare]{}, fmt.Errorf("got a %T, want a pod", obj)
	}
	k := keyed[podShare]{key: cache.MetaObjectToName(pod).String()}
	if pod.Status.Phase == corev1.PodSucceeded || pod.Status.Phase == corev1.PodFailed {
		k.none = true // it holds nothing any more
		return k, nil
	}
	k.share.node = pod.Spec.NodeName
	k.share.requests = AmountsOf(resourcehelper.PodRequests(pod, resourcehelper.PodResourcesOptions{}))
	k.share.requests.Pods = 1
	if since, stuck := unschedulableSince(pod); stuck {
		k.share.stuck = &stuckPod{workload: workloadOf(pod), since: since}
	}
	return k, nil
}

// countPod adds a pod to the totals and to its node, sign times. mu is held.
func (l *Ledger) countPod(key string, p podShare, sign int64) {
	if p.stuck != nil {
		l.draft.stuck = true
		if sign > 0 {
			l.stuck[key] = p.stuck
		} else {
			delete(l.stuck, key)
		}
	}
	if p.node == "" {
		l.allocating.add(p.requests, sign)
		return
	}
	l.allocated.add(p.requests, sign)
	u := l.used[p.node]
	if u == nil {
		u = &usage{node: p.node}
		l.used[p.node] = u
	}
	if u.add(p.requests, sign); u.Pods == 0 {
		delete(l.used, p.node)
	}
	l.draft.node(p.node)
}

// unschedulableSince tells whether the member's scheduler found no node for a pod, and since when.
func unschedulableSince(pod *corev1.Pod) (time.Time, bool) {
	if pod.Spec.NodeName != "" || pod.DeletionTimestamp != nil {
		return time.Time{}, false
	}
	for _, c := range pod.Status.Conditions {
		if c.Type == corev1.PodScheduled && c.Status == corev1.ConditionFalse && c.Reason == corev1.PodReasonUnschedulable {
			return c.LastTransitionTime.Time, true
		}
	}
	return time.Time{}, false
}

// workloadOf returns what owns a pod as far as the pod tells: nothing but the pod is read.
func workloadOf(pod *corev1.Pod) Workload {
	owner := metav1.GetControllerOf(pod)
	if owner == nil {
		return Workload{Kind: "Pod", Namespace: pod.Namespace, Name: pod.Name}
	}
	w := Workload{Kind: owner.Kind, Namespace: pod.Namespace, Name: owner.Name}
	if hash := pod.Labels[appsv1.DefaultDeploymentUniqueLabelKey]; hash != "" && owner.Kind == "ReplicaSet" {
		// A Deployment names its ReplicaSets NAME-HASH.
		if name, ok := strings.CutSuffix(owner.Name, "-"+hash); ok {
			w.Kind, w.Name = "Deployment", name
		}
	}
	return w
}
