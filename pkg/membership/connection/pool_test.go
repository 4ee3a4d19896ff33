package connection

import (
	"errors"
	"net"
	"strings"
	"testing"
	"time"

	clusterinstall "github.com/karmada-io/karmada/pkg/apis/cluster/install"
	clusterv1alpha1 "github.com/karmada-io/karmada/pkg/apis/cluster/v1alpha1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	clientgoscheme "k8s.io/client-go/kubernetes/scheme"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/client/fake"

	"atoll.dev/atoll/apis/karmada/wellknown"
	"atoll.dev/atoll/pkg/membership/identity"
)

const token = "the-very-secret-token"

func newClient(t *testing.T, objs ...client.Object) client.Client {
	t.Helper()
	s := runtime.NewScheme()
	if err := clientgoscheme.AddToScheme(s); err != nil {
		t.Fatal(err)
	}
	clusterinstall.Install(s)
	return fake.NewClientBuilder().WithScheme(s).WithObjects(objs...).Build()
}

func cluster(name string, change ...func(*clusterv1alpha1.Cluster)) *clusterv1alpha1.Cluster {
	c := &clusterv1alpha1.Cluster{ObjectMeta: metav1.ObjectMeta{Name: name, Generation: 1, Finalizers: []string{wellknown.ClusterControllerFinalizer}}}
	c.Spec = clusterv1alpha1.ClusterSpec{SyncMode: clusterv1alpha1.Push, APIEndpoint: "https://127.0.0.1:1", InsecureSkipTLSVerification: true,
		SecretRef: &clusterv1alpha1.LocalSecretReference{Namespace: wellknown.ClusterNamespace, Name: name}}
	for _, f := range change {
		f(c)
	}
	return c
}

func secret(name string) *corev1.Secret {
	return &corev1.Secret{ObjectMeta: metav1.ObjectMeta{Namespace: wellknown.ClusterNamespace, Name: name},
		Data: map[string][]byte{clusterv1alpha1.SecretTokenKey: []byte(token)}}
}

func closed(c *Connection) bool {
	select {
	case <-c.Done:
		return true
	default:
		return false
	}
}

func TestForSaysWhyThereIsNone(t *testing.T) {
	deleted := metav1.Now()
	for name, c := range map[string]struct {
		objs   []client.Object
		reason UnavailableReason
		text   string
	}{
		"not joined":     {nil, NotJoined, "no cluster of that name is joined"},
		"pull mode":      {[]client.Object{cluster("m", func(c *clusterv1alpha1.Cluster) { c.Spec.SyncMode = clusterv1alpha1.Pull }), secret("m")}, PullMode, "pull mode"},
		"secret missing": {[]client.Object{cluster("m")}, CredentialMissing, "Secret karmada-cluster/m is missing; join the cluster again"},
		"no reference":   {[]client.Object{cluster("m", func(c *clusterv1alpha1.Cluster) { c.Spec.SecretRef = nil })}, CredentialMissing, "spec.secretRef"},
		"no token": {[]client.Object{cluster("m"), &corev1.Secret{ObjectMeta: metav1.ObjectMeta{Namespace: wellknown.ClusterNamespace, Name: "m"}}},
			CredentialMissing, `has no value for "token"`},
		"no authority": {[]client.Object{cluster("m", func(c *clusterv1alpha1.Cluster) { c.Spec.InsecureSkipTLSVerification = false }), secret("m")},
			CredentialMissing, `has no value for "caBundle"`},
		"no endpoint": {[]client.Object{cluster("m", func(c *clusterv1alpha1.Cluster) { c.Spec.APIEndpoint = "" }), secret("m")}, Invalid, "spec.apiEndpoint"},
		"bad proxy": {[]client.Object{cluster("m", func(c *clusterv1alpha1.Cluster) { c.Spec.ProxyURL = "http://user:" + token + "@%zz" }), secret("m")},
			Invalid, "spec.proxyURL of Cluster m is not a URL"},
		"removed": {[]client.Object{cluster("m", func(c *clusterv1alpha1.Cluster) {
			c.DeletionTimestamp, c.Finalizers = &deleted, []string{"somebody.else/finalizer"}
		}), secret("m")}, Removed, "being removed"},
	} {
		_, err := NewPool(newClient(t, c.objs...), PoolOptions{}).For(t.Context(), "m")
		un := new(Unavailable)
		if !errors.As(err, &un) || un.Reason != c.reason || un.Cluster != "m" || !strings.Contains(err.Error(), c.text) {
			t.Errorf("%s: got %v, want reason %s and %q", name, err, c.reason, c.text)
		}
		if strings.Contains(err.Error(), token) {
			t.Errorf("%s: the error tells a secret: %v", name, err)
		}
	}
}

// Works must be removed from a member whose Cluster is being deleted.
func TestAMemberThatLeavesKeepsItsConnection(t *testing.T) {
	deleted := metav1.Now()
	c := newClient(t, cluster("m", func(c *clusterv1alpha1.Cluster) { c.DeletionTimestamp = &deleted }), secret("m"))
	if _, err := NewPool(c, PoolOptions{}).For(t.Context(), "m"); err != nil {
		t.Error(err)
	}
}

