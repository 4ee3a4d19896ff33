package propagation_test

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/go-logr/logr"
	clusterv1alpha1 "github.com/karmada-io/karmada/pkg/apis/cluster/v1alpha1"
	policyv1alpha1 "github.com/karmada-io/karmada/pkg/apis/policy/v1alpha1"
	workv1alpha1 "github.com/karmada-io/karmada/pkg/apis/work/v1alpha1"
	workv1alpha2 "github.com/karmada-io/karmada/pkg/apis/work/v1alpha2"
	"go.etcd.io/etcd/server/v3/embed"
	corev1 "k8s.io/api/core/v1"
	apiextensionsv1 "k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
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
	"sigs.k8s.io/controller-runtime/pkg/config"
	"sigs.k8s.io/controller-runtime/pkg/metrics/server"

	"atoll.dev/atoll/apis/karmada/wellknown"
	"atoll.dev/atoll/pkg/membership/connection"
	"atoll.dev/atoll/pkg/propagation"
	"atoll.dev/atoll/pkg/propagation/twin"
)

const (
	planeUID = "11111111-2222-3333-4444-555555555555"
	patience = 30 * time.Second
)

var scheme = func() *runtime.Scheme {
	s := runtime.NewScheme()
	for _, add := range []func(*runtime.Scheme) error{
		clientgoscheme.AddToScheme, apiextensionsv1.AddToScheme,
		clusterv1alpha1.Install, policyv1alpha1.Install, workv1alpha1.Install, workv1alpha2.Install,
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
		if dir := filepath.Base(filepath.Dir(file)); dir != "policy" && dir != "work" {
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

// rig is one test's view: names of its own for clusters and namespace, and a propagation.
type rig struct {
	t     *testing.T
	plane client.Client
	// Namespace is the test's, in the control plane and, once propagated, in members.
	namespace string
	members   []*member
	writes    *counter
	stop      func()
	// only, if not nil, are the members that bindings go to; otherwise all that were there at the start.
	only atomic.Pointer[[]workv1alpha2.TargetCluster]
}

// member is a joined API server, reached through a proxy that counts and can be held up.
type member struct {
	name string
	client.Client
	writes *counter
	held   atomic.Pointer[chan struct{}]
}

// counter counts writes to an API server by "VERB resource".
type counter struct {
	mu    sync.Mutex
	count map[string]int
}

func (c *counter) add(r *http.Request) {
	if r.Method == http.MethodGet || r.Method == http.MethodHead {
		return
	}
	parts := strings.Split(strings.Trim(r.URL.Path, "/"), "/")
	if parts[0] == "apis" {
		parts = parts[min(3, len(parts)):]
	} else {
		parts = parts[min(2, len(parts)):]
	}
	if len(parts) > 2 && parts[0] == "namespaces" {
		parts = parts[2:]
	}
	what := parts[0]
	if len(parts) > 2 {
		what += "/" + parts[2]
	}
	if os.Getenv("TRACE") != "" && r.Body != nil {
		raw, _ := io.ReadAll(r.Body)
		r.Body = io.NopCloser(bytes.NewReader(raw))
		if what != "events" && what != "leases" {
			fmt.Fprintf(os.Stderr, "%s %s %s %.1500s\n", time.Now().Format("05.000"), r.Method, r.URL.Path, raw)
		}
	}
	if what == "events" || what == "leases" || strings.HasPrefix(what, "selfsubject") {
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.count[r.Method+" "+what]++
}

func (c *counter) reset() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.count = map[string]int{}
}

func (c *counter) all() (map[string]int, int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	out, sum := map[string]int{}, 0
	for k, n := range c.count {
		out[k] = n
		sum += n
	}
	return out, sum
}

type roundTripper func(*http.Request) (*http.Response, error)

func (f roundTripper) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

var rigs atomic.Int32

// newRig joins clusters and starts a propagation with a stand-in for the scheduler, which gives
// every cluster all replicas unless place says otherwise.
func newRig(t *testing.T, clusters int) *rig {
	s := startServers(t)
	plane, err := client.New(s.plane, client.Options{Scheme: scheme})
	if err != nil {
		t.Fatal(err)
	}
	n := rigs.Add(1)
	r := &rig{t: t, plane: plane, namespace: fmt.Sprintf("test%d", n), writes: &counter{count: map[string]int{}}}
	for i := range clusters {
		r.join(fmt.Sprintf("t%d-member%d", n, i+1), s.members[i])
	}
	r.movePlacement(r.members...)
	r.create(&corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: r.namespace}})
	r.start(s.plane)
	return r
}

// place says where a binding goes.
func (r *rig) place(b twin.Binding) []workv1alpha2.TargetCluster {
	all := slices.Clone(*r.only.Load())
	for i := range all {
		all[i].Replicas = b.Spec.Replicas
	}
	return all
}

// movePlacement has bindings go to these members from their next change on.
func (r *rig) movePlacement(to ...*member) {
	var all []workv1alpha2.TargetCluster
	for _, m := range to {
		all = append(all, workv1alpha2.TargetCluster{Name: m.name})
	}
	r.only.Store(&all)
}

// join makes the Cluster as membership would.
func (r *rig) join(name string, cfg *rest.Config) {
	direct, err := client.New(cfg, client.Options{Scheme: scheme})
	if err != nil {
		r.t.Fatal(err)
	}
	m := &member{name: name, Client: direct, writes: &counter{count: map[string]int{}}}
	target, err := url.Parse(cfg.Host)
	if err != nil {
		r.t.Fatal(err)
	}
	transport, err := rest.TransportFor(cfg)
	if err != nil {
		r.t.Fatal(err)
	}
	proxy := &httputil.ReverseProxy{
		Rewrite:   func(p *httputil.ProxyRequest) { p.SetURL(target) },
		Transport: transport, FlushInterval: -1, ErrorLog: log.New(io.Discard, "", 0),
	}
	listening := newTLSServer(r.t, http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
		if hold := m.held.Load(); hold != nil {
			select {
			case <-*hold:
			case <-req.Context().Done():
				return
			}
		}
		m.writes.add(req)
		proxy.ServeHTTP(w, req)
	}))
	r.members = append(r.members, m)
	r.create(&corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: wellknown.ExecutionNamespace(name)}})
	r.create(&corev1.Secret{
		ObjectMeta: metav1.ObjectMeta{Namespace: wellknown.ClusterNamespace, Name: name},
		Data:       map[string][]byte{clusterv1alpha1.SecretTokenKey: []byte(cfg.BearerToken)},
	})
	r.create(&clusterv1alpha1.Cluster{
		ObjectMeta: metav1.ObjectMeta{Name: name},
		Spec: clusterv1alpha1.ClusterSpec{
			SyncMode: clusterv1alpha1.Push, APIEndpoint: listening, InsecureSkipTLSVerification: true,
			SecretRef: &clusterv1alpha1.LocalSecretReference{Namespace: wellknown.ClusterNamespace, Name: name},
		},
	})
	r.t.Cleanup(func() {
		// Without its Cluster nobody works on it any more; its objects go with the servers.
		ctx := context.Background()
		_ = r.plane.Delete(ctx, &clusterv1alpha1.Cluster{ObjectMeta: metav1.ObjectMeta{Name: name}})
	})
}

