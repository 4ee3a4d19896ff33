package nativekinds

import (
	"context"
	"fmt"
	"maps"
	"slices"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/runtime/serializer"
	"k8s.io/apiserver/pkg/registry/generic"
	"k8s.io/apiserver/pkg/registry/rest"
	genericapiserver "k8s.io/apiserver/pkg/server"
	serverstorage "k8s.io/apiserver/pkg/server/storage"
	controlplaneapiserver "k8s.io/kubernetes/pkg/controlplane/apiserver"
	"k8s.io/utils/clock"

	"atoll.dev/atoll/apis"
	"atoll.dev/atoll/apis/karmada"
)

// Options are what the storage of these groups needs from the API server.
type Options struct {
	// Scheme has the groups installed (apis.Install) and the metav1
	// types of the legacy group's v1. Usually legacyscheme.Scheme.
	Scheme *runtime.Scheme
	// Secret reads a Secret of the control plane, for clusters/proxy. It may be
	// called as soon as requests come in.
	Secret func(ctx context.Context, namespace, name string) (*corev1.Secret, error)
	// AllowNoExecuteTaintPolicy lets ClusterTaintPolicies taint clusters with
	// NoExecute, which evicts what runs there. Off by default.
	AllowNoExecuteTaintPolicy bool
	// Clock tells when a taint was added. The system's clock by default.
	Clock clock.PassiveClock
}

// GroupVersions are what the resource config must enable, and what API service
// priorities are needed for.
func GroupVersions() []schema.GroupVersion {
	return append(karmada.GroupVersions(), apis.GroupVersions()...)
}

// Resources returns every stored resource in its stored version.
func Resources() []schema.GroupVersionResource {
	var resources []schema.GroupVersionResource
	for _, k := range kinds(Options{}) {
		resources = append(resources, k.groupResource().WithVersion(k.versions[0].name))
	}
	return resources
}

// ConfigureStorageFactory makes the factory store these kinds as JSON, since
// they have no protobuf form, and under /GROUP/RESOURCE, where Karmada's CRDs are.
func ConfigureStorageFactory(factory *serverstorage.DefaultStorageFactory) {
	for _, k := range kinds(Options{}) {
		gr := k.groupResource()
		factory.SetSerializer(gr, runtime.ContentTypeJSON, nil)
		factory.SetResourceEtcdPrefix(gr, gr.Group+"/"+gr.Resource)
	}
}

// StorageProviders returns one provider a group, to be given to InstallAPIs.
func StorageProviders(opts Options) []controlplaneapiserver.RESTStorageProvider {
	if opts.Clock == nil {
		opts.Clock = clock.RealClock{}
	}
	byGroup := map[string][]*kind{}
	for _, k := range kinds(opts) {
		byGroup[k.group] = append(byGroup[k.group], k)
	}
	var providers []controlplaneapiserver.RESTStorageProvider
	for _, group := range groups() {
		providers = append(providers, &provider{group: group, kinds: byGroup[group], opts: opts})
	}
	return providers
}

// groups returns the names of all groups, each once.
func groups() []string {
	var names []string
	for _, gv := range GroupVersions() {
		if !slices.Contains(names, gv.Group) {
			names = append(names, gv.Group)
		}
	}
	return names
}

// provider makes the storage of one group.
type provider struct {
	group string
	kinds []*kind
	opts  Options
}

func (p *provider) GroupName() string { return p.group }

func (p *provider) NewRESTStorage(enabled serverstorage.APIResourceConfigSource, optsGetter generic.RESTOptionsGetter) (genericapiserver.APIGroupInfo, error) {
	info := genericapiserver.NewDefaultAPIGroupInfo(p.group, p.opts.Scheme, runtime.NewParameterCodec(p.opts.Scheme), serializer.NewCodecFactory(p.opts.Scheme))
	info.NegotiatedSerializer = withoutProtobuf{info.NegotiatedSerializer}
	for _, k := range p.kinds {
		byVersion, err := newStorage(k, p.opts.Scheme, optsGetter)
		if err != nil {
			return genericapiserver.APIGroupInfo{}, fmt.Errorf("API group %s: %w", p.group, err)
		}
		for version, storage := range byVersion {
			if !enabled.ResourceEnabled(k.groupResource().WithVersion(version)) {
				continue
			}
			if info.VersionedResourcesStorageMap[version] == nil {
				info.VersionedResourcesStorageMap[version] = map[string]rest.Storage{}
			}
			maps.Copy(info.VersionedResourcesStorageMap[version], storage)
		}
	}
	return info, nil
}
