package karmada

import (
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	utilruntime "k8s.io/apimachinery/pkg/util/runtime"

	appsv1alpha1 "github.com/karmada-io/karmada/pkg/apis/apps/v1alpha1"
	autoscalingv1alpha1 "github.com/karmada-io/karmada/pkg/apis/autoscaling/v1alpha1"
	"github.com/karmada-io/karmada/pkg/apis/cluster"
	clusterv1alpha1 "github.com/karmada-io/karmada/pkg/apis/cluster/v1alpha1"
	configv1alpha1 "github.com/karmada-io/karmada/pkg/apis/config/v1alpha1"
	networkingv1alpha1 "github.com/karmada-io/karmada/pkg/apis/networking/v1alpha1"
	policyv1alpha1 "github.com/karmada-io/karmada/pkg/apis/policy/v1alpha1"
	remedyv1alpha1 "github.com/karmada-io/karmada/pkg/apis/remedy/v1alpha1"
	"github.com/karmada-io/karmada/pkg/apis/search"
	searchv1alpha1 "github.com/karmada-io/karmada/pkg/apis/search/v1alpha1"
	workv1alpha1 "github.com/karmada-io/karmada/pkg/apis/work/v1alpha1"
	workv1alpha2 "github.com/karmada-io/karmada/pkg/apis/work/v1alpha2"

	"atoll.dev/atoll/apis/internalversion"
	"atoll.dev/atoll/apis/karmada/defaults"
)

// groupVersion is one served version of one of Karmada's groups.
type groupVersion struct {
	schema.GroupVersion
	addToScheme func(*runtime.Scheme) error
	// addInternal registers the internal types that Karmada has for the group.
	// Nil makes the types of this version their own internal types.
	addInternal func(*runtime.Scheme) error
	// example is any kind of the version: it tells the Go package of the version's types.
	example runtime.Object
}

// served lists every version of every group, the preferred version of a group first.
var served = []groupVersion{
	{clusterv1alpha1.SchemeGroupVersion, clusterv1alpha1.AddToScheme, cluster.AddToScheme, &clusterv1alpha1.Cluster{}},
	{policyv1alpha1.SchemeGroupVersion, policyv1alpha1.AddToScheme, nil, &policyv1alpha1.PropagationPolicy{}},
	{workv1alpha2.SchemeGroupVersion, workv1alpha2.AddToScheme, nil, &workv1alpha2.ResourceBinding{}},
	{workv1alpha1.SchemeGroupVersion, workv1alpha1.AddToScheme, addInternalWork, &workv1alpha1.Work{}},
	{configv1alpha1.SchemeGroupVersion, configv1alpha1.AddToScheme, nil, &configv1alpha1.ResourceInterpreterCustomization{}},
	{appsv1alpha1.SchemeGroupVersion, appsv1alpha1.AddToScheme, nil, &appsv1alpha1.WorkloadRebalancer{}},
	{autoscalingv1alpha1.SchemeGroupVersion, autoscalingv1alpha1.AddToScheme, nil, &autoscalingv1alpha1.FederatedHPA{}},
	{networkingv1alpha1.SchemeGroupVersion, networkingv1alpha1.AddToScheme, nil, &networkingv1alpha1.MultiClusterService{}},
	{searchv1alpha1.SchemeGroupVersion, searchv1alpha1.AddToScheme, search.AddToScheme, &searchv1alpha1.ResourceRegistry{}},
	{remedyv1alpha1.SchemeGroupVersion, remedyv1alpha1.AddToScheme, nil, &remedyv1alpha1.Remedy{}},
}

// GroupVersions returns every group-version that Install registers, grouped, the
// preferred version of each group first. A resource config enables them all.
func GroupVersions() []schema.GroupVersion {
	versions := make([]schema.GroupVersion, 0, len(served))
	for _, gv := range served {
		versions = append(versions, gv.GroupVersion)
	}
	return versions
}

// Groups returns the names of Karmada's groups, each once, in the order of GroupVersions.
func Groups() []string {
	var groups []string
	for _, gv := range served {
		if len(groups) == 0 || groups[len(groups)-1] != gv.Group {
			groups = append(groups, gv.Group)
		}
	}
	return groups
}

// Install registers Karmada's groups in the scheme: served and internal
// versions, conversions, schema defaults and version priority. It panics if a
// kind is already registered with another Go type.
func Install(scheme *runtime.Scheme) {
	byGroup := map[string][]schema.GroupVersion{}
	for _, gv := range served {
		utilruntime.Must(gv.addToScheme(scheme))
		if gv.addInternal != nil {
			utilruntime.Must(gv.addInternal(scheme))
		} else {
			internalversion.Add(scheme, gv.GroupVersion, gv.example)
		}
		byGroup[gv.Group] = append(byGroup[gv.Group], gv.GroupVersion)
	}
	for _, versions := range byGroup {
		utilruntime.Must(scheme.SetVersionPriority(versions...))
	}
	utilruntime.Must(addBindingConversions(scheme))
	utilruntime.Must(defaults.AddToScheme(scheme))
}

// addInternalWork registers Work as its own internal type. The bindings of
// v1alpha1 are left out: their internal types are those of v1alpha2.
func addInternalWork(scheme *runtime.Scheme) error {
	scheme.AddKnownTypes(internalversion.Of(workv1alpha1.GroupName), &workv1alpha1.Work{}, &workv1alpha1.WorkList{})
	return nil
}
