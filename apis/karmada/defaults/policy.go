package defaults

import (
	"slices"

	"k8s.io/utils/ptr"

	policyv1alpha1 "github.com/karmada-io/karmada/pkg/apis/policy/v1alpha1"

	"atoll.dev/atoll/apis/karmada/wellknown"
)

// gracePeriodSeconds is how long an application stays where it fails until it is
// healthy elsewhere, if a policy purges it gracefully and does not say.
const gracePeriodSeconds = 600

// CreatePropagationPolicy completes a PropagationPolicy that is being created: a
// permanent ID, whatever the client sent, and the finalizer that lets the
// policy's templates be released before it goes.
func CreatePropagationPolicy(p *policyv1alpha1.PropagationPolicy) {
	UpdatePropagationPolicy(p, nil)
	mintID(p, policyv1alpha1.PropagationPolicyPermanentIDLabel)
	addFinalizer(p, wellknown.PropagationPolicyControllerFinalizer)
}

// CreateClusterPropagationPolicy is CreatePropagationPolicy for a ClusterPropagationPolicy.
func CreateClusterPropagationPolicy(p *policyv1alpha1.ClusterPropagationPolicy) {
	UpdateClusterPropagationPolicy(p, nil)
	mintID(p, policyv1alpha1.ClusterPropagationPolicyPermanentIDLabel)
	addFinalizer(p, wellknown.ClusterPropagationPolicyControllerFinalizer)
}

// UpdatePropagationPolicy completes a PropagationPolicy that is being written. A
// permanent ID that the writer left out is taken over from the old policy.
func UpdatePropagationPolicy(p, old *policyv1alpha1.PropagationPolicy) {
	selectInNamespace(p.Spec.ResourceSelectors, p.Namespace)
	policySpec(&p.Spec)
	if old != nil {
		keepID(p, old, policyv1alpha1.PropagationPolicyPermanentIDLabel)
	}
}

// UpdateClusterPropagationPolicy is UpdatePropagationPolicy for a ClusterPropagationPolicy.
func UpdateClusterPropagationPolicy(p, old *policyv1alpha1.ClusterPropagationPolicy) {
	policySpec(&p.Spec)
	if old != nil {
		keepID(p, old, policyv1alpha1.ClusterPropagationPolicyPermanentIDLabel)
	}
}

// WriteOverridePolicy completes an OverridePolicy that is being written.
func WriteOverridePolicy(p *policyv1alpha1.OverridePolicy) {
	selectInNamespace(p.Spec.ResourceSelectors, p.Namespace)
}

func selectInNamespace(selectors []policyv1alpha1.ResourceSelector, namespace string) {
	for i := range selectors {
		if selectors[i].Namespace == "" {
			selectors[i].Namespace = namespace
		}
	}
}

func policySpec(s *policyv1alpha1.PropagationSpec) {
	for i := range s.Placement.SpreadConstraints {
		c := &s.Placement.SpreadConstraints[i]
		if c.SpreadByField == "" && c.SpreadByLabel == "" {
			c.SpreadByField = policyv1alpha1.SpreadByFieldCluster
		}
		if c.MinGroups == 0 {
			c.MinGroups = 1
		}
	}
	// A ServiceImport is of no use without the EndpointSlices that depend on it.
	if slices.ContainsFunc(s.ResourceSelectors, selectsServiceImport) {
		s.PropagateDeps = true
	}
	if r := s.Placement.ReplicaScheduling; r != nil && r.ReplicaSchedulingType == policyv1alpha1.ReplicaSchedulingTypeDivided && r.ReplicaDivisionPreference == "" {
		r.ReplicaDivisionPreference = policyv1alpha1.ReplicaDivisionPreferenceWeighted
	}
	if s.Failover != nil && s.Failover.Application != nil {
		a := s.Failover.Application
		gracefully := a.PurgeMode == policyv1alpha1.PurgeModeGracefully || a.PurgeMode == policyv1alpha1.Graciously // deprecated, still accepted
		if gracefully && a.GracePeriodSeconds == nil {
			a.GracePeriodSeconds = ptr.To[int32](gracePeriodSeconds)
		}
	}
}

func selectsServiceImport(s policyv1alpha1.ResourceSelector) bool {
	return s.Kind == "ServiceImport" && s.APIVersion == "multicluster.x-k8s.io/v1alpha1"
}
