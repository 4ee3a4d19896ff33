package membership_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	clusterinstall "github.com/karmada-io/karmada/pkg/apis/cluster/install"
	clusterv1alpha1 "github.com/karmada-io/karmada/pkg/apis/cluster/v1alpha1"
	workinstall "github.com/karmada-io/karmada/pkg/apis/work/v1alpha1"
	workv1alpha2 "github.com/karmada-io/karmada/pkg/apis/work/v1alpha2"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/types"
	utilruntime "k8s.io/apimachinery/pkg/util/runtime"
	"k8s.io/apimachinery/pkg/util/wait"
	"k8s.io/client-go/kubernetes"
	clientgoscheme "k8s.io/client-go/kubernetes/scheme"
	"k8s.io/client-go/rest"
	"k8s.io/klog/v2"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/config"
	"sigs.k8s.io/controller-runtime/pkg/metrics/server"

	"atoll.dev/atoll/pkg/membership"
	"atoll.dev/atoll/pkg/membership/connection"
	"atoll.dev/atoll/pkg/membership/identity"
	"atoll.dev/atoll/pkg/membership/internal/realclusters"
	"atoll.dev/atoll/pkg/membership/join"
	"atoll.dev/atoll/pkg/membership/views"
)

// clusters are shared by the tests of this package; each test leaves the members as it found them.
var clusters *realclusters.Clusters

func TestMain(m *testing.M) {
	code := func() int {
		if _, ok := realclusters.Binary(); !ok && os.Getenv(realclusters.DirVariable) == "" {
			return m.Run() // needClusters skips
		}
		dir, err := os.MkdirTemp("", "atoll-membership")
		if err != nil {
			panic(err)
		}
		defer os.RemoveAll(dir)
		if clusters, err = realclusters.Start(context.Background(), dir); err != nil {
			fmt.Fprintln(os.Stderr, err)
			return 1
		}
		defer clusters.Stop()
		defer shared.end()
		return m.Run()
	}()
	os.Exit(code)
}

const (
	planeUID = "11111111-aaaa-4bbb-8ccc-000000000001"
	claimID  = "first"
)

// plane is a control plane with membership's controllers running.
type plane struct {
	config *rest.Config
	client client.Client
	kube   kubernetes.Interface
	pool   *connection.Pool
	views  seen
}

func needClusters(t *testing.T) {
	t.Helper()
	if clusters == nil {
		t.Skip("needs real clusters: build bin/member, or name it in " + realclusters.BinaryVariable)
	}
}

func scheme() *runtime.Scheme {
	s := runtime.NewScheme()
	utilruntime.Must(clientgoscheme.AddToScheme(s))
	clusterinstall.Install(s)
	utilruntime.Must(workinstall.Install(s))
	utilruntime.Must(workv1alpha2.Install(s))
	return s
}

// startPlane runs membership's controllers over the last cluster until the test ends. It is for
// tests that are not parallel, which Go runs before those that are.
func startPlane(t *testing.T, opts membership.Options) *plane {
	t.Helper()
	p := newPlane(t)
	p.run(t, opts)
	return p
}

// newPlane makes the last cluster a control plane without controllers, and removes what a failed test left.
func newPlane(t *testing.T) *plane {
	t.Helper()
	needClusters(t)
	cfg, err := clusters.Plane(t.Context(), planeUID, 1, claimID)
	must(t, err)
	p := &plane{config: cfg}
	p.connectTo(t, cfg)
	p.sweep(t)
	return p
}

func (p *plane) connectTo(t *testing.T, cfg *rest.Config) {
	t.Helper()
	var err error
	p.client, err = client.New(cfg, client.Options{Scheme: scheme()})
	must(t, err)
	p.kube, err = kubernetes.NewForConfig(cfg)
	must(t, err)
}

// removeOurs removes what join makes in a member, without waiting for the namespace to go.
func removeOurs(t *testing.T, kube kubernetes.Interface) {
	t.Helper()
	ctx := context.Background()
	must(t, client.IgnoreNotFound(kube.CoreV1().Namespaces().Delete(ctx, "atoll-system", metav1.DeleteOptions{})))
	ours := metav1.ListOptions{LabelSelector: identity.ManagedByLabel + "=" + identity.ManagedByAtoll}
	must(t, kube.RbacV1().ClusterRoles().DeleteCollection(ctx, metav1.DeleteOptions{}, ours))
	must(t, kube.RbacV1().ClusterRoleBindings().DeleteCollection(ctx, metav1.DeleteOptions{}, ours))
}

// sweep removes what a failed test has left in the control plane, so that one failure is one failure.
func (p *plane) sweep(t *testing.T) {
	t.Helper()
	left := &clusterv1alpha1.ClusterList{}
	must(t, p.client.List(t.Context(), left))
	for i := range left.Items {
		t.Logf("removing Cluster %s, left by an earlier test", left.Items[i].Name)
		p.forget(t, left.Items[i].Name)
	}
	for n := 1; n < realclusters.Count; n++ {
		kube, err := clusters.Kube(n)
		must(t, err)
		removeOurs(t, kube)
		nothingOfOurs(t, n)
	}
	eventually(t, 20*time.Second, func(ctx context.Context) error {
		all, err := p.kube.CoreV1().Namespaces().List(ctx, metav1.ListOptions{})
		if err != nil {
			return err
		}
		for _, ns := range all.Items {
			if strings.HasPrefix(ns.Name, "karmada-es-") {
				return fmt.Errorf("namespace %s is still there", ns.Name)
			}
		}
		return nil
	})
}

