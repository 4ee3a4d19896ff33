package apiserver

import (
	"context"
	"fmt"
	"maps"
	"net"

	rbacv1 "k8s.io/api/rbac/v1"
	apiextensionsv1 "k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/v1"
	apiextensionsapiserver "k8s.io/apiextensions-apiserver/pkg/apiserver"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	utilerrors "k8s.io/apimachinery/pkg/util/errors"
	genericapifilters "k8s.io/apiserver/pkg/endpoints/filters"
	genericapiserver "k8s.io/apiserver/pkg/server"
	"k8s.io/apiserver/pkg/util/notfoundhandler"
	"k8s.io/apiserver/pkg/util/webhook"
	"k8s.io/client-go/discovery"
	aggregatorapiserver "k8s.io/kube-aggregator/pkg/apiserver"
	aggregatorscheme "k8s.io/kube-aggregator/pkg/apiserver/scheme"
	"k8s.io/kube-openapi/pkg/common"
	"k8s.io/kubernetes/pkg/api/legacyscheme"
	"k8s.io/kubernetes/pkg/controlplane"
	controlplaneapiserver "k8s.io/kubernetes/pkg/controlplane/apiserver"
	"k8s.io/kubernetes/pkg/controlplane/apiserver/options"
	generatedopenapi "k8s.io/kubernetes/pkg/generated/openapi"

	"atoll.dev/atoll/apis"
	"atoll.dev/atoll/pkg/apiserver/nativekinds"
)

// name of the native server in the chain, in its identity leases and its metrics.
const name = "atoll-apiserver"

// masterCount is what API extensions assumes of the number of API servers, to wait
// that long for each of them to learn of a new CRD.
const masterCount = 1

// chain holds the three servers of the delegation chain before they are composed.
type chain struct {
	native     *controlplaneapiserver.Config
	extensions *apiextensionsapiserver.Config
	aggregator *aggregatorapiserver.Config
}

// openAPIDefinitions describe everything that is served natively.
func openAPIDefinitions(ref common.ReferenceCallback) map[string]common.OpenAPIDefinition {
	all := generatedopenapi.GetOpenAPIDefinitions(ref)
	maps.Copy(all, apis.OpenAPIDefinitions(ref))
	return all
}

func newChain(completed options.CompletedOptions, extraUsers *inProcessUsers) (*chain, error) {
	apis.Install(legacyscheme.Scheme)
	resources := controlplane.DefaultAPIResourceConfigSource()
	resources.EnableVersions(nativekinds.GroupVersions()...)

	generic, informers, storageFactory, err := controlplaneapiserver.BuildGenericConfig(
		completed,
		[]*runtime.Scheme{legacyscheme.Scheme, apiextensionsapiserver.Scheme, aggregatorscheme.Scheme},
		resources,
		openAPIDefinitions,
	)
	if err != nil {
		return nil, fmt.Errorf("configuring the API server: %w", err)
	}
	generic.OpenAPIConfig.Info.Title = "Atoll"
	generic.OpenAPIV3Config.Info.Title = "Atoll"
	generic.OpenAPIConfig.GetDefinitionName = apis.PublicKinds(generic.OpenAPIConfig.GetDefinitionName)
	generic.OpenAPIV3Config.GetDefinitionName = apis.PublicKinds(generic.OpenAPIV3Config.GetDefinitionName)
	generic.Authentication.Authenticator = extraUsers.before(generic.Authentication.Authenticator)
	nativekinds.ConfigureStorageFactory(storageFactory)

	// Services are templates without endpoints: an APIService or webhook behind one is reached by its ExternalName, as
	// Karmada's are, or by the cluster IP that it was given.
	resolver := aggregatorapiserver.NewClusterIPServiceResolver(informers.Core().V1().Services().Lister())
	native, initializers, err := controlplaneapiserver.CreateConfig(completed, generic, informers, storageFactory, resolver, nil)
	if err != nil {
		return nil, fmt.Errorf("configuring the native groups: %w", err)
	}
	authInfo := webhook.NewDefaultAuthenticationInfoResolverWrapper(native.ProxyTransport, native.Generic.EgressSelector,
		native.Generic.LoopbackClientConfig, native.Generic.TracerProvider)
	extensions, err := controlplaneapiserver.CreateAPIExtensionsConfig(*native.Generic, native.VersionedInformers, initializers,
		completed, masterCount, resolver, authInfo)
	if err != nil {
		return nil, fmt.Errorf("configuring custom resources: %w", err)
	}
	aggregator, err := controlplaneapiserver.CreateAggregatorConfig(*native.Generic, completed, native.VersionedInformers, resolver,
		native.ProxyTransport, native.PeerProxy, initializers)
	if err != nil {
		return nil, fmt.Errorf("configuring aggregation: %w", err)
	}
	return &chain{native: native, extensions: extensions, aggregator: aggregator}, nil
}

