package atolld

import (
	"context"
	"fmt"
	"time"

	apiextensionsv1 "k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/client-go/kubernetes"
	clientgoscheme "k8s.io/client-go/kubernetes/scheme"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/leaderelection/resourcelock"
	"k8s.io/klog/v2"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/cache"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/manager"
	metricsserver "sigs.k8s.io/controller-runtime/pkg/metrics/server"

	appsv1alpha1 "github.com/karmada-io/karmada/pkg/apis/apps/v1alpha1"
	clusterv1alpha1 "github.com/karmada-io/karmada/pkg/apis/cluster/v1alpha1"
	configv1alpha1 "github.com/karmada-io/karmada/pkg/apis/config/v1alpha1"
	policyv1alpha1 "github.com/karmada-io/karmada/pkg/apis/policy/v1alpha1"
	remedyv1alpha1 "github.com/karmada-io/karmada/pkg/apis/remedy/v1alpha1"
	workv1alpha1 "github.com/karmada-io/karmada/pkg/apis/work/v1alpha1"
	workv1alpha2 "github.com/karmada-io/karmada/pkg/apis/work/v1alpha2"

	"atoll.dev/atoll/apis"
	"atoll.dev/atoll/apis/karmada/wellknown"
)

// shutdownGrace is how long running reconciliations may take to end.
const shutdownGrace = 10 * time.Second

// electionTimes are those of leader election; see serverconfig for their meaning.
type electionTimes struct {
	lease, renew, retry time.Duration
}

// role is a set of controllers that one process at a time may run.
type role struct {
	// lease in atoll-system that elects the process.
	lease string
	// identity under which the lease is held. A process that alone can reach its
	// etcd keeps one identity over restarts and so need not wait for its own lease to expire.
	identity string
	times    electionTimes
	setup    func(context.Context, manager.Manager) error
}

// controllerScheme knows every kind that the controllers handle as Go types.
func controllerScheme() (*runtime.Scheme, error) {
	scheme := runtime.NewScheme()
	for _, add := range []func(*runtime.Scheme) error{
		clientgoscheme.AddToScheme, apiextensionsv1.AddToScheme,
		clusterv1alpha1.AddToScheme, policyv1alpha1.AddToScheme, workv1alpha1.AddToScheme, workv1alpha2.AddToScheme,
		configv1alpha1.AddToScheme, appsv1alpha1.AddToScheme, remedyv1alpha1.AddToScheme,
		apis.AddToScheme,
	} {
		if err := add(scheme); err != nil {
			return nil, fmt.Errorf("registering the controllers' kinds: %w", err)
		}
	}
	return scheme, nil
}

// newManager makes the manager of one role. shared, if not nil, is the cache of
// another manager in this process, which owns and starts it.
func newManager(ctx context.Context, config *rest.Config, r role, shared cache.Cache) (manager.Manager, error) {
	scheme, err := controllerScheme()
	if err != nil {
		return nil, err
	}
	leases, err := kubernetes.NewForConfig(config)
	if err != nil {
		return nil, fmt.Errorf("creating the client of lease %s: %w", r.lease, err)
	}
	lock, err := resourcelock.New(resourcelock.LeasesResourceLock, wellknown.SystemNamespace, r.lease,
		leases.CoreV1(), leases.CoordinationV1(), resourcelock.ResourceLockConfig{Identity: r.identity})
	if err != nil {
		return nil, fmt.Errorf("creating lease %s: %w", r.lease, err)
	}
	grace := shutdownGrace
	options := ctrl.Options{
		Scheme:                              scheme,
		Logger:                              orderly(klog.FromContext(ctx)),
		BaseContext:                         func() context.Context { return context.WithoutCancel(ctx) },
		LeaderElection:                      true,
		LeaderElectionResourceLockInterface: lock,
		LeaderElectionReleaseOnCancel:       true,
		LeaseDuration:                       &r.times.lease,
		RenewDeadline:                       &r.times.renew,
		RetryPeriod:                         &r.times.retry,
		GracefulShutdownTimeout:             &grace,
		Metrics:                             metricsserver.Options{BindAddress: "0"},
		HealthProbeBindAddress:              "0",
		Client:                              client.Options{Cache: &client.CacheOptions{}},
	}
	if shared != nil {
		options.NewCache = func(*rest.Config, cache.Options) (cache.Cache, error) { return borrowedCache{shared}, nil }
	}
	mgr, err := ctrl.NewManager(config, options)
	if err != nil {
		return nil, fmt.Errorf("creating the manager of %s: %w", r.lease, err)
	}
	if err := r.setup(ctx, mgr); err != nil {
		return nil, fmt.Errorf("setting up %s: %w", r.lease, err)
	}
	return mgr, nil
}

// borrowedCache is a cache that somebody else starts and stops.
type borrowedCache struct{ cache.Cache }

func (borrowedCache) Start(ctx context.Context) error {
	<-ctx.Done()
	return nil
}
