package nativekinds

import (
	"k8s.io/apimachinery/pkg/util/validation/field"

	policyv1alpha1 "github.com/karmada-io/karmada/pkg/apis/policy/v1alpha1"

	"atoll.dev/atoll/apis/karmada/defaults"
	"atoll.dev/atoll/apis/karmada/validation"
)

func policyKinds(opts Options) []*kind {
	propagationColumns := []column{text("CONFLICT-RESOLUTION", ".spec.conflictResolution"), text("PRIORITY", ".spec.priority"), age("AGE")}
	return []*kind{
		define[policyv1alpha1.PropagationPolicy, policyv1alpha1.PropagationPolicyList](kind{
			group: policyv1alpha1.GroupName, plural: "propagationpolicies", singular: "propagationpolicy",
			shortNames: []string{"pp"}, categories: []string{karmadaCategory}, namespaced: true,
			columns:          propagationColumns,
			prepareForCreate: creating(defaults.CreatePropagationPolicy),
			prepareForUpdate: updating(defaults.UpdatePropagationPolicy),
			validate:         on(validation.PropagationPolicy), validateUpdate: onBoth(validation.PropagationPolicyUpdate),
			warnings: on(func(p *policyv1alpha1.PropagationPolicy) []string { return validation.PropagationWarnings(&p.Spec) }),
		}),
		define[policyv1alpha1.ClusterPropagationPolicy, policyv1alpha1.ClusterPropagationPolicyList](kind{
			group: policyv1alpha1.GroupName, plural: "clusterpropagationpolicies", singular: "clusterpropagationpolicy",
			shortNames: []string{"cpp"}, categories: []string{karmadaCategory},
			columns:          propagationColumns,
			prepareForCreate: creating(defaults.CreateClusterPropagationPolicy),
			prepareForUpdate: updating(defaults.UpdateClusterPropagationPolicy),
			validate:         on(validation.ClusterPropagationPolicy), validateUpdate: onBoth(validation.ClusterPropagationPolicyUpdate),
			warnings: on(func(p *policyv1alpha1.ClusterPropagationPolicy) []string {
				return validation.PropagationWarnings(&p.Spec)
			}),
		}),
		define[policyv1alpha1.OverridePolicy, policyv1alpha1.OverridePolicyList](kind{
			group: policyv1alpha1.GroupName, plural: "overridepolicies", singular: "overridepolicy",
			shortNames: []string{"op"}, categories: []string{karmadaCategory}, namespaced: true,
			prepareForCreate: creating(defaults.WriteOverridePolicy),
			prepareForUpdate: updating(func(p, _ *policyv1alpha1.OverridePolicy) { defaults.WriteOverridePolicy(p) }),
			validate:         on(validation.OverridePolicy),
			warnings:         on(func(p *policyv1alpha1.OverridePolicy) []string { return validation.OverrideWarnings(&p.Spec) }),
		}),
		define[policyv1alpha1.ClusterOverridePolicy, policyv1alpha1.ClusterOverridePolicyList](kind{
			group: policyv1alpha1.GroupName, plural: "clusteroverridepolicies", singular: "clusteroverridepolicy",
			shortNames: []string{"cop"}, categories: []string{karmadaCategory},
			validate: on(validation.ClusterOverridePolicy),
			warnings: on(func(p *policyv1alpha1.ClusterOverridePolicy) []string { return validation.OverrideWarnings(&p.Spec) }),
		}),
		define[policyv1alpha1.ClusterTaintPolicy, policyv1alpha1.ClusterTaintPolicyList](kind{
			group: policyv1alpha1.GroupName, plural: "clustertaintpolicies", singular: "clustertaintpolicy",
			validate: on(func(p *policyv1alpha1.ClusterTaintPolicy) field.ErrorList {
				return validation.ClusterTaintPolicy(p, opts.AllowNoExecuteTaintPolicy)
			}),
		}),
	}
}
