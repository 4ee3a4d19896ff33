package apiserver

import (
	"context"
	"fmt"

	"k8s.io/apimachinery/pkg/apis/meta/internalversion"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/util/sets"
	genericapirequest "k8s.io/apiserver/pkg/endpoints/request"
	"k8s.io/apiserver/pkg/registry/generic"
	genericregistry "k8s.io/apiserver/pkg/registry/generic/registry"
	"k8s.io/apiserver/pkg/registry/rest"
	api "k8s.io/kubernetes/pkg/apis/core"
	"k8s.io/kubernetes/pkg/printers"
	printersinternal "k8s.io/kubernetes/pkg/printers/internalversion"
	printerstorage "k8s.io/kubernetes/pkg/printers/storage"
	"k8s.io/kubernetes/pkg/registry/core/service"

	"atoll.dev/atoll/pkg/apiserver/nodeports"
)

// serviceStorage keeps Services as written. Kubernetes' own storage allocates
// cluster IPs and node ports, which would be this control plane's and no member's:
// two templates may rightly ask for the same port in different members. Only node
// ports that a Service leaves open are chosen, for all members alike.
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
	if err := store.CompleteWithOptions(&generic.StoreOptions{RESTOptions: getter, AttrFunc: service.GetAttrs}); err != nil {
		return nil, nil, err
	}
	status := *store
	status.UpdateStrategy = service.StatusStrategy
	status.ResetFieldsStrategy = service.StatusStrategy

	services := serviceStorage{store}
	store.BeginCreate = func(ctx context.Context, obj runtime.Object, _ *metav1.CreateOptions) (genericregistry.FinishFunc, error) {
		return nothingToFinish, services.settleNodePorts(ctx, obj.(*api.Service), nil)
	}
	store.BeginUpdate = func(ctx context.Context, obj, old runtime.Object, _ *metav1.UpdateOptions) (genericregistry.FinishFunc, error) {
		return nothingToFinish, services.settleNodePorts(ctx, obj.(*api.Service), old.(*api.Service))
	}
	return services, statusStorage{&status}, nil
}

func nothingToFinish(context.Context, bool) {}

// settleNodePorts avoids the ports of the Services in the cache. Two written in the
// same moment may get one port: the members of both refuse the second, and say so.
func (s serviceStorage) settleNodePorts(ctx context.Context, service, old *api.Service) error {
	nodeports.Keep(service, old)
	if !nodeports.Open(service) {
		return nil
	}
	list, err := s.List(genericapirequest.WithNamespace(ctx, metav1.NamespaceAll), &internalversion.ListOptions{ResourceVersion: "0"})
	if err != nil {
		return fmt.Errorf("looking for free node ports: %w", err)
	}
	used := sets.New[int32]()
	for i := range list.(*api.ServiceList).Items {
		for port := range nodeports.Of(&list.(*api.ServiceList).Items[i]) {
			used.Insert(port)
		}
	}
	return nodeports.Choose(service, used)
}
