package membership_test

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	clusterv1alpha1 "github.com/karmada-io/karmada/pkg/apis/cluster/v1alpha1"
	authenticationv1 "k8s.io/api/authentication/v1"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/rest"

	"atoll.dev/atoll/pkg/membership/identity"
	"atoll.dev/atoll/pkg/membership/join"
	"atoll.dev/atoll/pkg/membership/ownership"
)

// nothingOfOurs fails if a cluster that was not joined holds anything of join's.
func nothingOfOurs(t *testing.T, n int) {
	t.Helper()
	kube, err := clusters.Kube(n)
	must(t, err)
	eventually(t, 30*time.Second, func(ctx context.Context) error {
		if _, err := kube.CoreV1().Namespaces().Get(ctx, "atoll-system", metav1.GetOptions{}); !apierrors.IsNotFound(err) {
			return fmt.Errorf("namespace atoll-system is there (%v)", err)
		}
		roles, err := kube.RbacV1().ClusterRoles().List(ctx, metav1.ListOptions{LabelSelector: identity.ManagedByLabel + "=" + identity.ManagedByAtoll})
		if err != nil {
			return err
		}
		bindings, err := kube.RbacV1().ClusterRoleBindings().List(ctx, metav1.ListOptions{LabelSelector: identity.ManagedByLabel + "=" + identity.ManagedByAtoll})
		if err != nil {
			return err
		}
		if len(roles.Items)+len(bindings.Items) > 0 {
			return fmt.Errorf("%d cluster roles and %d bindings are there", len(roles.Items), len(bindings.Items))
		}
		return nil
	})
}

// notRegistered fails if the control plane knows anything of a cluster.
func (p *plane) notRegistered(t *testing.T, name string) {
	t.Helper()
	secrets, err := p.kube.CoreV1().Secrets("karmada-cluster").List(t.Context(), metav1.ListOptions{})
	must(t, err)
	for _, s := range secrets.Items {
		if s.Name == name || strings.HasPrefix(s.Name, name+"-") {
			t.Errorf("Secret %s is in the control plane", s.Name)
		}
	}
	list := &clusterv1alpha1.ClusterList{}
	must(t, p.client.List(t.Context(), list))
	for _, c := range list.Items {
		if c.Name == name {
			t.Errorf("Cluster %s is in the control plane", name)
		}
	}
}

func TestWhatCannotBeJoined(t *testing.T) {
	p := newPlane(t)
	hung, err := net.Listen("tcp", "127.0.0.1:0")
	must(t, err)
	defer hung.Close()
	plain := httptest.NewServer(http.NotFoundHandler())
	defer plain.Close()
	for name, c := range map[string]struct {
		cluster string
		change  func(*join.Request)
		kind    join.Kind
		want    string
	}{
		"a bad name":  {"Bad_Name", func(*join.Request) {}, join.Usage, `cluster name "Bad_Name" is invalid`},
		"a long name": {strings.Repeat("a", 49), func(*join.Request) {}, join.Usage, "must be no more than 48 characters"},
		"connection refused": {"x", func(r *join.Request) { r.Member.Host = "https://127.0.0.1:1" }, join.Unreachable,
			"member x cannot be reached at https://127.0.0.1:1: connection refused"},
		"no answer": {"x", func(r *join.Request) { r.Member.Host = "https://" + hung.Addr().String() }, join.Unreachable,
			"member x does not answer at https://" + hung.Addr().String()},
		"no such host": {"x", func(r *join.Request) { r.Member.Host = "https://does-not-exist.invalid:6443" }, join.Unreachable,
			"member x cannot be reached at https://does-not-exist.invalid:6443"},
		"not TLS": {"x", func(r *join.Request) { r.Member.Host = "https://" + plain.Listener.Addr().String() }, join.Unreachable, "does not speak TLS"},
		"unknown authority": {"x", func(r *join.Request) {
			r.Member = rest.AnonymousClientConfig(r.Member)
			other, err := clusters.Config(2)
			must(t, err)
			r.Member.CAData = other.CAData
		}, join.Unreachable, "presents a certificate of an unknown authority"},
		"another name in the certificate": {"x", func(r *join.Request) { r.Member.Host = otherAddress(t, r.Member.Host) }, join.Unreachable,
			"presents a certificate for other names"},
		"tls-server-name": {"x", func(r *join.Request) { r.Member.ServerName = "example.com" }, join.Usage, "tls-server-name"},
		"a refused credential": {"x", func(r *join.Request) {
			r.Member = rest.AnonymousClientConfig(r.Member)
			r.Member.BearerToken = "not-a-token"
		}, join.Denied, "refuses the credential; give a kubeconfig whose credential is valid"},
		"a credential without rights": {"x", func(r *join.Request) {
			token := accountToken(t, 1)
			r.Member = rest.AnonymousClientConfig(r.Member)
			r.Member.BearerToken = token
		}, join.Denied, "forbids reading namespace kube-system with this credential"},
		"the control plane": {"x", func(r *join.Request) { r.Member, err = clusters.Config(3) }, join.Taken, "is the control plane itself"},
		"no control plane": {"x", func(r *join.Request) { r.Plane, err = clusters.Config(2) }, join.Usage,
			"is not an Atoll control plane: it has no ConfigMap atoll-system/plane"},
	} {
		t.Run(name, func(t *testing.T) {
			req := p.request(t, c.cluster, 1)
			c.change(&req)
			began := time.Now()
			res, err := join.Join(t.Context(), req)
			if err == nil || join.KindOf(err) != c.kind || !strings.Contains(err.Error(), c.want) {
				t.Errorf("got %v, %v (kind %d); want %q (kind %d)", res, err, join.KindOf(err), c.want, c.kind)
			}
			if err != nil && (strings.Contains(err.Error(), "\n") || strings.Contains(err.Error(), "not-a-token")) {
				t.Errorf("not one clean sentence: %v", err)
			}
			if took := time.Since(began); took > 12*time.Second {
				t.Errorf("it took %s to find out, want about 10s at most", took)
			}
			nothingOfOurs(t, 1)
			p.notRegistered(t, c.cluster)
		})
	}
}

