package apiserver

import (
	"context"
	"slices"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apiserver/pkg/registry/generic"
	genericregistry "k8s.io/apiserver/pkg/registry/generic/registry"
	"k8s.io/apiserver/pkg/registry/rest"
	api "k8s.io/kubernetes/pkg/apis/core"
	"k8s.io/kubernetes/pkg/printers"
	printersinternal "k8s.io/kubernetes/pkg/printers/internalversion"
	printerstorage "k8s.io/kubernetes/pkg/printers/storage"
	"k8s.io/kubernetes/pkg/registry/core/service"
)

// serviceStorage keeps Services as written. Kubernetes' own storage allocates
// cluster IPs and node ports, which would be this control plane's and no member's:
// two templates may rightly ask for the same port in different members.
type serviceStorage struct {
	*genericregistry.Store
}

var (
	_ rest.ShortNamesProvider = serviceStorage{}
	_ rest.CategoriesProvider = serviceStorage{}
)

func (serviceStorage) ShortNames() []string { return []string{"svc"} }
func (serviceStorage) Categories() []string { return []string{"all"} }

func newServiceStorage(getter generic.RESTOptionsGetter) (rest.Storage, rest.Storage, error) {
	store := &genericregistry.Store{
		NewFunc:                   func() runtime.Object { return &api.Service{} },
		NewListFunc:               func() runtime.Object { return &api.ServiceList{} },
		PredicateFunc:             service.Matcher,
		DefaultQualifiedResource:  api.Resource("services"),
		SingularQualifiedResource: api.Resource("service"),
		CreateStrategy:            service.Strategy,
		UpdateStrategy:            service.Strategy,
		DeleteStrategy:            service.Strategy,
		ResetFieldsStrategy:       service.Strategy,
		TableConvertor:            printerstorage.TableConvertor{TableGenerator: printers.NewTableGenerator().With(printersinternal.AddHandlers)},
	}
	store.BeginCreate = func(_ context.Context, obj runtime.Object, _ *metav1.CreateOptions) (genericregistry.FinishFunc, error) {
		pairAddresses(obj.(*api.Service), nil)
		return func(context.Context, bool) {}, nil
	}
	store.BeginUpdate = func(_ context.Context, obj, old runtime.Object, _ *metav1.UpdateOptions) (genericregistry.FinishFunc, error) {
		pairAddresses(obj.(*api.Service), old.(*api.Service))
		return func(context.Context, bool) {}, nil
	}
	if err := store.CompleteWithOptions(&generic.StoreOptions{RESTOptions: getter, AttrFunc: service.GetAttrs}); err != nil {
		return nil, nil, err
	}
	status := *store
	status.UpdateStrategy = service.StatusStrategy
	status.ResetFieldsStrategy = service.StatusStrategy
	return serviceStorage{store}, statusStorage{&status}, nil
}

// pairAddresses makes clusterIP, the older field, and clusterIPs say the same, whichever
// of them the client wrote, as Kubernetes' own storage does before it allocates.
func pairAddresses(s, old *api.Service) {
	switch {
	case old != nil && s.Spec.ClusterIP != old.Spec.ClusterIP && slices.Equal(s.Spec.ClusterIPs, old.Spec.ClusterIPs):
		// Only the older field was written: the other one follows.
		s.Spec.ClusterIPs = nil
		if s.Spec.ClusterIP != "" {
			s.Spec.ClusterIPs = []string{s.Spec.ClusterIP}
		}
	case s.Spec.ClusterIP != "" && len(s.Spec.ClusterIPs) == 0:
		s.Spec.ClusterIPs = []string{s.Spec.ClusterIP}
	}
}
