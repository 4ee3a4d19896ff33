package propagation_test

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
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
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/util/yaml"
	"k8s.io/apiserver/pkg/storage/storagebackend"
	clientgoscheme "k8s.io/client-go/kubernetes/scheme"
	"k8s.io/client-go/rest"
	"k8s.io/klog/v2"
	apiservertesting "k8s.io/kubernetes/cmd/kube-apiserver/app/testing"
	"k8s.io/utils/ptr"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"atoll.dev/atoll/apis/karmada/wellknown"
)

var scheme = func() *runtime.Scheme {
	s := runtime.NewScheme()
	for _, add := range []func(*runtime.Scheme) error{
		clientgoscheme.AddToScheme, apiextensionsv1.AddToScheme,
		clusterv1alpha1.Install, configv1alpha1.Install, policyv1alpha1.Install, workv1alpha1.Install, workv1alpha2.Install,
	} {
		if err := add(s); err != nil {
			panic(err)
		}
	}
	return s
}()

// servers are API servers over one etcd: a control plane with Karmada's kinds as CRDs, and members.
// They are shared by all tests, each of which has namespaces of its own.
type servers struct {
	plane   *rest.Config
	members []*rest.Config
}

var shared struct {
	once sync.Once
	servers
	err error
}

const memberCount = 3

// TestMain stops what tests start, once for all.
func TestMain(m *testing.M) {
	ctrl.SetLogger(logr.Discard())
	if os.Getenv("VERBOSE") == "" { // the API servers have much to say
		klog.LogToStderr(false)
		klog.SetOutput(io.Discard)
	}
	code := m.Run()
	for _, stop := range slices.Backward(atEnd) {
		stop()
	}
	os.Exit(code)
}

var atEnd []func()

func startServers(t *testing.T) servers {
	t.Helper()
	if testing.Short() {
		t.Skip("needs API servers")
	}
	shared.once.Do(func() { shared.servers, shared.err = makeServers(t) })
	if shared.err != nil {
		t.Fatal(shared.err)
	}
	return shared.servers
}

// whole keeps servers running beyond the test that happens to start them, and quiet: they log for
// as long as they live, and a test cannot be logged to after its end.
type whole struct{ testing.TB }

func (w whole) Helper()                  {}
func (w whole) Log(...any)               {}
func (w whole) Logf(string, ...any)      {}
func (w whole) Error(...any)             {}
func (w whole) Errorf(string, ...any)    {}
func (w whole) Cleanup(f func())         { atEnd = append(atEnd, f) }
func (w whole) Context() context.Context { return context.Background() }

func makeServers(t *testing.T) (servers, error) {
	dir, err := os.MkdirTemp("", "propagation")
	if err != nil {
		return servers{}, err
	}
	atEnd = append(atEnd, func() { os.RemoveAll(dir) })
	etcd, err := startEtcd(dir)
	if err != nil {
		return servers{}, err
	}
	var s servers
	for i := range memberCount + 1 {
		storage := storagebackend.NewDefaultConfig(fmt.Sprintf("/server%d", i), nil)
		storage.Transport.ServerList = []string{etcd}
		flags := []string{"--disable-admission-plugins=ServiceAccount", "--service-cluster-ip-range=10.96.0.0/16"}
		if i == 0 {
			flags[0] += ",StorageObjectInUseProtection"
		}
		started, err := apiservertesting.StartTestServer(whole{t}, apiservertesting.NewDefaultTestServerOptions(), flags, storage)
		if err != nil {
			return servers{}, fmt.Errorf("starting API server %d: %w", i, err)
		}
		atEnd = append(atEnd, started.TearDownFn)
		started.ClientConfig.QPS = -1
		started.ClientConfig.ContentType, started.ClientConfig.AcceptContentTypes = "", ""
		if i == 0 {
			s.plane = started.ClientConfig
		} else {
			s.members = append(s.members, started.ClientConfig)
		}
	}
	return s, preparePlane(s.plane)
}

func startEtcd(dir string) (string, error) {
	cfg := embed.NewConfig()
	cfg.Dir, cfg.LogLevel, cfg.UnsafeNoFsync = filepath.Join(dir, "etcd"), "fatal", true
	listen := []url.URL{{Scheme: "http", Host: "127.0.0.1:0"}}
	cfg.ListenClientUrls, cfg.ListenPeerUrls = listen, listen
	cfg.AdvertiseClientUrls, cfg.AdvertisePeerUrls = listen, listen
	cfg.InitialCluster = cfg.InitialClusterFromName(cfg.Name)
	e, err := embed.StartEtcd(cfg)
	if err != nil {
		return "", fmt.Errorf("starting etcd: %w", err)
	}
	atEnd = append(atEnd, e.Close)
	<-e.Server.ReadyNotify()
	return "http://" + e.Clients[0].Addr().String(), nil
}