// otherAddress forwards an address that the member's certificate does not cover.
func otherAddress(t *testing.T, host string) string {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.9:0")
	must(t, err)
	l := &link{listener: listener, target: strings.TrimPrefix(host, "https://"), conns: map[net.Conn]bool{}, freed: make(chan struct{})}
	t.Cleanup(func() { listener.Close(); l.set(refuses) })
	go l.accept()
	return "https://" + listener.Addr().String()
}

// accountToken returns the token of a service account without any rights.
func accountToken(t *testing.T, n int) string {
	t.Helper()
	kube, err := clusters.Kube(n)
	must(t, err)
	token, err := kube.CoreV1().ServiceAccounts("default").CreateToken(t.Context(), "default", &authenticationv1.TokenRequest{}, metav1.CreateOptions{})
	must(t, err)
	return token.Status.Token
}

func TestNamesAndClustersAreUnique(t *testing.T) {
	p := sharedPlaneAlone(t)
	p.join(t, p.request(t, "m1", 1))
	for name, c := range map[string]struct {
		cluster string
		n       int
		want    string
	}{
		"another cluster under the name":       {"m1", 2, "the name m1 is taken: it was joined as another cluster"},
		"the same cluster under a second name": {"m2", 1, "is joined already, as m1; use that name, or run first: atoll unjoin m1"},
	} {
		_, err := join.Join(t.Context(), p.request(t, c.cluster, c.n))
		if join.KindOf(err) != join.Taken || !strings.Contains(fmt.Sprint(err), c.want) {
			t.Errorf("%s: got %v, want %q", name, err, c.want)
		}
	}
	nothingOfOurs(t, 2)
	p.notRegistered(t, "m2")
	_, err := join.Join(t.Context(), p.request(t, "m1", 1))
	must(t, err)
}

func TestAMemberOfAnotherPlaneIsRefusedByName(t *testing.T) {
	p := newPlane(t)
	kube, err := clusters.Kube(1)
	must(t, err)
	_, err = kube.CoreV1().Namespaces().Create(t.Context(), &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: "atoll-system", Labels: identity.Labels()}}, metav1.CreateOptions{})
	must(t, err)
	t.Cleanup(func() {
		_ = kube.CoreV1().Namespaces().Delete(context.Background(), "atoll-system", metav1.DeleteOptions{})
	})
	other := ownership.Claim{PlaneUID: "22222222-aaaa-4bbb-8ccc-000000000002", Epoch: 1, ClaimID: "other"}
	_, err = ownership.Acquire(t.Context(), kube.CoreV1(), other)
	must(t, err)
	_, err = join.Join(t.Context(), p.request(t, "m1", 1))
	if join.KindOf(err) != join.Taken || !strings.Contains(err.Error(), string(other.PlaneUID)) {
		t.Errorf("got %v, want a refusal that names %s", err, other.PlaneUID)
	}
	p.notRegistered(t, "m1")
	owner, _, err := ownership.Read(t.Context(), kube.CoreV1())
	if err != nil || owner != other {
		t.Errorf("the owner is %+v now (%v)", owner, err)
	}
	accounts, err := kube.CoreV1().ServiceAccounts("atoll-system").List(t.Context(), metav1.ListOptions{})
	must(t, err)
	for _, a := range accounts.Items {
		if a.Name != "default" {
			t.Errorf("ServiceAccount %s was made in a member that is not ours", a.Name)
		}
	}
}

