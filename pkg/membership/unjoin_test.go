package membership_test

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	clusterv1alpha1 "github.com/karmada-io/karmada/pkg/apis/cluster/v1alpha1"
	workv1alpha1 "github.com/karmada-io/karmada/pkg/apis/work/v1alpha1"
	workv1alpha2 "github.com/karmada-io/karmada/pkg/apis/work/v1alpha2"
	authenticationv1 "k8s.io/api/authentication/v1"
	corev1 "k8s.io/api/core/v1"
	rbacv1 "k8s.io/api/rbac/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/client-go/kubernetes"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/controller/controllerutil"

	"atoll.dev/atoll/apis/karmada/wellknown"
	"atoll.dev/atoll/pkg/membership/internal/realclusters"
	"atoll.dev/atoll/pkg/membership/join"
)

// dispatch puts a Work into a cluster's execution namespace, held as the dispatcher would hold it.
func (p *plane) dispatch(t *testing.T, cluster string) *workv1alpha1.Work {
	t.Helper()
	w := &workv1alpha1.Work{ObjectMeta: metav1.ObjectMeta{Namespace: "karmada-es-" + cluster, Name: "nginx-abc",
		Finalizers: []string{wellknown.ExecutionControllerFinalizer}}}
	w.Spec.Workload.Manifests = []workv1alpha1.Manifest{{RawExtension: runtime.RawExtension{
		Raw: []byte(`{"apiVersion":"apps/v1","kind":"Deployment","metadata":{"namespace":"web","name":"nginx"}}`)}}}
	eventually(t, 5*time.Second, func(ctx context.Context) error { return p.client.Create(ctx, w.DeepCopy()) })
	must(t, p.client.Get(t.Context(), client.ObjectKeyFromObject(w), w))
	return w
}

func (p *plane) gone(ctx context.Context, name string) error {
	if err := p.client.Get(ctx, client.ObjectKey{Name: name}, &clusterv1alpha1.Cluster{}); !apierrors.IsNotFound(err) {
		return fmt.Errorf("Cluster %s is still there (%v)", name, err)
	}
	return nil
}

func TestUnjoinWithTheClaimersCredentialLeavesNothing(t *testing.T) {
	p, m := sharedPlane(t)
	p.join(t, p.request(t, m.name, m.n))
	res, err := join.Unjoin(t.Context(), join.LeaveRequest{Name: m.name, Plane: p.config})
	must(t, err)
	if len(res.LeftBehind) > 0 {
		t.Errorf("left behind: %v", res.LeftBehind)
	}
	nothingOfOurs(t, m.n)
	p.notRegistered(t, m.name)
	_, err = join.Unjoin(t.Context(), join.LeaveRequest{Name: m.name, Plane: p.config})
	if join.KindOf(err) != join.Usage || !strings.Contains(err.Error(), "no cluster "+m.name+" is joined") {
		t.Errorf("unjoining what is not joined: %v", err)
	}
	// With a credential for the member, what is done already is fine.
	_, err = join.Unjoin(t.Context(), join.LeaveRequest{Name: m.name, Plane: p.config, Member: p.request(t, m.name, m.n).Member})
	must(t, err)
}

func TestUnjoinWaitsForTheMemberToBeClean(t *testing.T) {
	p, m := sharedPlane(t)
	p.join(t, p.request(t, m.name, m.n))
	w := p.dispatch(t, m.name)
	_, err := join.Unjoin(t.Context(), join.LeaveRequest{Name: m.name, Plane: p.config, Timeout: 2 * time.Second})
	want := "cluster " + m.name + " is not gone after 2s: 1 works are still to be removed from the member (nginx-abc); run the same command again to go on waiting, or add --force to give the member up"
	if join.KindOf(err) != join.TimedOut || err.Error() != want {
		t.Errorf("got %v, want %q", err, want)
	}
	// The connection is still there for whoever removes what was dispatched.
	if _, err := p.pool.For(t.Context(), m.name); err != nil {
		t.Errorf("the member that leaves has no connection: %v", err)
	}
	must(t, p.client.Get(t.Context(), client.ObjectKeyFromObject(w), w))
	if w.DeletionTimestamp == nil {
		t.Error("the work is not being deleted")
	}
	controllerutil.RemoveFinalizer(w, wellknown.ExecutionControllerFinalizer)
	must(t, p.client.Update(t.Context(), w))
	_, err = join.Unjoin(t.Context(), join.LeaveRequest{Name: m.name, Plane: p.config})
	must(t, err)
	nothingOfOurs(t, m.n)
}

