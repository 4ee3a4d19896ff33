package join

import (
	"context"
	"errors"
	"fmt"
	"time"

	clusterv1alpha1 "github.com/karmada-io/karmada/pkg/apis/cluster/v1alpha1"
	karmada "github.com/karmada-io/karmada/pkg/generated/clientset/versioned"
	authorizationv1 "k8s.io/api/authorization/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/wait"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/rest"

	"atoll.dev/atoll/apis/karmada/wellknown"
	"atoll.dev/atoll/pkg/membership/identity"
	"atoll.dev/atoll/pkg/membership/ownership"
)

// dialTimeout bounds the first contact with either side.
const dialTimeout = 10 * time.Second

func openPlane(ctx context.Context, config *rest.Config) (*controlPlane, error) {
	ctx, cancel := context.WithTimeout(ctx, dialTimeout)
	defer cancel()
	p := &controlPlane{endpoint: config.Host}
	const who, remedy = "the control plane", "log in to the control plane again"
	var err error
	if p.kube, err = kubernetes.NewForConfig(bounded(config)); err == nil {
		p.karmada, err = karmada.NewForConfig(bounded(config))
	}
	if err != nil {
		return nil, explain(err, who, config.Host, "reading its kubeconfig", remedy)
	}
	p.claim, err = ownership.OfPlane(ctx, p.kube.CoreV1())
	if apierrors.IsNotFound(err) {
		return nil, failed(Usage, err, "%s is not an Atoll control plane: it has no ConfigMap %s/%s; check --kubeconfig and --context",
			config.Host, wellknown.SystemNamespace, wellknown.PlaneConfigMap)
	}
	if err != nil {
		return nil, explain(err, who, config.Host, "reading the control plane's identity", remedy)
	}
	ns, err := p.kube.CoreV1().Namespaces().Get(ctx, metav1.NamespaceSystem, metav1.GetOptions{})
	if err != nil {
		return nil, explain(err, who, config.Host, "reading namespace kube-system", remedy)
	}
	p.id = string(ns.UID)
	return p, nil
}

func openMember(ctx context.Context, name string, config *rest.Config) (*memberCluster, error) {
	ctx, cancel := context.WithTimeout(ctx, dialTimeout)
	defer cancel()
	m := &memberCluster{name: name, config: bounded(config)}
	who, remedy := "member "+name, "give a kubeconfig whose credential is valid"
	var err error
	if m.kube, err = kubernetes.NewForConfig(m.config); err != nil {
		return nil, explain(err, who, config.Host, "reading its kubeconfig", remedy)
	}
	ns, err := m.kube.CoreV1().Namespaces().Get(ctx, metav1.NamespaceSystem, metav1.GetOptions{})
	if err != nil {
		return nil, explain(err, who, config.Host, "reading namespace kube-system", remedy)
	}
	m.id = string(ns.UID)
	v, err := m.kube.Discovery().ServerVersion()
	if err != nil {
		return nil, explain(err, who, config.Host, "reading its version", remedy)
	}
	m.version = v.GitVersion
	return m, nil
}

// admit refuses what must not be joined. It returns the Cluster object if the member is joined already.
func admit(ctx context.Context, p *controlPlane, m *memberCluster) (*clusterv1alpha1.Cluster, error) {
	if m.id == p.id || m.id == string(p.claim.PlaneUID) {
		return nil, failed(Taken, nil, "%s is the control plane itself and cannot be its own member", m.config.Host)
	}
	clusters, err := p.karmada.ClusterV1alpha1().Clusters().List(ctx, metav1.ListOptions{})
	if err != nil {
		return nil, explain(err, "the control plane", p.endpoint, "listing clusters", "log in to the control plane again")
	}
	var existing *clusterv1alpha1.Cluster
	for i := range clusters.Items {
		c := &clusters.Items[i]
		switch {
		case c.Name == m.name && !sameCluster(c, m):
			return nil, failed(Taken, nil, "the name %s is taken: it was joined as another cluster (UID %s at %s, this one is %s); choose another name, or run: atoll unjoin %s",
				c.Name, c.Spec.ID, c.Spec.APIEndpoint, m.id, c.Name)
		case c.Name != m.name && sameCluster(c, m):
			return nil, failed(Taken, nil, "this cluster (UID %s) is joined already, as %s; use that name, or run first: atoll unjoin %s", m.id, c.Name, c.Name)
		case c.Name == m.name:
			existing = c
		}
	}
	if existing != nil && existing.DeletionTimestamp != nil {
		return nil, failed(Taken, nil, "cluster %s is being removed; wait until it is gone, then join again", m.name)
	}
	if existing != nil && existing.Spec.SyncMode == clusterv1alpha1.Pull {
		return nil, failed(Taken, nil, "cluster %s is joined in pull mode; unregister it first", m.name)
	}
	owner, owned, err := ownership.Read(ctx, m.kube.CoreV1())
	if errors.Is(err, ownership.ErrUnreadable) {
		return nil, failed(Taken, err, "member %s: %v; whoever owns it must mend it", m.name, err)
	}
	if err != nil {
		return nil, explain(err, "member "+m.name, m.config.Host, "reading its ownership", "use a credential with cluster-admin rights")
	}
	if owned && !ownership.Admits(owner, p.claim) {
		return nil, ownedBy(m.name, &ownership.OwnedError{Owner: owner, Claimant: p.claim})
	}
	return existing, mayPrepare(ctx, m)
}

