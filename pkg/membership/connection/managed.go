package connection

import (
	"context"
	"fmt"
	"strings"

	clusterv1alpha1 "github.com/karmada-io/karmada/pkg/apis/cluster/v1alpha1"
	corev1 "k8s.io/api/core/v1"
	toolscache "k8s.io/client-go/tools/cache"
	"sigs.k8s.io/controller-runtime/pkg/cache"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/manager"

	"atoll.dev/atoll/apis/karmada/wellknown"
)

// NewManagedPool returns a pool that follows a manager's control plane: Clusters come from the
// manager's cache, Secrets from one of its own that is confined to wellknown.ClusterNamespace, and
// every change of either refreshes the connection concerned. Its cache starts and ends with the
// manager, on every replica, leader or not.
//
// A Cluster whose secretRef names another namespace has its Secret read live.
func NewManagedPool(ctx context.Context, mgr manager.Manager, opts PoolOptions) (*Pool, error) {
	secrets, err := cache.New(mgr.GetConfig(), cache.Options{
		Scheme: mgr.GetScheme(), Mapper: mgr.GetRESTMapper(), HTTPClient: mgr.GetHTTPClient(),
		DefaultNamespaces: map[string]cache.Config{wellknown.ClusterNamespace: {}},
	})
	if err != nil {
		return nil, fmt.Errorf("building the cache of member credentials: %w", err)
	}
	if err := mgr.Add(secrets); err != nil {
		return nil, fmt.Errorf("adding the cache of member credentials: %w", err)
	}
	pool := NewPool(&splitReader{Reader: mgr.GetClient(), live: mgr.GetAPIReader(), secrets: secrets}, opts)

	clusterInformer, err := mgr.GetCache().GetInformer(ctx, &clusterv1alpha1.Cluster{}, cache.BlockUntilSynced(false))
	if err != nil {
		return nil, fmt.Errorf("watching Clusters: %w", err)
	}
	secretInformer, err := secrets.GetInformer(ctx, &corev1.Secret{}, cache.BlockUntilSynced(false))
	if err != nil {
		return nil, fmt.Errorf("watching member credentials: %w", err)
	}
	if _, err := clusterInformer.AddEventHandler(onChange(func(name string) { pool.Refresh(ctx, name) })); err != nil {
		return nil, fmt.Errorf("watching Clusters: %w", err)
	}
	if _, err := secretInformer.AddEventHandler(onChange(func(name string) {
		// A Secret of a member is named NAME or NAME-PURPOSE, and a NAME may contain dashes.
		for _, cluster := range pool.open() {
			if name == cluster || strings.HasPrefix(name, cluster+"-") {
				pool.Refresh(ctx, cluster)
			}
		}
	})); err != nil {
		return nil, fmt.Errorf("watching member credentials: %w", err)
	}
	return pool, nil
}

// splitReader reads Secrets of the cluster namespace from a cache confined to it.
type splitReader struct {
	client.Reader
	live    client.Reader
	secrets client.Reader
}

func (r *splitReader) Get(ctx context.Context, key client.ObjectKey, obj client.Object, opts ...client.GetOption) error {
	if _, isSecret := obj.(*corev1.Secret); isSecret {
		if key.Namespace == wellknown.ClusterNamespace {
			return r.secrets.Get(ctx, key, obj, opts...)
		}
		return r.live.Get(ctx, key, obj)
	}
	return r.Reader.Get(ctx, key, obj, opts...)
}

func onChange(changed func(name string)) toolscache.ResourceEventHandler {
	call := func(obj any) {
		if gone, ok := obj.(toolscache.DeletedFinalStateUnknown); ok {
			obj = gone.Obj
		}
		if o, ok := obj.(client.Object); ok {
			changed(o.GetName())
		}
	}
	return toolscache.ResourceEventHandlerFuncs{AddFunc: call, UpdateFunc: func(_, obj any) { call(obj) }, DeleteFunc: call}
}
