package nativekinds

import (
	"context"

	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/util/validation/field"
	genericregistry "k8s.io/apiserver/pkg/registry/generic/registry"
	"k8s.io/apiserver/pkg/registry/rest"
)

// kind describes one kind of Karmada's API or Atoll's own: all that its storage and strategy
// need to know and that differs from kind to kind. Objects are of the internal
// type throughout. Nil functions do nothing.
type kind struct {
	group    string
	versions []servedVersion // the served versions, the stored one first; by default v1alpha1 with columns
	columns  []column        // of kubectl get, for a kind with one version
	plural   string
	singular string

	shortNames []string
	categories []string
	namespaced bool
	// status tells whether the kind has a status subresource: status is then
	// written there only, and everything else only here.
	status bool
	// unconditionalUpdate lets an update without a resourceVersion through, as
	// Karmada's aggregated API server does and CRDs do not.
	unconditionalUpdate bool

	newObject func() runtime.Object
	newList   func() runtime.Object

	// table overrides columns: it converts internal objects to a table.
	table rest.TableConvertor

	// prepareForCreate and prepareForUpdate do what Karmada's mutating webhooks do.
	prepareForCreate func(ctx context.Context, obj runtime.Object)
	prepareForUpdate func(ctx context.Context, obj, old runtime.Object)
	// prepareForStatusUpdate sees a status update before spec and metadata are put back.
	prepareForStatusUpdate func(ctx context.Context, obj, old runtime.Object)
	// validate checks an object but its status, when it is created and when more
	// than its metadata changes.
	validate func(obj runtime.Object) field.ErrorList
	// validateUpdate checks what may not change, in addition to validate and on every update.
	validateUpdate func(obj, old runtime.Object) field.ErrorList
	// validateAmong checks an object against all others of its kind, when validate does.
	validateAmong func(obj, list runtime.Object) field.ErrorList
	// validateStatus checks the status, when it changes.
	validateStatus func(obj runtime.Object) field.ErrorList
	// warnings tell a writer what is valid and yet without effect.
	warnings func(obj runtime.Object) []string
	// also returns what is served with the kind, in its stored version, beside itself and its status.
	also func(store *genericregistry.Store) map[string]rest.Storage
	// unsupported warns whoever creates an object that nothing acts on the kind yet.
	unsupported string
}

// servedVersion is a version under which a kind is served.
type servedVersion struct {
	name    string
	columns []column
}

func (k *kind) groupResource() schema.GroupResource {
	return schema.GroupResource{Group: k.group, Resource: k.plural}
}

// on adapts a function on one Go type to a function on any object.
func on[T runtime.Object, R any](f func(T) R) func(runtime.Object) R {
	return func(obj runtime.Object) R { return f(obj.(T)) }
}

// onBoth adapts a function on two objects, usually the new and the old one.
func onBoth[T, U runtime.Object, R any](f func(T, U) R) func(_, _ runtime.Object) R {
	return func(a, b runtime.Object) R { return f(a.(T), b.(U)) }
}

// creating adapts a function that completes an object being created.
func creating[T runtime.Object](f func(T)) func(context.Context, runtime.Object) {
	return func(_ context.Context, obj runtime.Object) { f(obj.(T)) }
}

// updating adapts a function that completes an object being updated.
func updating[T runtime.Object](f func(obj, old T)) func(_ context.Context, _, _ runtime.Object) {
	return func(_ context.Context, obj, old runtime.Object) { f(obj.(T), old.(T)) }
}
