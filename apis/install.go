package apis

import (
	"slices"
	"strings"

	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	utilruntime "k8s.io/apimachinery/pkg/util/runtime"
	"k8s.io/kube-openapi/pkg/common"
	"k8s.io/kube-openapi/pkg/util"
	"k8s.io/kube-openapi/pkg/validation/spec"

	"atoll.dev/atoll/apis/internalversion"
	"atoll.dev/atoll/apis/karmada"
	"atoll.dev/atoll/apis/openapi"
	"atoll.dev/atoll/apis/scheduling/decision"
	schedulingv1alpha1 "atoll.dev/atoll/apis/scheduling/v1alpha1"
)

// modelPrefix starts the OpenAPI model name of every type of Atoll's own groups.
const modelPrefix = "dev.atoll."

// groupVersion is a served version of one of Atoll's own groups.
type groupVersion struct {
	schema.GroupVersion
	addToScheme func(*runtime.Scheme) error
	// example is any kind of the version.
	example runtime.Object
}

// served lists every version of every group, the preferred version of a group first. A
// version whose types are in several packages has an entry for each of them.
var served = []groupVersion{
	{schedulingv1alpha1.SchemeGroupVersion, schedulingv1alpha1.AddToScheme, &schedulingv1alpha1.PlacementReview{}},
	{decision.SchemeGroupVersion, decision.AddToScheme, &decision.Decision{}},
}

// GroupVersions returns every version of Atoll's own groups, grouped, the preferred
// version of each group first.
func GroupVersions() []schema.GroupVersion {
	versions := make([]schema.GroupVersion, 0, len(served))
	for _, gv := range served {
		if !slices.Contains(versions, gv.GroupVersion) {
			versions = append(versions, gv.GroupVersion)
		}
	}
	return versions
}

// AddToScheme registers Atoll's own kinds for clients.
func AddToScheme(scheme *runtime.Scheme) error {
	for _, gv := range served {
		if err := gv.addToScheme(scheme); err != nil {
			return err
		}
	}
	return nil
}

// Install registers Karmada's groups and Atoll's own for an API server, with their
// internal versions. It panics if a kind is already registered with another Go type.
func Install(scheme *runtime.Scheme) {
	karmada.Install(scheme)
	for _, gv := range served {
		utilruntime.Must(gv.addToScheme(scheme))
		internalversion.Add(scheme, gv.GroupVersion, gv.example)
	}
	byGroup := map[string][]schema.GroupVersion{}
	for _, gv := range GroupVersions() {
		byGroup[gv.Group] = append(byGroup[gv.Group], gv)
	}
	for _, versions := range byGroup {
		utilruntime.Must(scheme.SetVersionPriority(versions...))
	}
}

// OpenAPIDefinitions describe the types of Karmada's groups and Atoll's own. They
// refer to Kubernetes' types, which the caller merges in.
func OpenAPIDefinitions(ref common.ReferenceCallback) map[string]common.OpenAPIDefinition {
	all := karmada.OpenAPIDefinitions(ref)
	// What is generated refers to types of other modules by their Go names, and they are defined under their model names.
	own := openapi.GetOpenAPIDefinitions(func(name string) spec.Ref { return ref(modelName(name)) })
	for name, definition := range own {
		for i := range definition.Dependencies {
			definition.Dependencies[i] = modelName(definition.Dependencies[i])
		}
		all[name] = definition
	}
	return all
}

// modelName returns the model name of a Go type, and leaves a model name as it is.
func modelName(name string) string {
	if strings.Contains(name, "/") {
		return util.ToRESTFriendlyName(name)
	}
	return name
}

// PublicKinds wraps the GetDefinitionName of an OpenAPI configuration: types that are
// their own internal version are published under their served versions only.
func PublicKinds(definitionName func(string) (string, spec.Extensions)) func(string) (string, spec.Extensions) {
	return internalversion.Unpublished(karmada.PublicKinds(definitionName), modelPrefix)
}
