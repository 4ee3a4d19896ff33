package validation

import (
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/sets"
	"k8s.io/apimachinery/pkg/util/validation/field"

	policyv1alpha1 "github.com/karmada-io/karmada/pkg/apis/policy/v1alpha1"
)

// ClusterTaintPolicy checks a ClusterTaintPolicy. A policy that taints clusters
// with NoExecute evicts what runs there by itself, so an operator of the control
// plane has to allow it.
func ClusterTaintPolicy(p *policyv1alpha1.ClusterTaintPolicy, allowNoExecute bool) field.ErrorList {
	path := field.NewPath("spec")
	errs := clusterAffinity(path.Child("targetClusters"), p.Spec.TargetClusters)
	errs = append(errs, matchConditions(path.Child("addOnConditions"), p.Spec.AddOnConditions)...)
	errs = append(errs, matchConditions(path.Child("removeOnConditions"), p.Spec.RemoveOnConditions)...)
	path = path.Child("taints")
	if len(p.Spec.Taints) == 0 {
		errs = append(errs, field.Required(path, "must have at least one taint"))
	}
	seen := sets.New[taintID]()
	for i, t := range p.Spec.Taints {
		errs = append(errs, taint(path.Index(i), t.Key, t.Value, t.Effect, seen)...)
		if t.Effect == corev1.TaintEffectNoExecute && !allowNoExecute {
			errs = append(errs, field.Forbidden(path.Index(i).Child("effect"),
				"NoExecute is not allowed for taint policies; an operator of the control plane has to enable it"))
		}
	}
	return errs
}

// taintID is what makes a taint unique on a cluster.
type taintID struct {
	key    string
	effect corev1.TaintEffect
}

// taint checks one taint of a cluster and adds it to those seen.
func taint(path *field.Path, key, value string, effect corev1.TaintEffect, seen sets.Set[taintID]) field.ErrorList {
	errs := labelKey(path.Child("key"), key)
	errs = append(errs, labelValue(path.Child("value"), value)...)
	errs = append(errs, oneOf(path.Child("effect"), effect, corev1.TaintEffectNoSchedule, corev1.TaintEffectNoExecute)...)
	id := taintID{key, effect}
	if seen.Has(id) {
		errs = append(errs, field.Duplicate(path, key+":"+string(effect)))
	}
	seen.Insert(id)
	return errs
}

func matchConditions(path *field.Path, conditions []policyv1alpha1.MatchCondition) field.ErrorList {
	var errs field.ErrorList
	for i, c := range conditions {
		at := path.Index(i)
		errs = append(errs, required(at.Child("conditionType"), c.ConditionType, "must be the type of a condition of Clusters, such as Ready")...)
		errs = append(errs, oneOf(at.Child("operator"), c.Operator, policyv1alpha1.MatchConditionOpIn, policyv1alpha1.MatchConditionOpNotIn)...)
		if c.StatusValues == nil {
			errs = append(errs, field.Required(at.Child("statusValues"), "must have the statuses to compare with"))
		}
		for j, status := range c.StatusValues {
			errs = append(errs, oneOf(at.Child("statusValues").Index(j), status, metav1.ConditionTrue, metav1.ConditionFalse, metav1.ConditionUnknown)...)
		}
	}
	return errs
}
