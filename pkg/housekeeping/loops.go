package housekeeping

import (
	"context"
	"fmt"
	"os"
	"time"

	"golang.org/x/sync/errgroup"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/client-go/discovery/cached/memory"
	"k8s.io/client-go/informers"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/metadata"
	"k8s.io/client-go/metadata/metadatainformer"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/restmapper"
	"k8s.io/client-go/util/keyutil"
	"k8s.io/controller-manager/pkg/informerfactory"
	"k8s.io/klog/v2"
	"k8s.io/kubernetes/pkg/controller/bootstrap"
	"k8s.io/kubernetes/pkg/controller/certificates/cleaner"
	"k8s.io/kubernetes/pkg/controller/certificates/signer"
	"k8s.io/kubernetes/pkg/controller/clusterroleaggregation"
	"k8s.io/kubernetes/pkg/controller/garbagecollector"
	"k8s.io/kubernetes/pkg/controller/namespace"
	serviceaccountcontroller "k8s.io/kubernetes/pkg/controller/serviceaccount"
	"k8s.io/kubernetes/pkg/controller/ttlafterfinished"
	"k8s.io/kubernetes/pkg/serviceaccount"
	"sigs.k8s.io/controller-runtime/pkg/manager"
)

// Options name the keys that some loops need. A loop whose files are not given does not run.
type Options struct {
	// ServiceAccountSigningKey signs the tokens of service-account token Secrets.
	ServiceAccountSigningKey string
	// CA is written beside those tokens, so that their holders can verify the API server.
	CA string
	// ClientCACert and ClientCAKey sign approved certificate requests.
	ClientCACert, ClientCAKey string
	// CertificateDuration is the life of the certificates signed; 0 means one year, Kubernetes' default.
	CertificateDuration time.Duration
}

const (
	informerResync     = 12 * time.Hour
	namespaceResync    = 5 * time.Minute
	namespaceWorkers   = 10
	garbageWorkers     = 10
	garbageSyncTimeout = 30 * time.Second
	garbageDiscovery   = 30 * time.Second // how long a new kind's dependents may wait to be noticed
	tokenWorkers       = 2
	ttlWorkers         = 2
	signingWorkers     = 2
	aggregationWorkers = 2
	oneYear            = 365 * 24 * time.Hour
)

// Setup adds the loops to mgr as one runnable that needs leadership.
func Setup(mgr manager.Manager, config *rest.Config, opts Options) error {
	return mgr.Add(&loops{config: config, opts: opts})
}

type loops struct {
	config *rest.Config
	opts   Options
}

var _ manager.LeaderElectionRunnable = &loops{}

// NeedLeaderElection is true: two collectors would race each other's deletions.
func (*loops) NeedLeaderElection() bool { return true }

// Start runs all loops until ctx ends.
func (l *loops) Start(ctx context.Context) error {
	client, err := kubernetes.NewForConfig(l.config)
	if err != nil {
		return fmt.Errorf("creating the housekeeping client: %w", err)
	}
	meta, err := metadata.NewForConfig(l.config)
	if err != nil {
		return fmt.Errorf("creating the metadata client: %w", err)
	}
	shared := informers.NewSharedInformerFactory(client, informerResync)

	var run []func(context.Context)
	for _, make := range []func(context.Context, kubernetes.Interface, metadata.Interface, informers.SharedInformerFactory) (func(context.Context), error){
		l.namespaces, l.garbage, l.tokens, l.finishedJobs, l.bootstrapSigner, l.bootstrapCleaner, l.requestCleaner, l.requestSigner, l.aggregatedRoles,
	} {
		loop, err := make(ctx, client, meta, shared)
		if err != nil {
			return err
		}
		if loop != nil {
			run = append(run, loop)
		}
	}
	shared.Start(ctx.Done())
	var group errgroup.Group
	for _, loop := range run {
		group.Go(func() error { loop(ctx); return nil })
	}
	return group.Wait()
}

func (l *loops) namespaces(ctx context.Context, client kubernetes.Interface, meta metadata.Interface, shared informers.SharedInformerFactory) (func(context.Context), error) {
	c := namespace.NewNamespaceController(ctx, client, meta, client.Discovery().ServerPreferredNamespacedResources,
		shared.Core().V1().Namespaces(), namespaceResync, corev1.FinalizerKubernetes)
	return func(ctx context.Context) { c.Run(ctx, namespaceWorkers) }, nil
}

