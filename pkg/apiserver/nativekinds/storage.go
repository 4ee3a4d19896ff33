package nativekinds

import (
	"context"
	"fmt"
	"maps"

	metainternalversion "k8s.io/apimachinery/pkg/apis/meta/internalversion"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apiserver/pkg/registry/generic"
	genericregistry "k8s.io/apiserver/pkg/registry/generic/registry"
	"k8s.io/apiserver/pkg/registry/rest"
	"sigs.k8s.io/structured-merge-diff/v6/fieldpath"

	"k8s.io/apiextensions-apiserver/pkg/registry/customresource/tableconvertor"
)

// resource serves one kind in one of its versions. The versions share the store
// and differ in their columns.
type resource struct {
	*genericregistry.Store
	kind  *kind
	table rest.TableConvertor
}

var (
	_ rest.StandardStorage    = &resource{}
	_ rest.ShortNamesProvider = &resource{}
	_ rest.CategoriesProvider = &resource{}
)

// ShortNames are the names that kubectl takes for the resource besides plural and singular.
func (r *resource) ShortNames() []string { return r.kind.shortNames }

// Categories are the names of the sets of resources that kubectl shows together with this one.
func (r *resource) Categories() []string { return r.kind.categories }

// ConvertToTable renders an object or a list for kubectl get.
func (r *resource) ConvertToTable(ctx context.Context, obj, options runtime.Object) (*metav1.Table, error) {
	return r.table.ConvertToTable(ctx, obj, options)
}

// statusResource serves the status subresource of one kind.
type statusResource struct {
	store *genericregistry.Store
	table rest.TableConvertor
}

var (
	_ rest.Patcher             = &statusResource{}
	_ rest.ResetFieldsStrategy = &statusResource{}
	_ rest.TableConvertor      = &statusResource{}
)

func (r *statusResource) New() runtime.Object { return r.store.New() }

// Destroy does nothing: the store belongs to the main resource.
func (r *statusResource) Destroy() {}

func (r *statusResource) Get(ctx context.Context, name string, options *metav1.GetOptions) (runtime.Object, error) {
	return r.store.Get(ctx, name, options)
}

// Update writes the status of an existing object; it never creates one.
func (r *statusResource) Update(ctx context.Context, name string, objInfo rest.UpdatedObjectInfo, createValidation rest.ValidateObjectFunc,
	updateValidation rest.ValidateObjectUpdateFunc, _ bool, options *metav1.UpdateOptions) (runtime.Object, bool, error) {
	return r.store.Update(ctx, name, objInfo, createValidation, updateValidation, false, options)
}

func (r *statusResource) GetResetFields() map[fieldpath.APIVersion]*fieldpath.Set {
	return r.store.GetResetFields()
}

func (r *statusResource) ConvertToTable(ctx context.Context, obj, options runtime.Object) (*metav1.Table, error) {
	return r.table.ConvertToTable(ctx, obj, options)
}

// newStorage makes the storage of a kind: for each served version, a map from
// resource or resource/subresource to storage.
func newStorage(k *kind, typer runtime.ObjectTyper, optsGetter generic.RESTOptionsGetter) (map[string]map[string]rest.Storage, error) {
	s := newStrategy(typer, k)
	store := &genericregistry.Store{
		NewFunc:                   k.newObject,
		NewListFunc:               k.newList,
		DefaultQualifiedResource:  k.groupResource(),
		SingularQualifiedResource: schema.GroupResource{Group: k.group, Resource: k.singular},
		CreateStrategy:            s,
		UpdateStrategy:            s,
		DeleteStrategy:            s,
		ResetFieldsStrategy:       s,
		TableConvertor:            rest.NewDefaultTableConvertor(k.groupResource()),
	}
	if err := store.CompleteWithOptions(&generic.StoreOptions{RESTOptions: optsGetter}); err != nil {
		return nil, fmt.Errorf("storage of %s: %w", k.groupResource(), err)
	}
	s.list = func(ctx context.Context) (runtime.Object, error) {
		return store.List(ctx, &metainternalversion.ListOptions{}) // the newest; two writers at once may still miss each other
	}
	statusStore := *store
	statusStore.UpdateStrategy = statusStrategy{s}
	statusStore.ResetFieldsStrategy = statusStrategy{s}

	storage := make(map[string]map[string]rest.Storage, len(k.versions))
	for _, v := range k.versions {
		table, err := tableOf(k, v)
		if err != nil {
			return nil, err
		}
		storage[v.name] = map[string]rest.Storage{k.plural: &resource{Store: store, kind: k, table: table}}
		if k.status {
			storage[v.name][k.plural+"/status"] = &statusResource{store: &statusStore, table: table}
		}
		if k.also != nil && v.name == k.versions[0].name {
			maps.Copy(storage[v.name], k.also(store))
		}
	}
	return storage, nil
}

// tableOf returns what renders the kind in the version. JSONPath columns are
// evaluated on the stored version's form, which is the internal one.
func tableOf(k *kind, v servedVersion) (rest.TableConvertor, error) {
	if k.table != nil {
		return k.table, nil
	}
	columns := v.columns
	if columns == nil {
		columns = []column{age("Age")} // as Kubernetes does for a CRD without columns
	}
	table, err := tableconvertor.New(columns)
	if err != nil {
		return nil, fmt.Errorf("columns of %s %s: %w", k.groupResource(), v.name, err)
	}
	return table, nil
}
