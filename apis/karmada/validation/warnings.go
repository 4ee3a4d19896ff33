package validation

import (
	"fmt"

	policyv1alpha1 "github.com/karmada-io/karmada/pkg/apis/policy/v1alpha1"
)

// PropagationWarnings tells what in a policy is valid and yet without effect.
func PropagationWarnings(s *policyv1alpha1.PropagationSpec) []string {
	warnings := selectorWarnings(s.ResourceSelectors)
	if r := s.Placement.ReplicaScheduling; r != nil {
		warnings = append(warnings, replicaWarnings(r)...)
	}
	warnings = append(warnings, spreadWarnings(&s.Placement)...)
	return warnings
}

// OverrideWarnings is PropagationWarnings for an override policy.
func OverrideWarnings(s *policyv1alpha1.OverrideSpec) []string {
	warnings := selectorWarnings(s.ResourceSelectors)
	if len(s.OverrideRules) == 0 && emptyOverriders(&s.Overriders) { // deprecated, still accepted
		warnings = append(warnings, "spec.overrideRules: the policy overrides nothing")
	}
	return warnings
}

func selectorWarnings(selectors []policyv1alpha1.ResourceSelector) []string {
	var warnings []string
	for i, s := range selectors {
		if s.Name != "" && s.LabelSelector != nil {
			warnings = append(warnings, fmt.Sprintf("spec.resourceSelectors[%d].labelSelector: has no effect beside name", i))
		}
	}
	return warnings
}

func replicaWarnings(r *policyv1alpha1.ReplicaSchedulingStrategy) []string {
	const path = "spec.placement.replicaScheduling."
	var warnings []string
	switch {
	case r.ReplicaSchedulingType == policyv1alpha1.ReplicaSchedulingTypeDuplicated:
		if r.ReplicaDivisionPreference != "" {
			warnings = append(warnings, path+"replicaDivisionPreference: has no effect if replicaSchedulingType is Duplicated")
		}
		if r.WeightPreference != nil {
			warnings = append(warnings, path+"weightPreference: has no effect if replicaSchedulingType is Duplicated")
		}
	case r.WeightPreference == nil:
	case r.ReplicaDivisionPreference == policyv1alpha1.ReplicaDivisionPreferenceAggregated:
		warnings = append(warnings, path+"weightPreference: has no effect if replicaDivisionPreference is Aggregated")
	case r.WeightPreference.DynamicWeight != "" && len(r.WeightPreference.StaticWeightList) > 0:
		warnings = append(warnings, path+"weightPreference.staticWeightList: has no effect beside dynamicWeight")
	}
	return warnings
}
