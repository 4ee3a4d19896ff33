package nativekinds

import (
	genericregistry "k8s.io/apiserver/pkg/registry/generic/registry"
	"k8s.io/apiserver/pkg/registry/rest"

	autoscalingv1alpha1 "github.com/karmada-io/karmada/pkg/apis/autoscaling/v1alpha1"
	networkingv1alpha1 "github.com/karmada-io/karmada/pkg/apis/networking/v1alpha1"
	policyv1alpha1 "github.com/karmada-io/karmada/pkg/apis/policy/v1alpha1"
	"github.com/karmada-io/karmada/pkg/apis/search"

	"atoll.dev/atoll/apis/karmada/validation"
)

// unsupportedKinds are served and checked against their schemas, and nothing acts on them yet.
func unsupportedKinds() []*kind {
	return []*kind{
		define[policyv1alpha1.FederatedResourceQuota, policyv1alpha1.FederatedResourceQuotaList](kind{
			group: policyv1alpha1.GroupName, plural: "federatedresourcequotas", singular: "federatedresourcequota",
			categories: []string{karmadaCategory}, namespaced: true, status: true,
			columns:  []column{text("OVERALL", ".status.overall"), text("OVERALL_USED", ".status.overallUsed")},
			validate: on(validation.FederatedResourceQuota), validateStatus: on(validation.FederatedResourceQuotaStatus),
			unsupported: unsupported("FederatedResourceQuota"),
		}),
		define[autoscalingv1alpha1.FederatedHPA, autoscalingv1alpha1.FederatedHPAList](kind{
			group: autoscalingv1alpha1.GroupName, plural: "federatedhpas", singular: "federatedhpa",
			shortNames: []string{"fhpa"}, categories: []string{karmadaCategory}, namespaced: true, status: true,
			columns: []column{
				text("REFERENCE-KIND", ".spec.scaleTargetRef.kind"), text("REFERENCE-NAME", ".spec.scaleTargetRef.name"),
				number("MINPODS", ".spec.minReplicas"), number("MAXPODS", ".spec.maxReplicas"), number("REPLICAS", ".status.currentReplicas"), age("AGE"),
			},
			validate: on(validation.FederatedHPA), validateStatus: on(validation.FederatedHPAStatus),
			unsupported: unsupported("FederatedHPA"),
		}),
		define[autoscalingv1alpha1.CronFederatedHPA, autoscalingv1alpha1.CronFederatedHPAList](kind{
			group: autoscalingv1alpha1.GroupName, plural: "cronfederatedhpas", singular: "cronfederatedhpa",
			shortNames: []string{"cronfhpa"}, categories: []string{karmadaCategory}, namespaced: true, status: true,
			columns:  []column{text("REFERENCE-KIND", ".spec.scaleTargetRef.kind"), text("REFERENCE-NAME", ".spec.scaleTargetRef.name"), age("AGE")},
			validate: on(validation.CronFederatedHPA), validateStatus: on(validation.CronFederatedHPAStatus),
			unsupported: unsupported("CronFederatedHPA"),
		}),
		define[networkingv1alpha1.MultiClusterService, networkingv1alpha1.MultiClusterServiceList](kind{
			group: networkingv1alpha1.GroupName, plural: "multiclusterservices", singular: "multiclusterservice",
			shortNames: []string{"mcs"}, categories: []string{karmadaCategory}, namespaced: true, status: true,
			validate: on(validation.MultiClusterService), validateStatus: on(validation.MultiClusterServiceStatus),
			unsupported: unsupported("MultiClusterService"),
		}),
		define[networkingv1alpha1.MultiClusterIngress, networkingv1alpha1.MultiClusterIngressList](kind{
			group: networkingv1alpha1.GroupName, plural: "multiclusteringresses", singular: "multiclusteringress",
			shortNames: []string{"mci"}, categories: []string{karmadaCategory}, namespaced: true, status: true,
			validate: on(validation.MultiClusterIngress), validateStatus: on(validation.MultiClusterIngressStatus),
			unsupported: unsupported("MultiClusterIngress"),
		}),
		define[search.ResourceRegistry, search.ResourceRegistryList](kind{
			group: search.GroupName, plural: "resourceregistries", singular: "resourceregistry",
			status: true, unconditionalUpdate: true,
			validate: on(validation.ResourceRegistry), validateStatus: on(validation.ResourceRegistryStatus),
			also:        func(*genericregistry.Store) map[string]rest.Storage { return searchConnecters() },
			unsupported: unsupported("ResourceRegistry"),
		}),
	}
}
