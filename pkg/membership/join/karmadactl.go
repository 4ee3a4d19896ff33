package join

import (
	"context"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"atoll.dev/atoll/apis/karmada/wellknown"
)

// Names that karmadactl gives, in a member, to what its own join makes there.
func karmadactlAccount(cluster string) string { return "karmada-" + cluster }
func karmadactlRole(cluster string) string {
	return "karmada-controller-manager:" + karmadactlAccount(cluster)
}

const karmadactlImpersonator = "karmada-impersonator"

// cleanKarmadactl removes from the member what karmadactl's join made, as its unjoin would. It needs
// the user's own credential. What is not there is fine: most members were not joined that way.
func (l *leaving) cleanKarmadactl(ctx context.Context, m *memberCluster) error {
	rbac, core := m.kube.RbacV1(), m.kube.CoreV1()
	role := karmadactlRole(l.req.Name)
	if err := l.remove(ctx, "ClusterRoleBinding", role, rbac.ClusterRoleBindings().Delete); err != nil {
		return err
	}
	if err := l.remove(ctx, "ClusterRole", role, rbac.ClusterRoles().Delete); err != nil {
		return err
	}
	for _, account := range []string{karmadactlAccount(l.req.Name), karmadactlImpersonator} {
		if err := l.remove(ctx, "ServiceAccount", account, core.ServiceAccounts(wellknown.ClusterNamespace).Delete); err != nil {
			return err
		}
	}
	ns, err := core.Namespaces().Get(ctx, wellknown.ClusterNamespace, metav1.GetOptions{})
	if apierrors.IsNotFound(err) {
		return nil
	}
	if err != nil || ns.Labels[wellknown.SystemLabel] != wellknown.LabelValueTrue || ns.DeletionTimestamp != nil {
		return err
	}
	return l.remove(ctx, "Namespace", ns.Name, core.Namespaces().Delete)
}
