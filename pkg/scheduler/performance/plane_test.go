//go:build bench

package performance

import (
	"context"
	"net"
	"os"
	"path/filepath"
	"runtime/debug"
	"testing"
	"time"

	"github.com/go-logr/logr"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/util/wait"
	clientgoscheme "k8s.io/client-go/kubernetes/scheme"
	"k8s.io/client-go/rest"
	"k8s.io/klog/v2"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"

	clusterv1alpha1 "github.com/karmada-io/karmada/pkg/apis/cluster/v1alpha1"
	workv1alpha2 "github.com/karmada-io/karmada/pkg/apis/work/v1alpha2"

	"atoll.dev/atoll/pkg/apiserver"
	"atoll.dev/atoll/pkg/apiserver/certificates"
	"atoll.dev/atoll/pkg/apiserver/etcdmember"
)

// administrator is the user under whom the benchmark writes: the controllers', who may write everything.
const administrator = apiserver.ControllersUser

// plane is Atoll's API server with its etcd in this process, as "atolld server" runs them.
type plane struct {
	server *apiserver.Server
	scheme *runtime.Scheme
	client client.Client
}

// gcPercent is atolld's own pace of collecting garbage.
const gcPercent = 50

func TestMain(m *testing.M) {
	debug.SetGCPercent(gcPercent)
	ctrl.SetLogger(logr.Discard())
	klog.SetLogger(logr.Discard())
	os.Exit(m.Run())
}

// startPlane starts the only plane that a process can have.
func startPlane(b *testing.B) *plane {
	b.Helper()
	dir, err := os.MkdirTemp("", "performance") // a socket's path must be short
	must(b, err)
	b.Cleanup(func() { os.RemoveAll(dir) })
	ctx, cancel := context.WithCancel(context.Background())
	etcd, err := etcdmember.Start(ctx, etcdmember.Config{Dir: filepath.Join(dir, "etcd")})
	must(b, err)
	b.Cleanup(func() { _ = etcd.Stop() })
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	must(b, err)
	keys := filepath.Join(dir, "pki")
	must(b, os.Mkdir(keys, 0o700))
	pki, err := certificates.Open(ctx, certificates.Options{
		Directory: keys, AdminKubeconfig: filepath.Join(dir, "admin.kubeconfig"),
		BindAddress: "127.0.0.1", SecurePort: listener.Addr().(*net.TCPAddr).Port,
	})
	must(b, err)
	server, err := apiserver.New(ctx, apiserver.Options{
		Listener: listener, AdvertiseAddress: net.IPv4(127, 0, 0, 1),
		Etcd: apiserver.EtcdOptions{Servers: etcd.Endpoints()},
		Keys: apiserver.KeyFiles{
			ServingCert: pki.Serving(), ServingKey: pki.Serving(), ClientCA: pki.CA(),
			FrontProxyCA: pki.FrontProxyCA(), FrontProxyCert: pki.FrontProxyClient(), FrontProxyKey: pki.FrontProxyClient(),
			ServiceAccountPublic: []string{pki.ServiceAccountPublicKeys()}, ServiceAccountSigning: pki.ServiceAccountKey(),
		},
	})
	must(b, err)
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		_ = server.Run(ctx)
	}()
	b.Cleanup(func() { cancel(); <-ended })
	must(b, wait.PollUntilContextTimeout(ctx, 20*time.Millisecond, time.Minute, true, func(ctx context.Context) (bool, error) {
		return server.Ready(ctx) == nil, nil
	}))
	p := &plane{server: server, scheme: runtime.NewScheme()}
	for _, add := range []func(*runtime.Scheme) error{clientgoscheme.AddToScheme, clusterv1alpha1.AddToScheme, workv1alpha2.AddToScheme} {
		must(b, add(p.scheme))
	}
	p.client, err = client.New(p.config(administrator), client.Options{Scheme: p.scheme})
	must(b, err)
	return p
}

func (p *plane) config(user string) *rest.Config { return p.server.InProcess(user) }

func must(b *testing.B, err error) {
	b.Helper()
	if err != nil {
		b.Fatal(err)
	}
}