// run starts the controllers and returns a function that stops them and waits; the test's end does the same.
func (p *plane) run(t *testing.T, opts membership.Options) (stop func()) {
	t.Helper()
	end, err := p.start(opts)
	must(t, err)
	stop = sync.OnceFunc(func() {
		if err := end(); err != nil {
			t.Errorf("manager ended with %v", err)
		}
	})
	t.Cleanup(stop)
	return stop
}

// start starts the controllers and returns a function that stops them and waits for their end.
func (p *plane) start(opts membership.Options) (end func() error, err error) {
	ctx, cancel := context.WithCancel(context.Background())
	ctx = klog.NewContext(ctx, klog.Background())
	ctrl.SetLogger(klog.Background())
	skip := true
	mgr, err := ctrl.NewManager(p.config, ctrl.Options{Scheme: scheme(), Metrics: server.Options{BindAddress: "0"},
		Controller: config.Controller{SkipNameValidation: &skip}})
	if err == nil {
		p.pool, err = connection.NewManagedPool(ctx, mgr, connection.PoolOptions{})
	}
	opts.Ledgers = views.NewLedgers(opts.Clock)
	if err == nil {
		err = membership.Setup(ctx, mgr, p.pool, opts)
	}
	if err == nil {
		var follower *views.Follower // as for the scheduler in the same process
		if follower, err = views.Follow(mgr, p.pool, opts.Ledgers, views.Options{Clock: opts.Clock}); err == nil {
			follower.Subscribe(p.views.observe)
		}
	}
	if err != nil {
		cancel()
		return nil, err
	}
	ended := make(chan error, 1)
	go func() { ended <- mgr.Start(ctx) }()
	return func() error {
		cancel()
		defer p.pool.Close()
		return <-ended
	}, nil
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// eventually waits until check returns nil, or fails with what it returned last.
func eventually(t *testing.T, within time.Duration, check func(ctx context.Context) error) {
	t.Helper()
	var last error
	err := wait.PollUntilContextTimeout(context.Background(), 20*time.Millisecond, within, true, func(ctx context.Context) (bool, error) {
		last = check(ctx)
		return last == nil, nil
	})
	if err != nil {
		t.Fatalf("not within %s: %v", within, errors.Join(last, err))
	}
}

// request joins cluster n under a name.
func (p *plane) request(t *testing.T, name string, n int) join.Request {
	t.Helper()
	member, err := join.LoadMember(clusters.Kubeconfig(n), "")
	must(t, err)
	return join.Request{Name: name, Plane: p.config, Member: member, Report: func(line string) { t.Log(line) }}
}

// join joins cluster n and sees to it that it is unjoined when the test ends.
func (p *plane) join(t *testing.T, req join.Request) *join.Result {
	t.Helper()
	res, err := join.Join(t.Context(), req)
	must(t, err)
	t.Cleanup(func() { p.leave(t, req) })
	return res
}

// leave takes a cluster away by force and without waiting, so that tests do not add up the seconds
// that namespaces take to go; a later join waits for the member's. It is not how clusters leave.
func (p *plane) leave(t *testing.T, req join.Request) {
	t.Helper()
	ctx := context.Background()
	p.forget(t, req.Name)
	kube, err := kubernetes.NewForConfig(req.Member)
	must(t, err)
	removeOurs(t, kube)
	for _, s := range []string{"", "-claimer", "-impersonator"} {
		_ = p.kube.CoreV1().Secrets("karmada-cluster").Delete(ctx, req.Name+s, metav1.DeleteOptions{})
	}
}

// forget removes a Cluster and whatever holds it.
func (p *plane) forget(t *testing.T, name string) {
	t.Helper()
	ctx := context.Background()
	c := &clusterv1alpha1.Cluster{ObjectMeta: metav1.ObjectMeta{Name: name}}
	must(t, client.IgnoreNotFound(p.client.Delete(ctx, c)))
	must(t, client.IgnoreNotFound(p.client.Patch(ctx, c, client.RawPatch(types.MergePatchType, []byte(`{"metadata":{"finalizers":null}}`)))))
	must(t, client.IgnoreNotFound(p.kube.CoreV1().Namespaces().Delete(ctx, "karmada-es-"+name, metav1.DeleteOptions{})))
	eventually(t, 5*time.Second, func(ctx context.Context) error { return p.gone(ctx, name) })
}

func (p *plane) cluster(t *testing.T, name string) *clusterv1alpha1.Cluster {
	t.Helper()
	c := &clusterv1alpha1.Cluster{}
	must(t, p.client.Get(t.Context(), client.ObjectKey{Name: name}, c))
	return c
}

func ready(c *clusterv1alpha1.Cluster) error {
	cond := meta.FindStatusCondition(c.Status.Conditions, clusterv1alpha1.ClusterConditionReady)
	if cond == nil || cond.Status != "True" {
		return fmt.Errorf("cluster %s is not Ready: %v", c.Name, cond)
	}
	return nil
}
