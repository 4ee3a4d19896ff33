package capacity

import (
	"fmt"
	"maps"
	"slices"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/equality"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/tools/cache"
)

// quotaShare is a quota with its namespace.
type quotaShare struct {
	namespace string
	Quota
}

func (q quotaShare) equal(o quotaShare) bool {
	return q.namespace == o.namespace && q.Name == o.Name && maps.Equal(q.Left, o.Left) && equality.Semantic.DeepEqual(q.Scopes, o.Scopes)
}

func (l *Ledger) quotaStore() *store[quotaShare] {
	return &store[quotaShare]{ledger: l, account: &l.quotas, equal: quotaShare.equal, reduceObject: reduceQuota,
		count: func(string, quotaShare, int64) { l.draft.quotas = true }, replaced: func() { l.draft.quotas = true }}
}

func reduceQuota(obj any) (keyed[quotaShare], error) {
	q, ok := obj.(*corev1.ResourceQuota)
	if !ok {
		return keyed[quotaShare]{}, fmt.Errorf("got a %T, want a resource quota", obj)
	}
	s := quotaShare{namespace: q.Namespace, Quota: Quota{Name: q.Name, Left: make(map[corev1.ResourceName]int64, len(q.Spec.Hard))}}
	for name, left := range q.Spec.Hard {
		left = left.DeepCopy()
		left.Sub(q.Status.Used[name])
		switch name {
		case corev1.ResourceCPU, corev1.ResourceRequestsCPU, corev1.ResourceLimitsCPU:
			s.Left[name] = left.MilliValue()
		default:
			s.Left[name] = left.Value()
		}
	}
	for _, scope := range q.Spec.Scopes {
		s.Scopes = append(s.Scopes, corev1.ScopedResourceSelectorRequirement{ScopeName: scope, Operator: corev1.ScopeSelectorOpExists})
	}
	if q.Spec.ScopeSelector != nil {
		s.Scopes = append(s.Scopes, q.Spec.ScopeSelector.MatchExpressions...)
	}
	return keyed[quotaShare]{key: cache.MetaObjectToName(q).String(), share: s}, nil
}

func (l *Ledger) volumeStore() *store[types.NamespacedName] {
	return &store[types.NamespacedName]{ledger: l, account: &l.volumes, reduceObject: reduceVolume,
		equal: func(a, b types.NamespacedName) bool { return a == b },
		count: func(string, types.NamespacedName, int64) { l.draft.claims = true }, replaced: func() { l.draft.claims = true }}
}

// reduceVolume makes of a volume that lives on a node the claim that is bound to it.
func reduceVolume(obj any) (keyed[types.NamespacedName], error) {
	v, ok := obj.(*corev1.PersistentVolume)
	if !ok {
		return keyed[types.NamespacedName]{}, fmt.Errorf("got a %T, want a persistent volume", obj)
	}
	k := keyed[types.NamespacedName]{key: v.Name}
	if v.Status.Phase != corev1.VolumeBound || v.Spec.ClaimRef == nil || !livesOnANode(v) {
		k.none = true
		return k, nil
	}
	k.share = types.NamespacedName{Namespace: v.Spec.ClaimRef.Namespace, Name: v.Spec.ClaimRef.Name}
	return k, nil
}

func livesOnANode(v *corev1.PersistentVolume) bool {
	if v.Spec.Local != nil || v.Spec.HostPath != nil {
		return true
	}
	if v.Spec.NodeAffinity == nil || v.Spec.NodeAffinity.Required == nil {
		return false
	}
	return slices.ContainsFunc(v.Spec.NodeAffinity.Required.NodeSelectorTerms, func(t corev1.NodeSelectorTerm) bool {
		return slices.ContainsFunc(t.MatchExpressions, func(r corev1.NodeSelectorRequirement) bool { return r.Key == corev1.LabelHostname })
	})
}
