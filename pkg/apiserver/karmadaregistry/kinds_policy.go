package karmadaregistry

import policyv1alpha1 "github.com/karmada-io/karmada/pkg/apis/policy/v1alpha1"

func policyKinds() []*kind {
	propagationColumns := []column{text("CONFLICT-RESOLUTION", ".spec.conflictResolution"), text("PRIORITY", ".spec.priority"), age("AGE")}
	return []*kind{
		define[policyv1alpha1.PropagationPolicy, policyv1alpha1.PropagationPolicyList](kind{
			group: policyv1alpha1.GroupName, plural: "propagationpolicies", singular: "propagationpolicy",
			shortNames: []string{"pp"}, categories: []string{karmadaCategory}, namespaced: true,
			columns: propagationColumns,
		}),
		define[policyv1alpha1.ClusterPropagationPolicy, policyv1alpha1.ClusterPropagationPolicyList](kind{
			group: policyv1alpha1.GroupName, plural: "clusterpropagationpolicies", singular: "clusterpropagationpolicy",
			shortNames: []string{"cpp"}, categories: []string{karmadaCategory},
			columns: propagationColumns,
		}),
		define[policyv1alpha1.OverridePolicy, policyv1alpha1.OverridePolicyList](kind{
			group: policyv1alpha1.GroupName, plural: "overridepolicies", singular: "overridepolicy",
			shortNames: []string{"op"}, categories: []string{karmadaCategory}, namespaced: true,
		}),
		define[policyv1alpha1.ClusterOverridePolicy, policyv1alpha1.ClusterOverridePolicyList](kind{
			group: policyv1alpha1.GroupName, plural: "clusteroverridepolicies", singular: "clusteroverridepolicy",
			shortNames: []string{"cop"}, categories: []string{karmadaCategory},
		}),
		define[policyv1alpha1.ClusterTaintPolicy, policyv1alpha1.ClusterTaintPolicyList](kind{
			group: policyv1alpha1.GroupName, plural: "clustertaintpolicies", singular: "clustertaintpolicy",
		}),
	}
}
