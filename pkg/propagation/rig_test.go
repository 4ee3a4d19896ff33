package propagation_test

import (
	"context"
	"fmt"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	clusterv1alpha1 "github.com/karmada-io/karmada/pkg/apis/cluster/v1alpha1"
	policyv1alpha1 "github.com/karmada-io/karmada/pkg/apis/policy/v1alpha1"
	workv1alpha2 "github.com/karmada-io/karmada/pkg/apis/work/v1alpha2"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/rest"
	"k8s.io/klog/v2"
	"k8s.io/utils/ptr"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/config"
	"sigs.k8s.io/controller-runtime/pkg/metrics/server"

	"atoll.dev/atoll/apis/karmada/wellknown"
	"atoll.dev/atoll/pkg/membership/connection"
	"atoll.dev/atoll/pkg/propagation"
	"atoll.dev/atoll/pkg/propagation/dispatch"
	"atoll.dev/atoll/pkg/propagation/twin"
)

const (
	planeUID = "11111111-2222-3333-4444-555555555555"
	patience = 30 * time.Second
)

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
	// divided has replicas divided evenly; otherwise every cluster gets all.
	divided atomic.Bool
	// placer, if not nil, says where a binding goes instead; nil of it leaves the binding as it is.
	placer atomic.Pointer[func(twin.Binding) []workv1alpha2.TargetCluster]
}

// member is a joined API server, reached through a proxy that counts and can be held up.
type member struct {
	name string
	client.Client
	writes *counter
	held   atomic.Pointer[chan struct{}]
}

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
	if placer := r.placer.Load(); placer != nil {
		return (*placer)(b)
	}
	all := slices.Clone(*r.only.Load())
	for i := range all {
		all[i].Replicas = b.Spec.Replicas
		if r.divided.Load() {
			all[i].Replicas /= int32(len(all))
		}
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
	if err := propagation.Setup(ctx, mgr, pool, propagation.Options{Deletions: dispatch.DeletionLimit{Floor: 20}}); err != nil {
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