func (l *loops) garbage(ctx context.Context, client kubernetes.Interface, meta metadata.Interface, shared informers.SharedInformerFactory) (func(context.Context), error) {
	mapper := restmapper.NewDeferredDiscoveryRESTMapper(memory.NewMemCacheClient(client.Discovery()))
	started := make(chan struct{})
	close(started) // its own informers may start as soon as they are made
	metaInformers := metadatainformer.NewSharedInformerFactory(meta, informerResync)
	c, err := garbagecollector.NewGarbageCollector(ctx, client, meta, mapper, garbagecollector.DefaultIgnoredResources(),
		informerfactory.NewInformerFactory(shared, metaInformers), started)
	if err != nil {
		return nil, fmt.Errorf("creating the garbage collector: %w", err)
	}
	return func(ctx context.Context) {
		var group errgroup.Group
		group.Go(func() error { c.Run(ctx, garbageWorkers, garbageSyncTimeout); return nil })
		group.Go(func() error { c.Sync(ctx, client.Discovery(), garbageDiscovery); return nil })
		_ = group.Wait() // neither reports an error
	}, nil
}

func (l *loops) tokens(ctx context.Context, client kubernetes.Interface, _ metadata.Interface, shared informers.SharedInformerFactory) (func(context.Context), error) {
	if l.opts.ServiceAccountSigningKey == "" {
		return nil, nil
	}
	key, err := keyutil.PrivateKeyFromFile(l.opts.ServiceAccountSigningKey)
	if err != nil {
		return nil, fmt.Errorf("reading the service-account signing key %s: %w", l.opts.ServiceAccountSigningKey, err)
	}
	ca, err := os.ReadFile(l.opts.CA)
	if err != nil {
		return nil, fmt.Errorf("reading the CA for service-account tokens: %w", err)
	}
	generator, err := serviceaccount.JWTTokenGenerator(serviceaccount.LegacyIssuer, key)
	if err != nil {
		return nil, fmt.Errorf("using the service-account signing key %s: %w", l.opts.ServiceAccountSigningKey, err)
	}
	c, err := serviceaccountcontroller.NewTokensController(klog.FromContext(ctx), shared.Core().V1().ServiceAccounts(), shared.Core().V1().Secrets(), client,
		serviceaccountcontroller.TokensControllerOptions{TokenGenerator: generator, RootCA: ca})
	if err != nil {
		return nil, fmt.Errorf("creating the token controller: %w", err)
	}
	return func(ctx context.Context) { c.Run(ctx, tokenWorkers) }, nil
}

func (l *loops) finishedJobs(ctx context.Context, client kubernetes.Interface, _ metadata.Interface, shared informers.SharedInformerFactory) (func(context.Context), error) {
	c := ttlafterfinished.New(ctx, shared.Batch().V1().Jobs(), client)
	return func(ctx context.Context) { c.Run(ctx, ttlWorkers) }, nil
}

func (l *loops) bootstrapSigner(_ context.Context, client kubernetes.Interface, _ metadata.Interface, shared informers.SharedInformerFactory) (func(context.Context), error) {
	c, err := bootstrap.NewSigner(client, shared.Core().V1().Secrets(), shared.Core().V1().ConfigMaps(), bootstrap.DefaultSignerOptions())
	if err != nil {
		return nil, fmt.Errorf("creating the bootstrap signer: %w", err)
	}
	return c.Run, nil
}

func (l *loops) bootstrapCleaner(_ context.Context, client kubernetes.Interface, _ metadata.Interface, shared informers.SharedInformerFactory) (func(context.Context), error) {
	c, err := bootstrap.NewTokenCleaner(client, shared.Core().V1().Secrets(), bootstrap.DefaultTokenCleanerOptions())
	if err != nil {
		return nil, fmt.Errorf("creating the bootstrap token cleaner: %w", err)
	}
	return c.Run, nil
}

func (l *loops) requestCleaner(_ context.Context, client kubernetes.Interface, _ metadata.Interface, shared informers.SharedInformerFactory) (func(context.Context), error) {
	c := cleaner.NewCSRCleanerController(client.CertificatesV1().CertificateSigningRequests(), shared.Certificates().V1().CertificateSigningRequests())
	return func(ctx context.Context) { c.Run(ctx, 1) }, nil
}

func (l *loops) requestSigner(ctx context.Context, client kubernetes.Interface, _ metadata.Interface, shared informers.SharedInformerFactory) (func(context.Context), error) {
	if l.opts.ClientCACert == "" {
		return nil, nil
	}
	duration := l.opts.CertificateDuration
	if duration == 0 {
		duration = oneYear
	}
	c, err := signer.NewKubeAPIServerClientCSRSigningController(ctx, client, shared.Certificates().V1().CertificateSigningRequests(),
		l.opts.ClientCACert, l.opts.ClientCAKey, duration)
	if err != nil {
		return nil, fmt.Errorf("creating the certificate signer: %w", err)
	}
	return func(ctx context.Context) { c.Run(ctx, signingWorkers) }, nil
}

func (l *loops) aggregatedRoles(_ context.Context, client kubernetes.Interface, _ metadata.Interface, shared informers.SharedInformerFactory) (func(context.Context), error) {
	c := clusterroleaggregation.NewClusterRoleAggregation(shared.Rbac().V1().ClusterRoles(), client.RbacV1())
	return func(ctx context.Context) { c.Run(ctx, aggregationWorkers) }, nil
}
