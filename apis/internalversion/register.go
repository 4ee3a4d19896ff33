// Package internalversion makes Go types serve as their own internal version, the
// one in which Kubernetes' API machinery handles an object between decoding and
// storing it. It is for groups whose kinds have one version, or several that share
// a Go type: they need no second set of types and no conversion.
package internalversion

import (
	"maps"
	"reflect"
	"slices"
	"strings"

	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/kube-openapi/pkg/validation/spec"
)

// kindsExtension lists the kinds that an OpenAPI model is the schema of.
const kindsExtension = "x-kubernetes-group-version-kind"

// Of returns a group's internal version.
func Of(group string) schema.GroupVersion {
	return schema.GroupVersion{Group: group, Version: runtime.APIVersionInternal}
}

// Add registers the version's types under the group's internal version too. Types
// that every group carries, such as ListOptions, come from another Go package than
// example, which is any kind of the version, and are left out.
func Add(scheme *runtime.Scheme, gv schema.GroupVersion, example runtime.Object) {
	pkg := reflect.TypeOf(example).Elem().PkgPath()
	for kind, goType := range scheme.KnownTypes(gv) {
		if goType.PkgPath() != pkg {
			continue
		}
		obj, ok := reflect.New(goType).Interface().(runtime.Object)
		if !ok {
			continue
		}
		scheme.AddKnownTypeWithName(Of(gv.Group).WithKind(kind), obj)
	}
}

// Unpublished wraps the GetDefinitionName of an OpenAPI configuration: models whose
// names begin with one of the prefixes are not published as the schema of an
// internal version.
func Unpublished(definitionName func(string) (string, spec.Extensions), prefixes ...string) func(string) (string, spec.Extensions) {
	return func(model string) (string, spec.Extensions) {
		name, extensions := definitionName(model)
		kinds, ok := extensions[kindsExtension].([]any)
		ours := func(prefix string) bool { return strings.HasPrefix(name, prefix) }
		if !ok || !slices.ContainsFunc(prefixes, ours) {
			return name, extensions
		}
		public := slices.DeleteFunc(slices.Clone(kinds), func(kind any) bool {
			gvk, _ := kind.(map[string]any)
			return gvk["version"] == runtime.APIVersionInternal
		})
		extensions = maps.Clone(extensions)
		extensions[kindsExtension] = public
		return name, extensions
	}
}