func newTLSServer(t *testing.T, h http.Handler) string {
	s := httptest.NewUnstartedServer(h)
	s.EnableHTTP2 = true
	s.Config.ErrorLog = log.New(io.Discard, "", 0)
	s.StartTLS()
	t.Cleanup(func() {
		s.CloseClientConnections()
		s.Close()
	})
	return s.URL
}

// hold makes the member answer nothing until the function that it returns is called.
func (m *member) hold() (release func()) {
	gate := make(chan struct{})
	m.held.Store(&gate)
	return func() {
		m.held.Store(nil)
		close(gate)
	}
}

// start runs a propagation until r.stop.
func (r *rig) start(cfg *rest.Config) {
	cfg = rest.CopyConfig(cfg)
	cfg.Wrap(func(rt http.RoundTripper) http.RoundTripper {
		return roundTripper(func(req *http.Request) (*http.Response, error) {
			r.writes.add(req)
			return rt.RoundTrip(req)
		})
	})
	ctx, cancel := context.WithCancel(klog.NewContext(context.Background(), klog.Background()))
	mgr, err := ctrl.NewManager(cfg, ctrl.Options{
		Scheme: scheme, Metrics: server.Options{BindAddress: "0"},
		Controller: config.Controller{SkipNameValidation: ptr.To(true)},
	})
	if err != nil {
		r.t.Fatal(err)
	}
	pool, err := connection.NewManagedPool(ctx, mgr, connection.PoolOptions{})
	if err != nil {
		r.t.Fatal(err)
	}
	if err := propagation.Setup(ctx, mgr, pool, propagation.Options{}); err != nil {
		r.t.Fatal(err)
	}
	if err := mgr.Add(&standIn{Client: mgr.GetClient(), cache: mgr.GetCache(), rig: r}); err != nil {
		r.t.Fatal(err)
	}
	done := make(chan error, 1)
	go func() { done <- mgr.Start(ctx) }()
	var once sync.Once
	r.stop = func() {
		once.Do(func() {
			cancel()
			if err := <-done; err != nil {
				r.t.Errorf("the manager ended: %v", err)
			}
			pool.Close()
		})
	}
	r.t.Cleanup(func() { r.stop() })
}