func TestAClusterLeavesItsBindingsFirst(t *testing.T) {
	p, m := sharedPlane(t)
	req := p.request(t, m.name, m.n)
	req.Wait = true
	p.join(t, req)
	rb := &workv1alpha2.ResourceBinding{ObjectMeta: metav1.ObjectMeta{Namespace: "default", Name: "nginx-deployment"}}
	rb.Spec.Clusters = []workv1alpha2.TargetCluster{{Name: m.name}}
	must(t, p.client.Create(t.Context(), rb))
	t.Cleanup(func() { _ = p.client.Delete(context.Background(), rb) })
	_, err := join.Unjoin(t.Context(), join.LeaveRequest{Name: m.name, Plane: p.config, Timeout: 8 * time.Second})
	if join.KindOf(err) != join.TimedOut || !strings.Contains(err.Error(), "bindings still name it") {
		t.Errorf("got %v, want to wait for the binding", err)
	}
	rb.Spec.Clusters = nil
	must(t, p.client.Update(t.Context(), rb))
	eventually(t, 10*time.Second, func(ctx context.Context) error { return p.gone(ctx, m.name) })
	_, err = join.Unjoin(t.Context(), join.LeaveRequest{Name: m.name, Plane: p.config, Member: p.request(t, m.name, m.n).Member})
	must(t, err)
}

func TestForceGivesUpADeadMemberAndSaysWhatStays(t *testing.T) {
	p, m := sharedPlane(t)
	req := p.request(t, m.name, m.n)
	admin := req.Member
	var l *link
	l, req.Member = linkTo(t, req.Member)
	p.join(t, req)
	eventually(t, 5*time.Second, func(context.Context) error { return ready(p.cluster(t, m.name)) })
	p.dispatch(t, m.name)
	l.set(refuses)
	_, err := join.Unjoin(t.Context(), join.LeaveRequest{Name: m.name, Plane: p.config, Timeout: 20 * time.Second})
	if join.KindOf(err) != join.Unreachable || !strings.Contains(err.Error(), "add --force") {
		t.Errorf("without force: %v", err)
	}
	if c := p.cluster(t, m.name); c.DeletionTimestamp != nil {
		t.Error("a refused unjoin began to delete the Cluster")
	}
	eventually(t, 10*time.Second, func(context.Context) error {
		if ready(p.cluster(t, m.name)) == nil {
			return fmt.Errorf("it is still Ready")
		}
		return nil
	})
	res, err := join.Unjoin(t.Context(), join.LeaveRequest{Name: m.name, Plane: p.config, Force: true, Timeout: 20 * time.Second})
	must(t, err)
	if !slices.Contains(res.LeftBehind, "Deployment web/nginx") || len(res.LeftBehind) != 3 || !strings.Contains(res.Remedy, "atoll unjoin "+m.name+" --cluster-kubeconfig") {
		t.Errorf("left behind %q, remedy %q", res.LeftBehind, res.Remedy)
	}
	p.notRegistered(t, m.name)
	// The member comes back: the remedy works.
	l.set(passes)
	_, err = join.Unjoin(t.Context(), join.LeaveRequest{Name: m.name, Plane: p.config, Member: admin})
	must(t, err)
	nothingOfOurs(t, m.n)
}

