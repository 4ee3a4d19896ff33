package join

import (
	"context"
	"errors"
	"fmt"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"atoll.dev/atoll/apis/karmada/wellknown"
	"atoll.dev/atoll/pkg/membership/identity"
	"atoll.dev/atoll/pkg/membership/ownership"
)

// cleanMember removes from the member what join made. It works with the user's credential and
// with the claimer's, which saws off its own branch last: deleting the namespace (if it is ours and
// nothing else lives in it) or else the claimer's cluster role makes the member's garbage collector take the rest.
func (l *leaving) cleanMember(ctx context.Context, m *memberCluster) error {
	ctx, cancel := context.WithTimeout(ctx, cleanTimeout)
	defer cancel()
	explained := func(err error, doing string) error {
		return explain(err, "member "+m.name, m.config.Host, doing, "give a kubeconfig whose credential is valid")
	}
	owner, owned, err := ownership.Read(ctx, m.kube.CoreV1())
	if err != nil && !errors.Is(err, ownership.ErrUnreadable) {
		return explained(err, "reading its ownership")
	}
	if owned && owner != l.plane.claim {
		l.report(fmt.Sprintf("member: left as it is, %v", &ownership.OwnedError{Owner: owner, Claimant: l.plane.claim}))
		return nil
	}
	if l.req.Member != nil {
		if err := l.cleanKarmadactl(ctx, m); err != nil {
			return explained(err, "removing what karmadactl made")
		}
	}
	rbac, core := m.kube.RbacV1(), m.kube.CoreV1()
	for _, role := range []string{identity.WriterRole, identity.Impersonator} {
		if err := l.remove(ctx, "ClusterRoleBinding", role, rbac.ClusterRoleBindings().Delete); err != nil {
			return explained(err, "deleting ClusterRoleBinding "+role)
		}
		if err := l.remove(ctx, "ClusterRole", role, rbac.ClusterRoles().Delete); err != nil {
			return explained(err, "deleting ClusterRole "+role)
		}
	}
	accounts, err := core.ServiceAccounts(wellknown.SystemNamespace).List(ctx, metav1.ListOptions{})
	if err != nil {
		return explained(err, "listing service accounts")
	}
	for _, a := range accounts.Items {
		if _, isWriter := identity.WriterEpoch(a.Name); !isWriter && a.Name != identity.Impersonator {
			continue
		}
		if err := l.remove(ctx, "ServiceAccount", a.Name, core.ServiceAccounts(a.Namespace).Delete); err != nil {
			return explained(err, "deleting ServiceAccount "+a.Name)
		}
		if err := l.remove(ctx, "Secret", identity.TokenSecret(a.Name), core.Secrets(a.Namespace).Delete); err != nil {
			return explained(err, "deleting the token of "+a.Name)
		}
	}
	if owned && !l.dryRun {
		released, err := ownership.Release(ctx, core, l.plane.claim)
		if err != nil {
			return explained(err, "releasing the ownership")
		}
		if released {
			l.did(inMember, "released", "ownership")
		}
	}
	return explained(l.removeNamespaceAndClaimer(ctx, m), "removing the claimer")
}

func (l *leaving) removeNamespaceAndClaimer(ctx context.Context, m *memberCluster) error {
	ns, err := m.kube.CoreV1().Namespaces().Get(ctx, wellknown.SystemNamespace, metav1.GetOptions{})
	if err != nil && !apierrors.IsNotFound(err) {
		return err
	}
	if err == nil && ns.DeletionTimestamp != nil {
		return nil // an earlier run came that far, and the rest goes with the namespace
	}
	if err == nil && identity.IsOurs(ns.Labels) {
		others, err := l.othersInNamespace(ctx, m)
		if err != nil {
			return err
		}
		if len(others) == 0 {
			if l.req.Member != nil { // else the claimer's role goes with the namespace, see ensureClaimer
				if err := l.removeClaimerRole(ctx, m); err != nil {
					return err
				}
			}
			return l.remove(ctx, "Namespace", ns.Name, m.kube.CoreV1().Namespaces().Delete)
		}
		l.report(fmt.Sprintf("member: namespace %s stays, others use it (%s)", ns.Name, abbreviate(others, 5)))
	}
	return l.removeClaimerRole(ctx, m)
}

func (l *leaving) removeClaimerRole(ctx context.Context, m *memberCluster) error {
	if err := l.remove(ctx, "ClusterRole", identity.Claimer, m.kube.RbacV1().ClusterRoles().Delete); err != nil {
		return err
	}
	if l.req.Member == nil {
		return nil // the garbage collector takes what the role owned
	}
	if err := l.remove(ctx, "ClusterRoleBinding", identity.Claimer, m.kube.RbacV1().ClusterRoleBindings().Delete); err != nil {
		return err
	}
	if err := l.remove(ctx, "RoleBinding", identity.Claimer, m.kube.RbacV1().RoleBindings(wellknown.SystemNamespace).Delete); err != nil {
		return err
	}
	if err := l.remove(ctx, "Role", identity.Claimer, m.kube.RbacV1().Roles(wellknown.SystemNamespace).Delete); err != nil {
		return err
	}
	if err := l.remove(ctx, "Secret", identity.TokenSecret(identity.Claimer), m.kube.CoreV1().Secrets(wellknown.SystemNamespace).Delete); err != nil {
		return err
	}
	return l.remove(ctx, "ServiceAccount", identity.Claimer, m.kube.CoreV1().ServiceAccounts(wellknown.SystemNamespace).Delete)
}

// othersInNamespace lists what lives in the namespace and is not ours or Kubernetes' own.
func (l *leaving) othersInNamespace(ctx context.Context, m *memberCluster) ([]string, error) {
	core, ns := m.kube.CoreV1(), wellknown.SystemNamespace
	var others []string
	note := func(kind string, o metav1.Object, expected bool) {
		if !expected && !identity.IsOurs(o.GetLabels()) {
			others = append(others, kind+" "+o.GetName())
		}
	}
	pods, err := core.Pods(ns).List(ctx, metav1.ListOptions{})
	if err != nil {
		return nil, err
	}
	for i := range pods.Items {
		note("Pod", &pods.Items[i], false)
	}
	maps, err := core.ConfigMaps(ns).List(ctx, metav1.ListOptions{})
	if err != nil {
		return nil, err
	}
	for i := range maps.Items {
		note("ConfigMap", &maps.Items[i], maps.Items[i].Name == "kube-root-ca.crt")
	}
	secrets, err := core.Secrets(ns).List(ctx, metav1.ListOptions{})
	if err != nil {
		return nil, err
	}
	for i := range secrets.Items {
		note("Secret", &secrets.Items[i], false)
	}
	accounts, err := core.ServiceAccounts(ns).List(ctx, metav1.ListOptions{})
	if err != nil {
		return nil, err
	}
	for i := range accounts.Items {
		note("ServiceAccount", &accounts.Items[i], accounts.Items[i].Name == "default")
	}
	return others, nil
}

// remove deletes one object by name; that it is gone already is fine.
func (l *leaving) remove(ctx context.Context, kind, name string, del func(context.Context, string, metav1.DeleteOptions) error) error {
	opts := metav1.DeleteOptions{}
	if l.dryRun {
		opts.DryRun = []string{metav1.DryRunAll}
	}
	background := metav1.DeletePropagationBackground
	opts.PropagationPolicy = &background
	err := del(ctx, name, opts)
	if apierrors.IsNotFound(err) {
		return nil
	}
	if err == nil {
		l.did(inMember, "deleted", kind+" "+name)
	}
	return err
}