func (r *rig) restart() {
	r.stop()
	r.writes.reset()
	for _, m := range r.members {
		m.writes.reset()
	}
	r.start(startServers(r.t).plane)
}

func (r *rig) create(obj client.Object) {
	r.t.Helper()
	if err := r.plane.Create(r.t.Context(), obj); err != nil && !apierrors.IsAlreadyExists(err) {
		r.t.Fatalf("creating %T %s: %v", obj, client.ObjectKeyFromObject(obj), err)
	}
}

// policy makes a PropagationPolicy as the API server would store it.
func (r *rig) policy(name string, change func(*policyv1alpha1.PropagationPolicy), selectors ...policyv1alpha1.ResourceSelector) *policyv1alpha1.PropagationPolicy {
	p := &policyv1alpha1.PropagationPolicy{
		ObjectMeta: metav1.ObjectMeta{
			Namespace: r.namespace, Name: name,
			Labels:     map[string]string{policyv1alpha1.PropagationPolicyPermanentIDLabel: r.namespace + "-" + name},
			Finalizers: []string{wellknown.PropagationPolicyControllerFinalizer},
		},
		Spec: policyv1alpha1.PropagationSpec{ResourceSelectors: selectors},
	}
	if change != nil {
		change(p)
	}
	r.create(p)
	return p
}

func (r *rig) clusterPolicy(name string, selectors ...policyv1alpha1.ResourceSelector) *policyv1alpha1.ClusterPropagationPolicy {
	p := &policyv1alpha1.ClusterPropagationPolicy{
		ObjectMeta: metav1.ObjectMeta{
			Name:       r.namespace + "-" + name,
			Labels:     map[string]string{policyv1alpha1.ClusterPropagationPolicyPermanentIDLabel: r.namespace + "-" + name},
			Finalizers: []string{wellknown.ClusterPropagationPolicyControllerFinalizer},
		},
		Spec: policyv1alpha1.PropagationSpec{ResourceSelectors: selectors},
	}
	r.create(p)
	return p
}

// eventually waits until check finds nothing wrong.
func (r *rig) eventually(what string, check func(context.Context) error) {
	r.t.Helper()
	var err error
	for deadline := time.Now().Add(patience); ; time.Sleep(5 * time.Millisecond) {
		if err = check(r.t.Context()); err == nil {
			return
		}
		if time.Now().After(deadline) {
			r.t.Fatalf("%s: still not after %s: %v", what, patience, err)
		}
	}
}

// quiet waits until nothing has been written for a while, to the control plane or to members.
func (r *rig) quiet() {
	r.t.Helper()
	total := func() int {
		_, sum := r.writes.all()
		for _, m := range r.members {
			_, n := m.writes.all()
			sum += n
		}
		return sum
	}
	last, since := total(), time.Now()
	for deadline := time.Now().Add(patience); time.Since(since) < time.Second; time.Sleep(20 * time.Millisecond) {
		if now := total(); now != last {
			last, since = now, time.Now()
		}
		if time.Now().After(deadline) {
			r.t.Fatal("writes do not end")
		}
	}
}