func TestRotation(t *testing.T) {
	update := func(t *testing.T, c client.Client, obj client.Object, change func()) {
		t.Helper()
		if err := c.Get(t.Context(), client.ObjectKeyFromObject(obj), obj); err != nil {
			t.Fatal(err)
		}
		change()
		obj.SetGeneration(obj.GetGeneration() + 1) // the fake client keeps no count
		if err := c.Update(t.Context(), obj); err != nil {
			t.Fatal(err)
		}
	}
	for name, x := range map[string]struct {
		change func(t *testing.T, c client.Client)
		rotate bool
	}{
		"nothing": {func(*testing.T, client.Client) {}, false},
		"a taint": {func(t *testing.T, c client.Client) {
			cl := cluster("m")
			update(t, c, cl, func() { cl.Spec.Taints = []corev1.Taint{{Key: "k", Effect: "NoSchedule"}} })
		}, false},
		"the Secret's labels": {func(t *testing.T, c client.Client) {
			s := secret("m")
			update(t, c, s, func() { s.Labels = map[string]string{"a": "b"} })
		}, false},
		"the token": {func(t *testing.T, c client.Client) {
			s := secret("m")
			update(t, c, s, func() { s.Data[clusterv1alpha1.SecretTokenKey] = []byte("another") })
		}, true},
		"the endpoint": {func(t *testing.T, c client.Client) {
			cl := cluster("m")
			update(t, c, cl, func() { cl.Spec.APIEndpoint = "https://127.0.0.1:2" })
		}, true},
		"the proxy": {func(t *testing.T, c client.Client) {
			cl := cluster("m")
			update(t, c, cl, func() { cl.Spec.ProxyURL = "http://127.0.0.1:3" })
		}, true},
		"a claimer": {func(t *testing.T, c client.Client) {
			if err := c.Create(t.Context(), secret(identity.ClaimerSecret("m"))); err != nil {
				t.Fatal(err)
			}
		}, true},
	} {
		t.Run(name, func(t *testing.T) {
			c := newClient(t, cluster("m"), secret("m"))
			p := NewPool(c, PoolOptions{})
			before, err := p.For(t.Context(), "m")
			if err != nil {
				t.Fatal(err)
			}
			x.change(t, c)
			p.Refresh(t.Context(), "m")
			if closed(before) != x.rotate {
				t.Errorf("Done closed: %v, want %v", closed(before), x.rotate)
			}
			after, err := p.For(t.Context(), "m")
			if err != nil || (after == before) == x.rotate || closed(after) {
				t.Errorf("For gave the same connection: %v (%v), want %v", after == before, err, !x.rotate)
			}
		})
	}
}

func TestLeavingClosesTheConnection(t *testing.T) {
	c := newClient(t, cluster("m", func(c *clusterv1alpha1.Cluster) { c.Finalizers = nil }), secret("m"))
	p := NewPool(c, PoolOptions{})
	conn, err := p.For(t.Context(), "m")
	if err != nil {
		t.Fatal(err)
	}
	if err := c.Delete(t.Context(), cluster("m")); err != nil {
		t.Fatal(err)
	}
	p.Refresh(t.Context(), "m")
	if !closed(conn) {
		t.Error("Done is open after the member left")
	}
	if left := p.open(); len(left) > 0 {
		t.Errorf("the pool still holds %v", left)
	}
}

// A member whose API server accepts connections and says nothing must not keep anybody from another member.
func TestAHungMemberBlocksNobodyElse(t *testing.T) {
	hung, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer hung.Close()
	c := newClient(t, secret("hung"), secret("m"), cluster("m"),
		cluster("hung", func(c *clusterv1alpha1.Cluster) { c.Spec.APIEndpoint = "https://" + hung.Addr().String() }))
	p := NewPool(c, PoolOptions{})
	conn, err := p.For(t.Context(), "hung")
	if err != nil {
		t.Fatal(err)
	}
	answered := make(chan error, 1)
	go func() {
		_, err := conn.Kube.CoreV1().Namespaces().Get(t.Context(), "default", metav1.GetOptions{})
		answered <- err
	}()
	for _, name := range []string{"m", "hung"} {
		began := time.Now()
		if _, err := p.For(t.Context(), name); err != nil {
			t.Error(err)
		}
		if took := time.Since(began); took > time.Second {
			t.Errorf("For(%s) took %s while a member hangs", name, took)
		}
	}
	select {
	case err := <-answered: // the handshake's bound
		if err == nil || strings.Contains(err.Error(), token) {
			t.Errorf("the hung member answered %v", err)
		}
	case <-time.After(DialTimeout + 5*time.Second):
		t.Error("a request to a hung member does not end")
	}
}

func TestWithoutAClaimerEverythingIsGranted(t *testing.T) {
	conn, err := NewPool(newClient(t, cluster("m"), secret("m")), PoolOptions{}).For(t.Context(), "m")
	if err != nil {
		t.Fatal(err)
	}
	if err := conn.Grant(t.Context(), corev1.SchemeGroupVersion.WithResource("secrets")); err != nil {
		t.Errorf("Grant in a member that karmadactl joined: %v", err)
	}
}
