package footprint

import (
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"atoll.dev/atoll/apis/karmada/wellknown"
)

// Annotations returns the annotations that a template's binding has to have. Those
// with an empty value must not be there.
func Annotations(template *unstructured.Unstructured) map[string]string {
	return map[string]string{
		wellknown.PortsAnnotation:    FormatPorts(PortsOf(template)),
		wellknown.ClaimsAnnotation:   FormatClaims(ClaimsOf(template)),
		wellknown.PlatformAnnotation: FormatPlatform(PlatformOf(template)),
	}
}

// Same tells whether two bindings' annotations name the same footprint.
func Same(a, b map[string]string) bool {
	return a[wellknown.PortsAnnotation] == b[wellknown.PortsAnnotation] &&
		a[wellknown.ClaimsAnnotation] == b[wellknown.ClaimsAnnotation] &&
		a[wellknown.PlatformAnnotation] == b[wellknown.PlatformAnnotation]
}
