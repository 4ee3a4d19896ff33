package validation

import (
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/util/sets"
	"k8s.io/apimachinery/pkg/util/validation/field"

	policyv1alpha1 "github.com/karmada-io/karmada/pkg/apis/policy/v1alpha1"
)

// maxAffinityName is the longest name of a group of clusters, in bytes.
const maxAffinityName = 32

// placement checks where and how replicas are placed.
func placement(path *field.Path, p *policyv1alpha1.Placement) field.ErrorList {
	if p == nil {
		return nil
	}
	var errs field.ErrorList
	if p.ClusterAffinity != nil && p.ClusterAffinities != nil {
		errs = append(errs, field.Forbidden(path.Child("clusterAffinities"), "cannot be set together with clusterAffinity; use one of the two"))
	}
	errs = append(errs, clusterAffinity(path.Child("clusterAffinity"), p.ClusterAffinity)...)
	errs = append(errs, clusterAffinities(path.Child("clusterAffinities"), p.ClusterAffinities, allowsOverflow(p.ReplicaScheduling))...)
	errs = append(errs, clusterTolerations(path.Child("clusterTolerations"), p.ClusterTolerations)...)
	errs = append(errs, spreadConstraints(path.Child("spreadConstraints"), p.SpreadConstraints)...)
	errs = append(errs, replicaScheduling(path.Child("replicaScheduling"), p.ReplicaScheduling)...)
	errs = append(errs, workloadAffinity(path.Child("workloadAffinity"), p.WorkloadAffinity)...)
	return errs
}

// allowsOverflow tells whether replicas can go over from one group of clusters to
// the next: only when they are divided by what the clusters have available.
func allowsOverflow(s *policyv1alpha1.ReplicaSchedulingStrategy) bool {
	if s == nil || s.ReplicaSchedulingType != policyv1alpha1.ReplicaSchedulingTypeDivided {
		return false
	}
	switch s.ReplicaDivisionPreference {
	case policyv1alpha1.ReplicaDivisionPreferenceAggregated:
		return true
	case policyv1alpha1.ReplicaDivisionPreferenceWeighted:
		return s.WeightPreference != nil && s.WeightPreference.DynamicWeight != ""
	}
	return false
}

func clusterAffinities(path *field.Path, terms []policyv1alpha1.ClusterAffinityTerm, overflow bool) field.ErrorList {
	var errs field.ErrorList
	names := sets.New[string]()
	for i := range terms {
		term, at := &terms[i], path.Index(i)
		errs = append(errs, affinityName(at.Child("affinityName"), term.AffinityName, names)...)
		errs = append(errs, clusterAffinity(at, &term.ClusterAffinity)...)
		if term.OverflowAffinities == nil {
			continue
		}
		at = at.Child("overflowAffinities")
		if !overflow {
			errs = append(errs, field.Forbidden(at, "can be set only if replicaScheduling divides replicas by dynamic weight or aggregated"))
		}
		if emptyClusterAffinity(term.ClusterAffinity) {
			errs = append(errs, field.Forbidden(at, "can be set only if the term itself selects clusters; add labelSelector, fieldSelector, clusterNames or exclude to it"))
		}
		overflowNames := sets.New(term.AffinityName)
		for j := range term.OverflowAffinities {
			o := &term.OverflowAffinities[j]
			errs = append(errs, affinityName(at.Index(j).Child("affinityName"), o.AffinityName, overflowNames)...)
			errs = append(errs, clusterAffinity(at.Index(j), &o.ClusterAffinity)...)
		}
	}
	return errs
}

// affinityName checks the name of a group of clusters and adds it to the names taken.
func affinityName(path *field.Path, name string, taken sets.Set[string]) field.ErrorList {
	if name == "" {
		return field.ErrorList{field.Required(path, "must name the group of clusters")}
	}
	errs := atMost(path, name, maxAffinityName)
	errs = append(errs, labelKey(path, name)...)
	if taken.Has(name) {
		errs = append(errs, field.Duplicate(path, name))
	}
	taken.Insert(name)
	return errs
}

// clusterTolerations refuses operators that have no meaning for clusters: a
// toleration with one would never match.
func clusterTolerations(path *field.Path, tolerations []corev1.Toleration) field.ErrorList {
	var errs field.ErrorList
	for i, t := range tolerations {
		errs = append(errs, emptyOrOneOf(path.Index(i).Child("operator"), t.Operator, corev1.TolerationOpExists, corev1.TolerationOpEqual)...)
		errs = append(errs, emptyOrOneOf(path.Index(i).Child("effect"), t.Effect,
			corev1.TaintEffectNoSchedule, corev1.TaintEffectPreferNoSchedule, corev1.TaintEffectNoExecute)...)
	}
	return errs
}

func replicaScheduling(path *field.Path, s *policyv1alpha1.ReplicaSchedulingStrategy) field.ErrorList {
	if s == nil {
		return nil
	}
	errs := emptyOrOneOf(path.Child("replicaSchedulingType"), s.ReplicaSchedulingType,
		policyv1alpha1.ReplicaSchedulingTypeDuplicated, policyv1alpha1.ReplicaSchedulingTypeDivided)
	errs = append(errs, emptyOrOneOf(path.Child("replicaDivisionPreference"), s.ReplicaDivisionPreference,
		policyv1alpha1.ReplicaDivisionPreferenceAggregated, policyv1alpha1.ReplicaDivisionPreferenceWeighted)...)
	if s.WeightPreference == nil {
		return errs
	}
	path = path.Child("weightPreference")
	errs = append(errs, emptyOrOneOf(path.Child("dynamicWeight"), s.WeightPreference.DynamicWeight, policyv1alpha1.DynamicWeightByAvailableReplicas)...)
	for i := range s.WeightPreference.StaticWeightList {
		weight, at := &s.WeightPreference.StaticWeightList[i], path.Child("staticWeightList").Index(i)
		errs = append(errs, clusterAffinity(at.Child("targetCluster"), &weight.TargetCluster)...)
		if weight.Weight < 1 {
			errs = append(errs, field.Invalid(at.Child("weight"), weight.Weight, "must be at least 1; leave a cluster out to give it nothing"))
		}
	}
	return errs
}

func workloadAffinity(path *field.Path, a *policyv1alpha1.WorkloadAffinity) field.ErrorList {
	if a == nil {
		return nil
	}
	var errs field.ErrorList
	if a.Affinity != nil {
		errs = append(errs, labelKey(path.Child("affinity", "groupByLabelKey"), a.Affinity.GroupByLabelKey)...)
	}
	if a.AntiAffinity != nil {
		errs = append(errs, labelKey(path.Child("antiAffinity", "groupByLabelKey"), a.AntiAffinity.GroupByLabelKey)...)
	}
	if a.Affinity != nil && a.AntiAffinity != nil && a.Affinity.GroupByLabelKey == a.AntiAffinity.GroupByLabelKey {
		errs = append(errs, field.Invalid(path.Child("antiAffinity", "groupByLabelKey"), a.AntiAffinity.GroupByLabelKey,
			"must differ from affinity.groupByLabelKey: workloads cannot both stay together and keep apart"))
	}
	return errs
}
