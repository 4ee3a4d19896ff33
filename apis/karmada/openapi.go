package karmada

import (
	"strings"

	"github.com/karmada-io/karmada/pkg/generated/openapi"
	"k8s.io/kube-openapi/pkg/common"
)

// modelPrefix starts the OpenAPI model name of every type of Karmada's API packages.
const modelPrefix = "com.github.karmada-io.karmada.pkg.apis."

// OpenAPIDefinitions returns the OpenAPI definitions of Karmada's own types,
// keyed by model name. They refer to definitions of Kubernetes' types (meta,
// core, autoscaling, networking, admissionregistration, apiextensions), which
// the caller merges in from Kubernetes' and apiextensions' generated sets.
func OpenAPIDefinitions(ref common.ReferenceCallback) map[string]common.OpenAPIDefinition {
	definitions := openapi.GetOpenAPIDefinitions(ref)
	for name := range definitions {
		if !strings.HasPrefix(name, modelPrefix) {
			delete(definitions, name)
		}
	}
	return definitions
}