func TestDryRunWritesNothing(t *testing.T) {
	p := newPlane(t)
	req := p.request(t, "m1", 1)
	req.DryRun = true
	res, err := join.Join(t.Context(), req)
	must(t, err)
	if len(res.Changes) < 20 {
		t.Errorf("a dry run foretells %d changes only: %v", len(res.Changes), res.Changes)
	}
	nothingOfOurs(t, 1)
	p.notRegistered(t, "m1")
}

// saboteur fails requests that write, counted over both sides.
type saboteur struct {
	mu     sync.Mutex
	writes int
	// dieAfter makes everything fail once that many writes took effect: the process was killed. 0 is never.
	dieAfter int
	// failAt makes just that write fail.
	failAt int
}

var errSabotage = errors.New("sabotaged")

func (s *saboteur) wrap(c *rest.Config) *rest.Config {
	c = rest.CopyConfig(c)
	c.Wrap(func(next http.RoundTripper) http.RoundTripper {
		return roundTripper(func(req *http.Request) (*http.Response, error) {
			asks := strings.Contains(req.URL.Path, "/authorization.k8s.io/")
			writes := req.Method != http.MethodGet && !asks
			s.mu.Lock()
			defer s.mu.Unlock()
			if (s.dieAfter > 0 && s.writes >= s.dieAfter) || (writes && s.writes+1 == s.failAt) {
				if writes {
					s.writes++ // what fails at one write fails once
				}
				return nil, errSabotage
			}
			resp, err := next.RoundTrip(req)
			if writes && err == nil && resp.StatusCode < http.StatusMultipleChoices {
				s.writes++
			}
			return resp, err
		})
	})
	return c
}

type roundTripper func(*http.Request) (*http.Response, error)

func (f roundTripper) RoundTrip(req *http.Request) (*http.Response, error) { return f(req) }

// A process that is killed after every single write, again and again, gets to the end all the same,
// and so does its unjoin.
func TestKilledAfterEveryWrite(t *testing.T) {
	p, m := sharedPlane(t)
	runs := 0
	for ; runs < 100; runs++ {
		s := &saboteur{dieAfter: 1}
		req := p.request(t, m.name, m.n)
		req.Plane, req.Member = s.wrap(req.Plane), s.wrap(req.Member)
		if _, err := join.Join(t.Context(), req); err == nil {
			break
		}
	}
	if runs < 20 || runs == 100 {
		t.Fatalf("joined after %d runs, want about as many as there are writes", runs)
	}
	req := p.request(t, m.name, m.n)
	req.Wait = true
	res := p.join(t, req)
	if len(res.Changes) > 0 {
		t.Errorf("after all those runs something was still to do: %v", res.Changes)
	}
	for runs = 0; runs < 100; runs++ {
		s := &saboteur{dieAfter: 1}
		_, err := join.Unjoin(t.Context(), join.LeaveRequest{Name: m.name, Plane: s.wrap(req.Plane), Member: s.wrap(req.Member), Timeout: 8 * time.Second})
		if err == nil {
			break
		}
	}
	if runs < 5 || runs == 100 {
		t.Errorf("unjoined after %d runs, want about as many as there are writes", runs)
	}
	nothingOfOurs(t, m.n)
	p.notRegistered(t, m.name)
}

// A join that fails takes back what it made, wherever it fails.
func TestAFailedJoinLeavesNothing(t *testing.T) {
	p := newPlane(t)
	req := p.request(t, "m1", 1)
	for _, at := range []int{2, 12, 20} {
		s := &saboteur{failAt: at}
		broken := req
		broken.Plane, broken.Member = s.wrap(req.Plane), s.wrap(req.Member)
		_, err := join.Join(t.Context(), broken)
		if err == nil || !strings.Contains(err.Error(), "sabotaged") {
			t.Fatalf("write %d failed, join says %v", at, err)
		}
		if strings.Contains(err.Error(), "left behind") {
			t.Errorf("write %d failed: %v", at, err)
		}
		nothingOfOurs(t, 1)
		p.notRegistered(t, "m1")
	}
}

// A join that is interrupted takes back what it made, too.
func TestAnInterruptedJoinLeavesNothing(t *testing.T) {
	p := newPlane(t)
	ctx, interrupt := context.WithCancel(t.Context())
	defer interrupt()
	req := p.request(t, "m1", 1)
	req.Report = func(line string) {
		if strings.Contains(line, "ClusterRole atoll-writer created") {
			interrupt()
		}
	}
	if _, err := join.Join(ctx, req); !errors.Is(err, context.Canceled) || !strings.Contains(err.Error(), "interrupted") {
		t.Errorf("got %v, want to be told of the interruption", err)
	}
	nothingOfOurs(t, 1)
	p.notRegistered(t, "m1")
}
