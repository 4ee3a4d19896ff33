package estimator

import (
	"cmp"
	"encoding/binary"
	"slices"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/component-helpers/scheduling/corev1/nodeaffinity"

	workv1alpha2 "github.com/karmada-io/karmada/pkg/apis/work/v1alpha2"

	"atoll.dev/atoll/pkg/membership/capacity"
)

// Requirement is what one pod of a workload needs of a member. It is immutable.
type Requirement struct {
	// Namespace and PriorityClass of the pod.
	Namespace, PriorityClass string
	// Source is what the rest was made from; nil if the pod asks for nothing.
	Source *workv1alpha2.ComponentReplicaRequirements

	// request is what it takes of a node, itself as one pod included.
	request amounts
	// affinity is its node selector and required node affinity; nil if any node will do.
	affinity    *nodeaffinity.RequiredNodeAffinity
	tolerations []corev1.Toleration
	// singles tells that affinity may tell nodes of one class apart, by name or hostname.
	singles bool
	// shape is the same for requirements that fit on the same nodes alike.
	shape string
	// key is the same for requirements that are alike in everything.
	key string
}

// amount is a quantity of a resource: CPU in thousandths, everything else in units.
type amount struct {
	resource corev1.ResourceName
	quantity int64
}

// amounts are what a pod asks for, nothing of zero among it: the usual ones as
// fields, as every node is compared with them, and the rest in the order of names.
type amounts struct {
	milliCPU, memory, ephemeral int64
	others                      []amount
}

func newRequirement(namespace, priorityClass string, claim *workv1alpha2.NodeClaim, request corev1.ResourceList) *Requirement {
	r := &Requirement{Namespace: namespace, PriorityClass: priorityClass}
	r.Source = &workv1alpha2.ComponentReplicaRequirements{NodeClaim: claim, ResourceRequest: request, PriorityClassName: priorityClass}
	a := capacity.AmountsOf(request)
	r.request = amounts{milliCPU: max(a.MilliCPU, 0), memory: max(a.Memory, 0), ephemeral: max(a.Ephemeral, 0)}
	for name, q := range a.Other {
		if q > 0 {
			r.request.others = append(r.request.others, amount{name, q})
		}
	}
	slices.SortFunc(r.request.others, func(x, y amount) int { return cmp.Compare(x.resource, y.resource) })
	key := make([]byte, 0, 64)
	key = binary.AppendVarint(key, r.request.milliCPU)
	key = binary.AppendVarint(key, r.request.memory)
	key = binary.AppendVarint(key, r.request.ephemeral)
	key = binary.AppendUvarint(key, uint64(len(r.request.others)))
	for _, o := range r.request.others {
		key = binary.AppendVarint(appendText(key, string(o.resource)), o.quantity)
	}
	if claim == nil {
		claim = &workv1alpha2.NodeClaim{}
	}
	key = r.readNodeClaim(key, claim)
	shape := len(key)
	key = appendText(appendText(key, namespace), priorityClass)
	r.key = string(key)
	r.shape = r.key[:shape]
	return r
}

// readNodeClaim takes in which nodes will do, and adds it to the key.
func (r *Requirement) readNodeClaim(key []byte, claim *workv1alpha2.NodeClaim) []byte {
	r.tolerations = claim.Tolerations
	key = binary.AppendUvarint(key, uint64(len(claim.Tolerations)))
	for i := range claim.Tolerations {
		t := &claim.Tolerations[i]
		for _, s := range []string{t.Key, string(t.Operator), t.Value, string(t.Effect)} {
			key = appendText(key, s)
		}
	}
	key = binary.AppendUvarint(key, uint64(len(claim.NodeSelector)))
	if len(claim.NodeSelector) == 0 && claim.HardNodeAffinity == nil {
		return append(key, 0)
	}
	names := make([]string, 0, len(claim.NodeSelector))
	for name := range claim.NodeSelector {
		names = append(names, name)
		r.singles = r.singles || name == corev1.LabelHostname
	}
	slices.Sort(names)
	for _, name := range names {
		key = appendText(appendText(key, name), claim.NodeSelector[name])
	}
	pod := corev1.Pod{Spec: corev1.PodSpec{NodeSelector: claim.NodeSelector}}
	if s := claim.HardNodeAffinity; s == nil {
		key = append(key, 0)
	} else {
		key = binary.AppendUvarint(append(key, 1), uint64(len(s.NodeSelectorTerms)))
		pod.Spec.Affinity = &corev1.Affinity{NodeAffinity: &corev1.NodeAffinity{RequiredDuringSchedulingIgnoredDuringExecution: s}}
		for i := range s.NodeSelectorTerms {
			term := &s.NodeSelectorTerms[i]
			r.singles = r.singles || len(term.MatchFields) > 0
			key = appendExpressions(key, term.MatchFields)
			key = appendExpressions(key, term.MatchExpressions)
			for _, e := range term.MatchExpressions {
				r.singles = r.singles || e.Key == corev1.LabelHostname
			}
		}
	}
	affinity := nodeaffinity.GetRequiredNodeAffinity(&pod)
	r.affinity = &affinity
	return key
}

func appendExpressions(key []byte, expressions []corev1.NodeSelectorRequirement) []byte {
	key = binary.AppendUvarint(key, uint64(len(expressions)))
	for _, e := range expressions {
		key = appendText(appendText(key, e.Key), string(e.Operator))
		key = binary.AppendUvarint(key, uint64(len(e.Values)))
		for _, v := range e.Values {
			key = appendText(key, v)
		}
	}
	return key
}

// appendText adds a text so that no two lists of texts look the same.
func appendText(key []byte, s string) []byte {
	return append(binary.AppendUvarint(key, uint64(len(s))), s...)
}

// bestEffort tells whether the pod asks for neither CPU nor memory.
func (r *Requirement) bestEffort() bool { return r.request.milliCPU == 0 && r.request.memory == 0 }

// fit returns how many of the pod the free amounts hold.
func (r *Requirement) fit(free *capacity.Amounts) int64 {
	n := free.Pods
	if q := r.request.milliCPU; q > 0 {
		n = min(n, free.MilliCPU/q)
	}
	if q := r.request.memory; q > 0 {
		n = min(n, free.Memory/q)
	}
	if q := r.request.ephemeral; q > 0 {
		n = min(n, free.Ephemeral/q)
	}
	for i := range r.request.others {
		o := &r.request.others[i]
		n = min(n, free.Other[o.resource]/o.quantity)
	}
	return max(n, 0)
}

// each calls f for each resource that the pod takes, itself as one pod first.
func (r *Requirement) each(f func(resource corev1.ResourceName, quantity int64)) {
	f(corev1.ResourcePods, 1)
	if q := r.request.milliCPU; q > 0 {
		f(corev1.ResourceCPU, q)
	}
	if q := r.request.memory; q > 0 {
		f(corev1.ResourceMemory, q)
	}
	if q := r.request.ephemeral; q > 0 {
		f(corev1.ResourceEphemeralStorage, q)
	}
	for _, o := range r.request.others {
		f(o.resource, o.quantity)
	}
}
