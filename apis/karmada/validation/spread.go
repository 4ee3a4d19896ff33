package validation

import (
	"fmt"

	"k8s.io/apimachinery/pkg/util/sets"
	"k8s.io/apimachinery/pkg/util/validation/field"

	policyv1alpha1 "github.com/karmada-io/karmada/pkg/apis/policy/v1alpha1"
)

// spreadConstraints checks each constraint, and that they can hold together.
func spreadConstraints(path *field.Path, constraints []policyv1alpha1.SpreadConstraint) field.ErrorList {
	var errs field.ErrorList
	byField, byLabel := sets.New[policyv1alpha1.SpreadFieldValue](), sets.New[string]()
	for i, c := range constraints {
		at := path.Index(i)
		errs = append(errs, emptyOrOneOf(at.Child("spreadByField"), c.SpreadByField, policyv1alpha1.SpreadByFieldCluster,
			policyv1alpha1.SpreadByFieldRegion, policyv1alpha1.SpreadByFieldZone, policyv1alpha1.SpreadByFieldProvider)...)
		errs = append(errs, groupBounds(at, &c)...)
		if c.SpreadByLabel != "" {
			if c.SpreadByField != "" {
				errs = append(errs, field.Forbidden(at.Child("spreadByLabel"), "cannot be set together with spreadByField; use one of the two"))
			}
			errs = append(errs, labelKey(at.Child("spreadByLabel"), c.SpreadByLabel)...)
			if byLabel.Has(c.SpreadByLabel) {
				errs = append(errs, field.Duplicate(at.Child("spreadByLabel"), c.SpreadByLabel))
			}
			byLabel.Insert(c.SpreadByLabel)
			continue
		}
		by := spreadField(&c)
		if byField.Has(by) {
			errs = append(errs, field.Duplicate(at.Child("spreadByField"), by))
		}
		byField.Insert(by)
	}
	return append(errs, enoughClusters(path, constraints)...)
}

func groupBounds(path *field.Path, c *policyv1alpha1.SpreadConstraint) field.ErrorList {
	var errs field.ErrorList
	if c.MinGroups < 0 {
		errs = append(errs, field.Invalid(path.Child("minGroups"), c.MinGroups, "must be at least 0"))
	}
	if c.MaxGroups < 0 {
		errs = append(errs, field.Invalid(path.Child("maxGroups"), c.MaxGroups, "must be at least 0; 0 means no limit"))
	}
	if c.MaxGroups > 0 && c.MaxGroups < c.MinGroups {
		errs = append(errs, field.Invalid(path.Child("maxGroups"), c.MaxGroups,
			fmt.Sprintf("must be at least minGroups, %d; raise maxGroups or lower minGroups", c.MinGroups)))
	}
	return errs
}

// spreadField is what a constraint without a label spreads by: clusters by default.
func spreadField(c *policyv1alpha1.SpreadConstraint) policyv1alpha1.SpreadFieldValue {
	if c.SpreadByField == "" && c.SpreadByLabel == "" {
		return policyv1alpha1.SpreadByFieldCluster
	}
	return c.SpreadByField
}

// enoughClusters refuses a limit of clusters that is lower than the number of groups
// asked for: a cluster is in one region, of one provider, and has one value of a label,
// while it may be in several zones. A limit of 1 passes: Karmada's users write it for
// one cluster in each group, and spreadWarnings tells them how it is read.
func enoughClusters(path *field.Path, constraints []policyv1alpha1.SpreadConstraint) field.ErrorList {
	var errs field.ErrorList
	for i, clusters := range constraints {
		if spreadField(&clusters) != policyv1alpha1.SpreadByFieldCluster || clusters.MaxGroups <= 1 {
			continue
		}
		for j := range constraints {
			if groups := &constraints[j]; oneGroupEach(groups) && groups.MinGroups > clusters.MaxGroups {
				errs = append(errs, field.Invalid(path.Index(i).Child("maxGroups"), clusters.MaxGroups,
					fmt.Sprintf("must be at least %d, the minGroups of %s, since a cluster is in one group only; raise it or lower that minGroups", groups.MinGroups, path.Index(j))))
			}
		}
	}
	return errs
}

// oneGroupEach tells whether a cluster is in at most one group of a constraint that
// spreads by something else than clusters.
func oneGroupEach(c *policyv1alpha1.SpreadConstraint) bool {
	switch spreadField(c) {
	case policyv1alpha1.SpreadByFieldCluster, policyv1alpha1.SpreadByFieldZone:
		return false
	}
	return true
}

// spreadWarnings tells which spread constraints are read otherwise than they stand.
func spreadWarnings(p *policyv1alpha1.Placement) []string {
	const path = "spec.placement.spreadConstraints"
	var warnings []string
	if len(p.SpreadConstraints) > 0 && staticWeights(p.ReplicaScheduling) {
		return []string{path + ": has no effect on replicas that are divided by static weights"}
	}
	for i := range p.SpreadConstraints {
		clusters := &p.SpreadConstraints[i]
		if spreadField(clusters) != policyv1alpha1.SpreadByFieldCluster || clusters.MaxGroups != 1 {
			continue
		}
		for j := range p.SpreadConstraints {
			if groups := &p.SpreadConstraints[j]; oneGroupEach(groups) && groups.MinGroups > 1 {
				warnings = append(warnings, fmt.Sprintf("%s[%d].maxGroups: 1 is read as one cluster for each of the %d groups of %s[%d]", path, i, groups.MinGroups, path, j))
			}
		}
	}
	return warnings
}

// staticWeights tells whether replicas are divided by weights that the placement gives,
// or evenly for want of any.
func staticWeights(s *policyv1alpha1.ReplicaSchedulingStrategy) bool {
	if s == nil || s.ReplicaSchedulingType != policyv1alpha1.ReplicaSchedulingTypeDivided ||
		s.ReplicaDivisionPreference != policyv1alpha1.ReplicaDivisionPreferenceWeighted {
		return false
	}
	w := s.WeightPreference
	return w == nil || len(w.StaticWeightList) > 0 && w.DynamicWeight == ""
}