func ownedBy(name string, err *ownership.OwnedError) error {
	if err.Owner.PlaneUID != err.Claimant.PlaneUID {
		return failed(Taken, err, "member %s: %v; unjoin it there first (ours is %s)", name, err, err.Claimant.PlaneUID)
	}
	return failed(Taken, err, "member %s: %v; this control plane must not write to it any more", name, err)
}

// mayPrepare asks the member beforehand for the rights that join needs, so that a credential
// without them fails with one sentence and before anything is made.
func mayPrepare(ctx context.Context, m *memberCluster) error {
	for _, a := range []authorizationv1.ResourceAttributes{
		{Verb: "create", Resource: "namespaces"},
		{Verb: "create", Resource: "serviceaccounts", Namespace: wellknown.SystemNamespace},
		{Verb: "create", Resource: "secrets", Namespace: wellknown.SystemNamespace},
		{Verb: "get", Resource: "secrets", Namespace: wellknown.SystemNamespace},
		{Verb: "create", Resource: "configmaps", Namespace: wellknown.SystemNamespace},
		{Verb: "create", Group: "rbac.authorization.k8s.io", Resource: "clusterroles"},
		{Verb: "create", Group: "rbac.authorization.k8s.io", Resource: "clusterrolebindings"},
		{Verb: "create", Group: "rbac.authorization.k8s.io", Resource: "roles", Namespace: wellknown.SystemNamespace},
	} {
		review, err := m.kube.AuthorizationV1().SelfSubjectAccessReviews().Create(ctx, &authorizationv1.SelfSubjectAccessReview{
			Spec: authorizationv1.SelfSubjectAccessReviewSpec{ResourceAttributes: &a}}, metav1.CreateOptions{})
		if err != nil {
			return explain(err, "member "+m.name, m.config.Host, "asking for its permissions", "give a kubeconfig whose credential is valid")
		}
		if !review.Status.Allowed {
			return failed(Denied, nil, "the credential for member %s at %s may not %s %s; use one with cluster-admin rights", m.name, m.config.Host, a.Verb, a.Resource)
		}
	}
	return nil
}

// presentMode returns the mode of a member that has one, else Minimal.
func presentMode(ctx context.Context, m *memberCluster) identity.Mode {
	role, err := m.kube.RbacV1().ClusterRoles().Get(ctx, identity.WriterRole, metav1.GetOptions{})
	if err == nil {
		if mode, err := identity.ParseMode(role.Annotations[identity.ModeAnnotation]); err == nil {
			return mode
		}
	}
	return identity.Minimal
}

// awaitReady waits until the control plane finds the member Ready.
func awaitReady(ctx context.Context, p *controlPlane, name string) error {
	state := "the control plane has not looked at it yet; are its controllers running?"
	err := wait.PollUntilContextCancel(ctx, 100*time.Millisecond, true, func(ctx context.Context) (bool, error) {
		c, err := p.karmada.ClusterV1alpha1().Clusters().Get(ctx, name, metav1.GetOptions{})
		if err != nil {
			return false, nil // the deadline decides
		}
		ready := meta.FindStatusCondition(c.Status.Conditions, clusterv1alpha1.ClusterConditionReady)
		if ready != nil {
			state = fmt.Sprintf("%s: %s", ready.Reason, ready.Message)
		}
		return ready != nil && ready.Status == metav1.ConditionTrue, nil
	})
	if err != nil {
		return failed(TimedOut, err, "cluster %s is joined but not Ready in time (%s)", name, state)
	}
	return nil
}