func TestUnjoinTouchesNoOtherCluster(t *testing.T) {
	p, m := sharedPlane(t)
	p.join(t, p.request(t, m.name, m.n))
	for n, want := range map[int]string{3 - m.n: "is not the cluster that was joined as " + m.name, realclusters.Count: "is the control plane itself; nothing was done"} {
		member, err := clusters.Config(n)
		must(t, err)
		_, err = join.Unjoin(t.Context(), join.LeaveRequest{Name: m.name, Plane: p.config, Member: member, Force: true})
		if join.KindOf(err) != join.Taken || !strings.Contains(err.Error(), want) {
			t.Errorf("unjoining with the kubeconfig of cluster %d: %v, want %q", n, err, want)
		}
	}
	if c := p.cluster(t, m.name); c.DeletionTimestamp != nil {
		t.Error("the Cluster is being deleted")
	}
	if _, err := p.kube.CoreV1().ConfigMaps("atoll-system").Get(t.Context(), "plane", metav1.GetOptions{}); err != nil {
		t.Errorf("the control plane's identity: %v", err)
	}
}

func TestWhatOthersKeepInTheNamespaceStays(t *testing.T) {
	p, m := sharedPlane(t)
	req := p.request(t, m.name, m.n)
	p.join(t, req)
	kube, err := clusters.Kube(m.n)
	must(t, err)
	theirs := &corev1.ConfigMap{ObjectMeta: metav1.ObjectMeta{Name: "theirs"}}
	_, err = kube.CoreV1().ConfigMaps("atoll-system").Create(t.Context(), theirs, metav1.CreateOptions{})
	must(t, err)
	_, err = join.Unjoin(t.Context(), join.LeaveRequest{Name: m.name, Plane: p.config})
	must(t, err)
	if _, err := kube.CoreV1().ConfigMaps("atoll-system").Get(t.Context(), "theirs", metav1.GetOptions{}); err != nil {
		t.Errorf("somebody else's ConfigMap: %v", err)
	}
	// The claimer removed itself all the same.
	eventually(t, 60*time.Second, func(ctx context.Context) error {
		accounts, err := kube.CoreV1().ServiceAccounts("atoll-system").List(ctx, metav1.ListOptions{})
		if err != nil {
			return err
		}
		for _, a := range accounts.Items {
			if a.Name != "default" {
				return fmt.Errorf("ServiceAccount %s remains", a.Name)
			}
		}
		bindings, err := kube.RbacV1().ClusterRoleBindings().List(ctx, metav1.ListOptions{LabelSelector: "app.kubernetes.io/managed-by=atoll"})
		if err == nil && len(bindings.Items) > 0 {
			return fmt.Errorf("ClusterRoleBinding %s remains", bindings.Items[0].Name)
		}
		return err
	})
	must(t, kube.CoreV1().Namespaces().Delete(t.Context(), "atoll-system", metav1.DeleteOptions{}))
}

// A member that karmadactl joined has no claimer: unjoin says what stays, or removes it with the user's credential.
func TestAMemberThatKarmadactlJoined(t *testing.T) {
	p, m := sharedPlane(t)
	for _, withCredential := range []bool{false, true} {
		admin := p.request(t, "k1", m.n).Member
		kube, err := clusters.Kube(m.n)
		must(t, err)
		asKarmadactl(t, p, kube, "k1", admin.Host)
		eventually(t, 10*time.Second, func(context.Context) error { return ready(p.cluster(t, "k1")) })
		must(t, p.connect(t, "k1").Grant(t.Context(), corev1.SchemeGroupVersion.WithResource("secrets")))
		req := join.LeaveRequest{Name: "k1", Plane: p.config}
		if withCredential {
			req.Member = admin
		}
		res, err := join.Unjoin(t.Context(), req)
		must(t, err)
		if (len(res.LeftBehind) == 0) != withCredential {
			t.Errorf("with a credential: %v; left behind: %v", withCredential, res.LeftBehind)
		}
		if !withCredential {
			_, err := join.Unjoin(t.Context(), join.LeaveRequest{Name: "k1", Plane: p.config, Member: admin}) // the remedy
			must(t, err)
		}
		eventually(t, 20*time.Second, func(ctx context.Context) error {
			if _, err := kube.CoreV1().Namespaces().Get(ctx, "karmada-cluster", metav1.GetOptions{}); !apierrors.IsNotFound(err) {
				return fmt.Errorf("namespace karmada-cluster remains (%v)", err)
			}
			if _, err := kube.RbacV1().ClusterRoles().Get(ctx, "karmada-controller-manager:karmada-k1", metav1.GetOptions{}); !apierrors.IsNotFound(err) {
				return fmt.Errorf("the cluster role remains (%v)", err)
			}
			return nil
		})
	}
}

