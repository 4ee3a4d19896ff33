package karmada

import (
	"maps"
	"strings"

	"github.com/karmada-io/karmada/pkg/generated/openapi"
	"k8s.io/kube-openapi/pkg/common"
	"k8s.io/kube-openapi/pkg/validation/spec"

	"atoll.dev/atoll/apis/internalversion"
)

// modelPrefix starts the OpenAPI model name of every type of Karmada's API packages.
const modelPrefix = "com.github.karmada-io.karmada.pkg.apis."

// OpenAPIDefinitions returns the OpenAPI definitions of Karmada's own types,
// keyed by model name. They refer to definitions of Kubernetes' types (meta,
// core, autoscaling, networking, admissionregistration, apiextensions), which
// the caller merges in from Kubernetes' and apiextensions' generated sets.
func OpenAPIDefinitions(ref common.ReferenceCallback) map[string]common.OpenAPIDefinition {
	definitions := openapi.GetOpenAPIDefinitions(ref)
	maps.DeleteFunc(definitions, func(name string, _ common.OpenAPIDefinition) bool { return !strings.HasPrefix(name, modelPrefix) })
	return definitions
}

// PublicKinds wraps the GetDefinitionName of an OpenAPI configuration: models of
// Karmada's types that are their own internal type are not published as the
// schema of an internal version.
func PublicKinds(definitionName func(string) (string, spec.Extensions)) func(string) (string, spec.Extensions) {
	return internalversion.Unpublished(definitionName, modelPrefix)
}
