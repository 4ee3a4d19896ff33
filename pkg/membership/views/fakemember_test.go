package views

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	clusterv1alpha1 "github.com/karmada-io/karmada/pkg/apis/cluster/v1alpha1"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/util/wait"
	clientgoscheme "k8s.io/client-go/kubernetes/scheme"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/client/fake"

	"atoll.dev/atoll/pkg/membership/connection"
)

const patience = 20 * time.Second

// fakeMember serves lists and watches of what is watched in members; there are nodes and nothing else.
type fakeMember struct {
	*httptest.Server

	mu        sync.Mutex
	forbidden map[string]bool
	lists     map[string]int // by resource
	watches   map[string]int // by resource, those that are open
	nodes     []corev1.Node
	// added are nodes of which watches on nodes tell.
	added chan corev1.Node
}

func newFakeMember(t *testing.T) *fakeMember {
	t.Helper()
	m := &fakeMember{forbidden: map[string]bool{}, lists: map[string]int{}, watches: map[string]int{}, added: make(chan corev1.Node)}
	m.Server = httptest.NewTLSServer(m)
	t.Cleanup(func() {
		m.CloseClientConnections()
		m.Close()
	})
	return m
}

func (m *fakeMember) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	resource := strings.TrimPrefix(r.URL.Path, "/api/v1/")
	q := r.URL.Query()
	answer := func(code int, body any) {
		w.Header().Set("Content-Type", "application/json")
		w.WriteHeader(code)
		_ = json.NewEncoder(w).Encode(body)
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	switch {
	case m.forbidden[resource]:
		m.lists[resource]++
		answer(http.StatusForbidden, apierrors.NewForbidden(schema.GroupResource{Resource: resource}, "", nil).Status())
	case q.Get("sendInitialEvents") != "":
		answer(http.StatusUnprocessableEntity, apierrors.NewInvalid(schema.GroupKind{}, "", nil).Status())
	case q.Get("watch") != "":
		m.watches[resource]++
		m.mu.Unlock()
		w.Header().Set("Content-Type", "application/json")
		w.(http.Flusher).Flush()
		m.tell(w, r, resource)
		m.mu.Lock()
		m.watches[resource]--
	default:
		m.lists[resource]++
		items := []any{}
		if resource == "nodes" {
			for _, n := range m.nodes {
				items = append(items, n)
			}
		}
		answer(http.StatusOK, map[string]any{"apiVersion": "v1", "kind": kinds[resource] + "List",
			"metadata": map[string]any{"resourceVersion": "1"}, "items": items})
	}
}

func (m *fakeMember) tell(w http.ResponseWriter, r *http.Request, resource string) {
	added := m.added
	if resource != "nodes" {
		added = nil
	}
	for {
		select {
		case n := <-added:
			n.TypeMeta = metav1.TypeMeta{APIVersion: "v1", Kind: "Node"}
			_ = json.NewEncoder(w).Encode(map[string]any{"type": "ADDED", "object": n})
			w.(http.Flusher).Flush()
		case <-r.Context().Done():
			return
		}
	}
}

var kinds = map[string]string{"nodes": "Node", "pods": "Pod", "resourcequotas": "ResourceQuota", "persistentvolumes": "PersistentVolume"}

// set changes what the member serves.
func (m *fakeMember) set(change func()) {
	m.mu.Lock()
	defer m.mu.Unlock()
	change()
}

// watched returns an error unless each kind is watched this many times.
func (m *fakeMember) watched(times int) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	for resource := range kinds {
		if m.watches[resource] != times {
			return fmt.Errorf("%s are watched %d times, want %d", resource, m.watches[resource], times)
		}
	}
	return nil
}

// plane is a control plane of which one Cluster, m, is the fake member.
type plane struct {
	client client.Client
	pool   *connection.Pool
}

func newPlane(t *testing.T, m *fakeMember) *plane {
	t.Helper()
	scheme := runtime.NewScheme()
	for _, add := range []func(*runtime.Scheme) error{clientgoscheme.AddToScheme, clusterv1alpha1.AddToScheme} {
		if err := add(scheme); err != nil {
			t.Fatal(err)
		}
	}
	cluster := &clusterv1alpha1.Cluster{ObjectMeta: metav1.ObjectMeta{Name: "m", UID: "1"}, Spec: clusterv1alpha1.ClusterSpec{
		SyncMode: clusterv1alpha1.Push, APIEndpoint: m.URL, InsecureSkipTLSVerification: true,
		SecretRef: &clusterv1alpha1.LocalSecretReference{Namespace: "karmada-cluster", Name: "m"}}}
	secret := &corev1.Secret{ObjectMeta: metav1.ObjectMeta{Namespace: "karmada-cluster", Name: "m"}, Data: map[string][]byte{"token": []byte("first")}}
	p := &plane{client: fake.NewClientBuilder().WithScheme(scheme).WithObjects(cluster, secret).Build()}
	p.pool = connection.NewPool(p.client, connection.PoolOptions{})
	t.Cleanup(p.pool.Close)
	return p
}

// renew gives the member another credential, which makes another connection.
func (p *plane) renew(t *testing.T) {
	t.Helper()
	secret := &corev1.Secret{}
	must(t, p.client.Get(t.Context(), client.ObjectKey{Namespace: "karmada-cluster", Name: "m"}, secret))
	secret.Data["token"] = []byte("second")
	must(t, p.client.Update(t.Context(), secret))
	p.pool.Refresh(t.Context(), "m")
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// eventually waits until check returns nil.
func eventually(t *testing.T, check func() error) {
	t.Helper()
	var last error
	if wait.PollUntilContextTimeout(t.Context(), 5*time.Millisecond, patience, true, func(context.Context) (bool, error) {
		last = check()
		return last == nil, nil
	}) != nil {
		t.Fatalf("not within %s: %v", patience, last)
	}
}