// preparePlane installs Karmada's kinds and what an Atoll API server has from the start.
func preparePlane(cfg *rest.Config) error {
	ctx := context.Background()
	c, err := client.New(cfg, client.Options{Scheme: scheme})
	if err != nil {
		return err
	}
	module, err := exec.Command("go", "list", "-m", "-f", "{{.Dir}}", "github.com/karmada-io/karmada").Output()
	if err != nil {
		return fmt.Errorf("finding Karmada's module: %w", err)
	}
	files, err := filepath.Glob(filepath.Join(strings.TrimSpace(string(module)), "charts/karmada/_crds/bases/*/*.yaml"))
	if err != nil || len(files) == 0 {
		return fmt.Errorf("finding Karmada's CRDs: %d files, %w", len(files), err)
	}
	crds := []*apiextensionsv1.CustomResourceDefinition{clusterCRD()}
	for _, file := range files {
		if dir := filepath.Base(filepath.Dir(file)); dir != "config" && dir != "policy" && dir != "work" {
			continue
		}
		raw, err := os.ReadFile(file)
		if err != nil {
			return err
		}
		crd := &apiextensionsv1.CustomResourceDefinition{}
		if err := yaml.NewYAMLOrJSONDecoder(bytes.NewReader(raw), 4096).Decode(crd); err != nil {
			return fmt.Errorf("reading %s: %w", file, err)
		}
		crd.Spec.Conversion = nil // v1alpha1 of bindings is converted by a webhook
		crds = append(crds, crd)
	}
	for _, crd := range crds {
		if err := c.Create(ctx, crd); err != nil {
			return fmt.Errorf("creating CRD %s: %w", crd.Name, err)
		}
	}
	for _, crd := range crds {
		if err := waitEstablished(ctx, c, crd.Name); err != nil {
			return err
		}
	}
	for _, ns := range []string{wellknown.SystemNamespace, wellknown.ClusterNamespace, wellknown.KarmadaSystemNamespace} {
		if err := c.Create(ctx, &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: ns}}); err != nil {
			return err
		}
	}
	return c.Create(ctx, &corev1.ConfigMap{
		ObjectMeta: metav1.ObjectMeta{Namespace: wellknown.SystemNamespace, Name: wellknown.PlaneConfigMap},
		Data:       map[string]string{wellknown.PlaneUIDKey: planeUID, wellknown.PlaneEpochKey: "1", wellknown.PlaneClaimIDKey: "c"},
	})
}

func waitEstablished(ctx context.Context, c client.Client, name string) error {
	for deadline := time.Now().Add(patience); ; time.Sleep(20 * time.Millisecond) {
		var crd apiextensionsv1.CustomResourceDefinition
		if err := c.Get(ctx, types.NamespacedName{Name: name}, &crd); err == nil {
			for _, condition := range crd.Status.Conditions {
				if condition.Type == apiextensionsv1.Established && condition.Status == apiextensionsv1.ConditionTrue {
					return nil
				}
			}
		}
		if time.Now().After(deadline) {
			return fmt.Errorf("CRD %s is not established", name)
		}
	}
}

// clusterCRD stands in for the kind that Karmada serves by an aggregated API server.
func clusterCRD() *apiextensionsv1.CustomResourceDefinition {
	anything := &apiextensionsv1.CustomResourceValidation{OpenAPIV3Schema: &apiextensionsv1.JSONSchemaProps{
		Type: "object", XPreserveUnknownFields: ptr.To(true),
	}}
	return &apiextensionsv1.CustomResourceDefinition{
		ObjectMeta: metav1.ObjectMeta{Name: "clusters.cluster.karmada.io", Annotations: map[string]string{"api-approved.kubernetes.io": "unapproved"}},
		Spec: apiextensionsv1.CustomResourceDefinitionSpec{
			Group: "cluster.karmada.io", Scope: apiextensionsv1.ClusterScoped,
			Names: apiextensionsv1.CustomResourceDefinitionNames{Plural: "clusters", Kind: "Cluster", ListKind: "ClusterList"},
			Versions: []apiextensionsv1.CustomResourceDefinitionVersion{{
				Name: "v1alpha1", Served: true, Storage: true, Schema: anything,
				Subresources: &apiextensionsv1.CustomResourceSubresources{Status: &apiextensionsv1.CustomResourceSubresourceStatus{}},
			}},
		},
	}
}
