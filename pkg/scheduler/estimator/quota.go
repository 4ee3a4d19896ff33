package estimator

import (
	"fmt"
	"strings"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/selection"

	"atoll.dev/atoll/pkg/membership/capacity"
)

// quotaRoom returns how many times the quotas of the member allow what is asked for,
// and which of them limits it by what, and how much of that is left. What quotas say of limits is not known of a
// replica and does not count.
func quotaRoom(view *capacity.View, a *ask, claimed map[string]map[string]*Pods) (room int64, quota *capacity.Quota, limit corev1.ResourceName, left int64) {
	room = int64(Unlimited)
	for i, p := range a.pods {
		if seen(a.pods[:i], p.Namespace) {
			continue
		}
		quotas := view.Quotas[p.Namespace]
		for j := range quotas {
			q := &quotas[j]
			for name, unused := range q.Left {
				use := quotaUse(q, name, p.Namespace, a.pods)
				if use == 0 {
					continue
				}
				unused = max(unused-quotaClaimed(q, name, claimed[p.Namespace]), 0)
				if n := unused / use; n < room || n == room && quota == q && name < limit {
					room, quota, limit, left = n, q, name, unused
				}
			}
		}
	}
	return room, quota, limit, left
}

func seen(pods []Pods, namespace string) bool {
	for _, p := range pods {
		if p.Namespace == namespace {
			return true
		}
	}
	return false
}

// quotaUse returns how much of the quota for a resource the pods in its namespace use up.
func quotaUse(q *capacity.Quota, resource corev1.ResourceName, namespace string, pods []Pods) int64 {
	var use int64
	for _, p := range pods {
		if p.Namespace != namespace || !inScope(q.Scopes, p.Requirement) {
			continue
		}
		use = plus(use, times(quotaWant(resource, p.Requirement), p.Count))
	}
	return use
}

// quotaClaimed returns how much of the quota for a resource claims in its namespace use up.
func quotaClaimed(q *capacity.Quota, resource corev1.ResourceName, claimed map[string]*Pods) int64 {
	var use int64
	for _, c := range claimed {
		if inScope(q.Scopes, c.Requirement) {
			use = plus(use, times(quotaWant(resource, c.Requirement), c.Count))
		}
	}
	return use
}

// quotaWant returns how much of a quota's resource a pod uses up.
func quotaWant(resource corev1.ResourceName, r *Requirement) int64 {
	if resource == corev1.ResourcePods || resource == "count/pods" {
		return 1
	}
	requested := strings.TrimPrefix(string(resource), corev1.DefaultResourceRequestsPrefix)
	switch name := corev1.ResourceName(requested); name {
	case corev1.ResourceCPU:
		return r.request.milliCPU
	case corev1.ResourceMemory:
		return r.request.memory
	case corev1.ResourceEphemeralStorage:
		return r.request.ephemeral
	default:
		for _, o := range r.request.others {
			if o.resource == name {
				return o.quantity
			}
		}
		return 0
	}
}

// inScope tells whether a quota counts the pod: all of its scopes must. Whether a pod
// terminates by itself is not known of a replica; nearly none does.
func inScope(scopes []corev1.ScopedResourceSelectorRequirement, r *Requirement) bool {
	for i := range scopes {
		matches := false
		switch scopes[i].ScopeName {
		case corev1.ResourceQuotaScopeNotTerminating:
			matches = true
		case corev1.ResourceQuotaScopeBestEffort:
			matches = r.bestEffort()
		case corev1.ResourceQuotaScopeNotBestEffort:
			matches = !r.bestEffort()
		case corev1.ResourceQuotaScopePriorityClass:
			matches = matchesPriorityClass(&scopes[i], r.PriorityClass)
		}
		if !matches {
			return false
		}
	}
	return true
}

func matchesPriorityClass(scope *corev1.ScopedResourceSelectorRequirement, class string) bool {
	operators := map[corev1.ScopeSelectorOperator]selection.Operator{
		corev1.ScopeSelectorOpIn: selection.In, corev1.ScopeSelectorOpNotIn: selection.NotIn,
		corev1.ScopeSelectorOpExists: selection.Exists, corev1.ScopeSelectorOpDoesNotExist: selection.DoesNotExist,
	}
	requirement, err := labels.NewRequirement("class", operators[scope.Operator], scope.Values)
	if err != nil {
		return false
	}
	set := labels.Set{}
	if class != "" {
		set["class"] = class
	}
	return requirement.Matches(set)
}

// quotaLimit tells of a limit: "quota team-a: pods 2 left".
func quotaLimit(q *capacity.Quota, resource corev1.ResourceName, left int64) string {
	return fmt.Sprintf("quota %s: %s %s left", q.Name, resource, quantityText(resource, left))
}