// asKarmadactl makes what karmadactl v1.18's join makes.
func asKarmadactl(t *testing.T, p *plane, kube kubernetes.Interface, name, endpoint string) {
	t.Helper()
	system := map[string]string{"karmada.io/system": "true"}
	in := func(name string) metav1.ObjectMeta {
		return metav1.ObjectMeta{Namespace: "karmada-cluster", Name: name, Labels: system}
	}
	role := "karmada-controller-manager:karmada-" + name
	_, err := kube.CoreV1().Namespaces().Create(t.Context(), &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: "karmada-cluster", Labels: system}}, metav1.CreateOptions{})
	must(t, err)
	_, err = kube.CoreV1().ServiceAccounts("karmada-cluster").Create(t.Context(), &corev1.ServiceAccount{ObjectMeta: in("karmada-" + name)}, metav1.CreateOptions{})
	must(t, err)
	_, err = kube.RbacV1().ClusterRoles().Create(t.Context(), &rbacv1.ClusterRole{ObjectMeta: metav1.ObjectMeta{Name: role, Labels: system}, Rules: []rbacv1.PolicyRule{
		{Verbs: []string{"*"}, APIGroups: []string{"*"}, Resources: []string{"*"}}, {Verbs: []string{"get"}, NonResourceURLs: []string{"*"}}}}, metav1.CreateOptions{})
	must(t, err)
	_, err = kube.RbacV1().ClusterRoleBindings().Create(t.Context(), &rbacv1.ClusterRoleBinding{ObjectMeta: metav1.ObjectMeta{Name: role, Labels: system},
		Subjects: []rbacv1.Subject{{Kind: "ServiceAccount", Namespace: "karmada-cluster", Name: "karmada-" + name}},
		RoleRef:  rbacv1.RoleRef{APIGroup: "rbac.authorization.k8s.io", Kind: "ClusterRole", Name: role}}, metav1.CreateOptions{})
	must(t, err)
	token, err := kube.CoreV1().ServiceAccounts("karmada-cluster").CreateToken(t.Context(), "karmada-"+name, &authenticationv1.TokenRequest{}, metav1.CreateOptions{})
	must(t, err)
	id, err := kube.CoreV1().Namespaces().Get(t.Context(), "kube-system", metav1.GetOptions{})
	must(t, err)
	must(t, p.client.Create(t.Context(), &corev1.Secret{ObjectMeta: in(name), Data: map[string][]byte{"token": []byte(token.Status.Token)}}))
	must(t, p.client.Create(t.Context(), &clusterv1alpha1.Cluster{ObjectMeta: metav1.ObjectMeta{Name: name}, Spec: clusterv1alpha1.ClusterSpec{
		ID: string(id.UID), SyncMode: clusterv1alpha1.Push, APIEndpoint: endpoint, InsecureSkipTLSVerification: true,
		SecretRef: &clusterv1alpha1.LocalSecretReference{Namespace: "karmada-cluster", Name: name}}}))
}
