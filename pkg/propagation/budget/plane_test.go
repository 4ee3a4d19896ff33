package budget

import (
	"context"
	"fmt"
	"net"
	"net/url"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/go-logr/logr"
	clusterv1alpha1 "github.com/karmada-io/karmada/pkg/apis/cluster/v1alpha1"
	configv1alpha1 "github.com/karmada-io/karmada/pkg/apis/config/v1alpha1"
	policyv1alpha1 "github.com/karmada-io/karmada/pkg/apis/policy/v1alpha1"
	workv1alpha1 "github.com/karmada-io/karmada/pkg/apis/work/v1alpha1"
	workv1alpha2 "github.com/karmada-io/karmada/pkg/apis/work/v1alpha2"
	"go.etcd.io/etcd/server/v3/embed"
	corev1 "k8s.io/api/core/v1"
	apiextensionsv1 "k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apiserver/pkg/storage/storagebackend"
	clientgoscheme "k8s.io/client-go/kubernetes/scheme"
	"k8s.io/client-go/rest"
	"k8s.io/klog/v2"
	apiservertesting "k8s.io/kubernetes/cmd/kube-apiserver/app/testing"
	"k8s.io/utils/ptr"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/config"
	"sigs.k8s.io/controller-runtime/pkg/manager"
	metricsserver "sigs.k8s.io/controller-runtime/pkg/metrics/server"

	"atoll.dev/atoll/apis/karmada/wellknown"
	"atoll.dev/atoll/pkg/apiserver"
	"atoll.dev/atoll/pkg/apiserver/certificates"
	"atoll.dev/atoll/pkg/apiserver/etcdmember"
	"atoll.dev/atoll/pkg/membership/connection"
	"atoll.dev/atoll/pkg/propagation"
	"atoll.dev/atoll/pkg/scheduler"
)

const (
	memberCount = 3
	patience    = 60 * time.Second
)

func TestMain(m *testing.M) {
	ctrl.SetLogger(logr.Discard())
	if os.Getenv("VERBOSE") == "" { // the API servers have much to say
		klog.SetLogger(logr.Discard())
	}
	os.Exit(m.Run())
}

// plane is all of a control plane in this process, and its members.
type plane struct {
	t       *testing.T
	server  *apiserver.Server
	scheme  *runtime.Scheme
	client  client.Client
	ledger  *ledger
	members []client.Client
	stop    func() // ends the roles
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// startPlane starts the only plane that a process can have.
func startPlane(t *testing.T) *plane {
	p := &plane{t: t, scheme: runtime.NewScheme()}
	for _, add := range []func(*runtime.Scheme) error{
		clientgoscheme.AddToScheme, apiextensionsv1.AddToScheme,
		clusterv1alpha1.Install, configv1alpha1.Install, policyv1alpha1.Install, workv1alpha1.Install, workv1alpha2.Install,
	} {
		must(t, add(p.scheme))
	}
	dir, err := os.MkdirTemp("", "budget") // a socket's path must be short
	must(t, err)
	t.Cleanup(func() { os.RemoveAll(dir) })
	ctx, cancel := context.WithCancel(context.Background())
	etcd, err := etcdmember.Start(ctx, etcdmember.Config{Dir: filepath.Join(dir, "etcd")})
	must(t, err)
	t.Cleanup(func() { _ = etcd.Stop() })
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	must(t, err)
	keys := filepath.Join(dir, "pki")
	must(t, os.Mkdir(keys, 0o700))
	pki, err := certificates.Open(ctx, certificates.Options{
		Directory: keys, AdminKubeconfig: filepath.Join(dir, "admin.kubeconfig"),
		BindAddress: "127.0.0.1", SecurePort: listener.Addr().(*net.TCPAddr).Port,
	})
	must(t, err)
	p.server, err = apiserver.New(ctx, apiserver.Options{
		Listener: listener, AdvertiseAddress: net.IPv4(127, 0, 0, 1),
		Etcd: apiserver.EtcdOptions{Servers: etcd.Endpoints()},
		Keys: apiserver.KeyFiles{
			ServingCert: pki.Serving(), ServingKey: pki.Serving(), ClientCA: pki.CA(),
			FrontProxyCA: pki.FrontProxyCA(), FrontProxyCert: pki.FrontProxyClient(), FrontProxyKey: pki.FrontProxyClient(),
			ServiceAccountPublic: []string{pki.ServiceAccountPublicKeys()}, ServiceAccountSigning: pki.ServiceAccountKey(),
		},
	})
	must(t, err)
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		_ = p.server.Run(ctx)
	}()
	t.Cleanup(func() { cancel(); <-ended })
	p.eventually("the API server is ready", func(ctx context.Context) error { return p.server.Ready(ctx) })
	p.client, err = client.New(p.server.InProcess(apiserver.ControllersUser), client.Options{Scheme: p.scheme})
	must(t, err)
	p.ledger = openLedger(t, etcd.Endpoints())
	p.eventually("what every control plane has from the start", func(ctx context.Context) error {
		return p.client.Get(ctx, client.ObjectKey{Namespace: wellknown.SystemNamespace, Name: wellknown.PlaneConfigMap}, &corev1.ConfigMap{})
	})
	p.startMembers(dir)
	p.startRoles()
	return p
}

