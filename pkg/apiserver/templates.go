package apiserver

import (
	"k8s.io/apiserver/pkg/registry/generic"
	genericapiserver "k8s.io/apiserver/pkg/server"
	serverstorage "k8s.io/apiserver/pkg/server/storage"
	controlplaneapiserver "k8s.io/kubernetes/pkg/controlplane/apiserver"
	appsrest "k8s.io/kubernetes/pkg/registry/apps/rest"
	autoscalingrest "k8s.io/kubernetes/pkg/registry/autoscaling/rest"
	batchrest "k8s.io/kubernetes/pkg/registry/batch/rest"
	endpointsstore "k8s.io/kubernetes/pkg/registry/core/endpoint/storage"
	limitrangestore "k8s.io/kubernetes/pkg/registry/core/limitrange/storage"
	pvstore "k8s.io/kubernetes/pkg/registry/core/persistentvolume/storage"
	pvcstore "k8s.io/kubernetes/pkg/registry/core/persistentvolumeclaim/storage"
	podstore "k8s.io/kubernetes/pkg/registry/core/pod/storage"
	podtemplatestore "k8s.io/kubernetes/pkg/registry/core/podtemplate/storage"
	controllerstore "k8s.io/kubernetes/pkg/registry/core/replicationcontroller/storage"
	corerest "k8s.io/kubernetes/pkg/registry/core/rest"
	discoveryrest "k8s.io/kubernetes/pkg/registry/discovery/rest"
	networkingrest "k8s.io/kubernetes/pkg/registry/networking/rest"
	noderest "k8s.io/kubernetes/pkg/registry/node/rest"
	policyrest "k8s.io/kubernetes/pkg/registry/policy/rest"
	schedulingrest "k8s.io/kubernetes/pkg/registry/scheduling/rest"
	storagerest "k8s.io/kubernetes/pkg/registry/storage/rest"
)

// templateProviders are the groups of Kubernetes that the generic control plane
// leaves out because nothing here runs their objects: they are stored as templates.
func templateProviders() []controlplaneapiserver.RESTStorageProvider {
	return []controlplaneapiserver.RESTStorageProvider{
		appsrest.StorageProvider{},
		autoscalingrest.RESTStorageProvider{},
		batchrest.RESTStorageProvider{},
		discoveryrest.StorageProvider{},
		networkingrest.RESTStorageProvider{},
		noderest.RESTStorageProvider{},
		policyrest.RESTStorageProvider{},
		storageOnly{schedulingrest.RESTStorageProvider{}},
		storagerest.RESTStorageProvider{},
	}
}

// storageOnly is a provider without its post-start hook.
type storageOnly struct {
	controlplaneapiserver.RESTStorageProvider
}

// coreTemplates extends the generic core group with the kinds that need nodes to
// run: pods without exec and logs, services without allocators, volumes, and so on.
type coreTemplates struct {
	*corerest.GenericConfig
}

func (p coreTemplates) NewRESTStorage(resources serverstorage.APIResourceConfigSource, getter generic.RESTOptionsGetter) (genericapiserver.APIGroupInfo, error) {
	info, err := p.GenericConfig.NewRESTStorage(resources, getter)
	if err != nil {
		return info, err
	}
	storage := info.VersionedResourcesStorageMap["v1"]

	pods, err := podstore.NewStorage(getter, nil, nil, nil, nil)
	if err != nil {
		return info, err
	}
	storage["pods"], storage["pods/status"] = pods.Pod, pods.Status

	services, serviceStatus, err := newServiceStorage(getter)
	if err != nil {
		return info, err
	}
	storage["services"], storage["services/status"] = services, serviceStatus

	if storage["endpoints"], err = endpointsstore.NewREST(getter); err != nil {
		return info, err
	}
	if storage["podtemplates"], err = podtemplatestore.NewREST(getter); err != nil {
		return info, err
	}
	if storage["limitranges"], err = limitrangestore.NewREST(getter); err != nil {
		return info, err
	}
	if storage["persistentvolumes"], storage["persistentvolumes/status"], err = pvstore.NewREST(getter); err != nil {
		return info, err
	}
	if storage["persistentvolumeclaims"], storage["persistentvolumeclaims/status"], err = pvcstore.NewREST(getter); err != nil {
		return info, err
	}
	replication, err := controllerstore.NewStorage(getter)
	if err != nil {
		return info, err
	}
	storage["replicationcontrollers"] = replication.Controller
	storage["replicationcontrollers/status"] = replication.Status
	storage["replicationcontrollers/scale"] = replication.Scale
	return info, nil
}