// compose builds the chain from its end: what nobody serves is not found, then
// custom resources, native groups, and aggregation in front.
func (c *chain) compose() (*aggregatorapiserver.APIAggregator, error) {
	native := c.native.Complete()
	notFound := notfoundhandler.New(native.Generic.Serializer, genericapifilters.NoMuxAndDiscoveryIncompleteKey)
	extensionsConfig := c.extensions.Complete()
	extensions, err := extensionsConfig.New(genericapiserver.NewEmptyDelegateWithCustomHandler(notFound))
	if err != nil {
		return nil, fmt.Errorf("creating the server of custom resources: %w", err)
	}
	server, err := native.New(name, extensions.GenericAPIServer)
	if err != nil {
		return nil, fmt.Errorf("creating the server of the native groups: %w", err)
	}
	client, err := discovery.NewDiscoveryClientForConfig(native.Generic.LoopbackClientConfig)
	if err != nil {
		return nil, fmt.Errorf("creating the loopback client: %w", err)
	}
	providers, err := native.GenericStorageProviders(client)
	if err != nil {
		return nil, fmt.Errorf("creating the storage of the generic groups: %w", err)
	}
	for i, p := range providers {
		switch p.GroupName() {
		case "":
			providers[i] = coreTemplates{native.NewCoreGenericConfig()}
		case rbacv1.GroupName:
			providers[i] = storageOnly{p}
		}
	}
	providers = append(providers, templateProviders()...)
	providers = append(providers, nativekinds.StorageProviders(nativekinds.Options{
		Scheme: legacyscheme.Scheme,
		Secret: secretReader(native.VersionedInformers),
	})...)
	if err := server.InstallAPIs(providers...); err != nil {
		return nil, fmt.Errorf("installing the native groups: %w", err)
	}
	crds := extensions.Informers.Apiextensions().V1().CustomResourceDefinitions()
	crdsServed := c.extensions.GenericConfig.MergedResourceConfig.ResourceEnabled(apiextensionsv1.SchemeGroupVersion.WithResource("customresourcedefinitions"))
	front, err := controlplaneapiserver.CreateAggregatorServer(c.aggregator.Complete(), server.GenericAPIServer, crds, crdsServed, servicePriorities())
	if err != nil {
		return nil, fmt.Errorf("creating the aggregator: %w", err)
	}
	return front, nil
}

// servicePriorities order the groups in discovery, where the first group that has a
// resource name wins it. A group without a priority is not discovered at all.
func servicePriorities() map[schema.GroupVersion]controlplaneapiserver.APIServicePriority {
	priorities := controlplaneapiserver.DefaultGenericAPIServicePriorities()
	add := func(group string, groupPriority int32, versions ...string) {
		for i, version := range versions {
			priorities[schema.GroupVersion{Group: group, Version: version}] =
				controlplaneapiserver.APIServicePriority{Group: groupPriority, Version: int32(30 - i)}
		}
	}
	// As kube-apiserver orders them.
	add("apps", 17800, "v1")
	add("autoscaling", 17500, "v2", "v1")
	add("batch", 17400, "v1")
	add("networking.k8s.io", 17200, "v1")
	add("policy", 17100, "v1")
	add("storage.k8s.io", 16800, "v1")
	add("scheduling.k8s.io", 16600, "v1")
	add("node.k8s.io", 16300, "v1")
	// Behind all of Kubernetes' groups and before custom resources (1000), as Karmada's CRDs and APIService are.
	for i, gv := range nativekinds.GroupVersions() { // the preferred version of a group comes first
		priorities[gv] = controlplaneapiserver.APIServicePriority{Group: 2000, Version: int32(100 - i)}
	}
	return priorities
}

func complete(ctx context.Context, o Options) (options.CompletedOptions, error) {
	s, err := o.kubernetes()
	if err != nil {
		return options.CompletedOptions{}, err
	}
	completed, err := s.Complete(ctx, nil, []net.IP{o.AdvertiseAddress})
	if err != nil {
		return completed, fmt.Errorf("completing the API server's options: %w", err)
	}
	if errs := completed.Validate(); len(errs) > 0 {
		return completed, fmt.Errorf("API server options: %w", utilerrors.NewAggregate(errs))
	}
	return completed, nil
}