// startMembers starts and joins API servers over an etcd of their own.
func (p *plane) startMembers(dir string) {
	t := p.t
	cfg := embed.NewConfig()
	cfg.Dir, cfg.LogLevel, cfg.UnsafeNoFsync = filepath.Join(dir, "members"), "fatal", true
	listen := []url.URL{{Scheme: "http", Host: "127.0.0.1:0"}}
	cfg.ListenClientUrls, cfg.ListenPeerUrls, cfg.AdvertiseClientUrls, cfg.AdvertisePeerUrls = listen, listen, listen, listen
	cfg.InitialCluster = cfg.InitialClusterFromName(cfg.Name)
	etcd, err := embed.StartEtcd(cfg)
	must(t, err)
	t.Cleanup(etcd.Close)
	<-etcd.Server.ReadyNotify()
	for i := range memberCount {
		storage := storagebackend.NewDefaultConfig(fmt.Sprintf("/member%d", i), nil)
		storage.Transport.ServerList = []string{"http://" + etcd.Clients[0].Addr().String()}
		started, err := apiservertesting.StartTestServer(quiet{t}, apiservertesting.NewDefaultTestServerOptions(),
			[]string{"--disable-admission-plugins=ServiceAccount", "--service-cluster-ip-range=10.96.0.0/16"}, storage)
		must(t, err)
		t.Cleanup(started.TearDownFn)
		direct := rest.CopyConfig(started.ClientConfig)
		direct.QPS, direct.ContentType, direct.AcceptContentTypes = -1, "", ""
		c, err := client.New(direct, client.Options{Scheme: p.scheme})
		must(t, err)
		p.members = append(p.members, c)
		p.join(memberName(i), direct)
	}
}

// quiet keeps servers' logs out of the test's.
type quiet struct{ testing.TB }

func (quiet) Helper()             {}
func (quiet) Log(...any)          {}
func (quiet) Logf(string, ...any) {}

func memberName(i int) string { return fmt.Sprintf("member%d", i+1) }

// join makes the Cluster as membership would.
func (p *plane) join(name string, cfg *rest.Config) {
	p.create(&corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: wellknown.ExecutionNamespace(name)}})
	p.create(&corev1.Secret{
		ObjectMeta: metav1.ObjectMeta{Namespace: wellknown.ClusterNamespace, Name: name},
		Data:       map[string][]byte{clusterv1alpha1.SecretTokenKey: []byte(cfg.BearerToken)},
	})
	cluster := &clusterv1alpha1.Cluster{
		ObjectMeta: metav1.ObjectMeta{Name: name},
		Spec: clusterv1alpha1.ClusterSpec{
			ID: name, SyncMode: clusterv1alpha1.Push, APIEndpoint: cfg.Host, InsecureSkipTLSVerification: true,
			SecretRef: &clusterv1alpha1.LocalSecretReference{Namespace: wellknown.ClusterNamespace, Name: name},
		},
	}
	p.create(cluster)
	cluster.Status.APIEnablements = []clusterv1alpha1.APIEnablement{
		{GroupVersion: "v1", Resources: []clusterv1alpha1.APIResource{{Name: "namespaces", Kind: "Namespace"}, {Name: "configmaps", Kind: "ConfigMap"}}},
		{GroupVersion: "apps/v1", Resources: []clusterv1alpha1.APIResource{{Name: "deployments", Kind: "Deployment"}}},
	}
	cluster.Status.Conditions = []metav1.Condition{{Type: clusterv1alpha1.ClusterConditionReady, Status: metav1.ConditionTrue,
		Reason: "ClusterReady", LastTransitionTime: metav1.Now()}}
	must(p.t, p.client.Status().Update(p.t.Context(), cluster))
}

// startRoles runs the scheduler and the propagation as "atolld server" does, until p.stop.
func (p *plane) startRoles() {
	ctx, cancel := context.WithCancel(klog.NewContext(context.Background(), klog.Background()))
	var pool *connection.Pool
	ended := make(chan error, 2)
	for user, setup := range map[string]func(manager.Manager) error{
		apiserver.SchedulerUser: func(mgr manager.Manager) error { return scheduler.Setup(ctx, mgr, scheduler.Options{}) },
		apiserver.ControllersUser: func(mgr manager.Manager) (err error) {
			if pool, err = connection.NewManagedPool(ctx, mgr, connection.PoolOptions{}); err != nil {
				return err
			}
			return propagation.Setup(ctx, mgr, pool, propagation.Options{SettleWindow: propagation.DefaultSettleWindow})
		},
	} {
		mgr, err := ctrl.NewManager(p.server.InProcess(user), ctrl.Options{
			Scheme: p.scheme, Metrics: metricsserver.Options{BindAddress: "0"},
			Controller: config.Controller{SkipNameValidation: ptr.To(true)},
		})
		must(p.t, err)
		must(p.t, setup(mgr))
		go func() { ended <- mgr.Start(ctx) }()
	}
	stopped := false
	p.stop = func() {
		if stopped {
			return
		}
		stopped = true
		cancel()
		for range 2 {
			if err := <-ended; err != nil {
				p.t.Errorf("a role ended: %v", err)
			}
		}
		pool.Close()
	}
	p.t.Cleanup(func() { p.stop() })
}

func (p *plane) create(obj client.Object) {
	p.t.Helper()
	if err := p.client.Create(p.t.Context(), obj); client.IgnoreAlreadyExists(err) != nil {
		p.t.Fatalf("creating %T %s: %v", obj, client.ObjectKeyFromObject(obj), err)
	}
}

// eventually waits until check finds nothing wrong.
func (p *plane) eventually(what string, check func(context.Context) error) {
	p.t.Helper()
	for deadline := time.Now().Add(patience); ; time.Sleep(5 * time.Millisecond) {
		err := check(p.t.Context())
		if err == nil {
			return
		}
		if time.Now().After(deadline) {
			p.t.Fatalf("%s: still not after %s: %v", what, patience, err)
		}
	}
}
