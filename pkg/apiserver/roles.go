package apiserver

import (
	"context"
	"fmt"

	"golang.org/x/sync/errgroup"
	rbacv1 "k8s.io/api/rbac/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"
	"k8s.io/component-helpers/auth/rbac/reconciliation"
	"k8s.io/kubernetes/plugin/pkg/auth/authorizer/rbac/bootstrappolicy"

	"atoll.dev/atoll/apis/karmada/wellknown"
)

// roleWrites bounds how many roles are brought into being at a time.
const roleWrites = 8

// ensureRoles brings Kubernetes' default roles and bindings into being, and those of
// Atoll's own roles. It adds what is missing and takes nothing away that an
// administrator has added. Roles of kube-controller-manager's loops are left out:
// those that run here run under the controllers' own.
func ensureRoles(ctx context.Context, client kubernetes.Interface) error {
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(roleWrites)
	for _, role := range append(bootstrappolicy.ClusterRoles(), ownRoles()...) {
		group.Go(func() error {
			return ensureRole(ctx, reconciliation.ClusterRoleRuleOwner{ClusterRole: &role},
				reconciliation.ClusterRoleModifier{Client: client.RbacV1().ClusterRoles()})
		})
	}
	for _, binding := range append(bootstrappolicy.ClusterRoleBindings(), ownBindings()...) {
		group.Go(func() error {
			return ensureBinding(ctx, reconciliation.ClusterRoleBindingAdapter{ClusterRoleBinding: &binding},
				reconciliation.ClusterRoleBindingClientAdapter{Client: client.RbacV1().ClusterRoleBindings()})
		})
	}
	for _, roles := range bootstrappolicy.NamespaceRoles() {
		for _, role := range roles {
			group.Go(func() error {
				return ensureRole(ctx, reconciliation.RoleRuleOwner{Role: &role},
					reconciliation.RoleModifier{Client: client.RbacV1(), NamespaceClient: client.CoreV1().Namespaces()})
			})
		}
	}
	for _, bindings := range bootstrappolicy.NamespaceRoleBindings() {
		for _, binding := range bindings {
			group.Go(func() error {
				return ensureBinding(ctx, reconciliation.RoleBindingAdapter{RoleBinding: &binding},
					reconciliation.RoleBindingClientAdapter{Client: client.RbacV1(), NamespaceClient: client.CoreV1().Namespaces()})
			})
		}
	}
	group.Go(func() error {
		role := memberCredentials()
		return ensureRole(ctx, reconciliation.RoleRuleOwner{Role: &role},
			reconciliation.RoleModifier{Client: client.RbacV1(), NamespaceClient: client.CoreV1().Namespaces()})
	})
	group.Go(func() error {
		binding := memberCredentialsBinding()
		return ensureBinding(ctx, reconciliation.RoleBindingAdapter{RoleBinding: &binding},
			reconciliation.RoleBindingClientAdapter{Client: client.RbacV1(), NamespaceClient: client.CoreV1().Namespaces()})
	})
	return group.Wait()
}

// memberCredentials lets the scheduler reach members, whose nodes it watches where it does not
// share the controllers' process.
func memberCredentials() rbacv1.Role {
	return rbacv1.Role{
		ObjectMeta: metav1.ObjectMeta{Namespace: wellknown.ClusterNamespace, Name: SchedulerUser},
		Rules:      []rbacv1.PolicyRule{{APIGroups: []string{""}, Resources: []string{"secrets"}, Verbs: readVerbs}},
	}
}

func memberCredentialsBinding() rbacv1.RoleBinding {
	return rbacv1.RoleBinding{
		ObjectMeta: metav1.ObjectMeta{Namespace: wellknown.ClusterNamespace, Name: SchedulerUser},
		RoleRef:    rbacv1.RoleRef{APIGroup: rbacv1.GroupName, Kind: "Role", Name: SchedulerUser},
		Subjects:   []rbacv1.Subject{{APIGroup: rbacv1.GroupName, Kind: rbacv1.UserKind, Name: SchedulerUser}},
	}
}

func ensureRole(ctx context.Context, role reconciliation.RuleOwner, client reconciliation.RuleOwnerModifier) error {
	if ctx.Err() != nil {
		return ctx.Err()
	}
	_, err := (&reconciliation.ReconcileRoleOptions{Role: role, Client: client, Confirm: true}).Run()
	if err != nil {
		return fmt.Errorf("role %s: %w", role.GetName(), err)
	}
	return nil
}

func ensureBinding(ctx context.Context, binding reconciliation.RoleBinding, client reconciliation.RoleBindingModifier) error {
	if ctx.Err() != nil {
		return ctx.Err()
	}
	_, err := (&reconciliation.ReconcileRoleBindingOptions{RoleBinding: binding, Client: client, Confirm: true}).Run()
	if err != nil {
		return fmt.Errorf("binding %s: %w", binding.GetName(), err)
	}
	return nil
}

// rulesOf maps the users of Atoll's roles to what they may do.
func rulesOf() map[string][]rbacv1.PolicyRule {
	return map[string][]rbacv1.PolicyRule{
		SchedulerUser:   schedulerRules(),
		ControllersUser: controllersRules(),
	}
}

func ownRoles() []rbacv1.ClusterRole {
	var roles []rbacv1.ClusterRole
	for user, rules := range rulesOf() {
		roles = append(roles, rbacv1.ClusterRole{ObjectMeta: metav1.ObjectMeta{Name: user}, Rules: rules})
	}
	return roles
}

func ownBindings() []rbacv1.ClusterRoleBinding {
	var bindings []rbacv1.ClusterRoleBinding
	for user := range rulesOf() {
		bindings = append(bindings, rbacv1.ClusterRoleBinding{
			ObjectMeta: metav1.ObjectMeta{Name: user},
			RoleRef:    rbacv1.RoleRef{APIGroup: rbacv1.GroupName, Kind: "ClusterRole", Name: user},
			Subjects:   []rbacv1.Subject{{APIGroup: rbacv1.GroupName, Kind: rbacv1.UserKind, Name: user}},
		})
	}
	return bindings
}

var (
	readVerbs  = []string{"get", "list", "watch"}
	writeVerbs = []string{"get", "list", "watch", "create", "update", "patch", "delete", "deletecollection"}
)

func schedulerRules() []rbacv1.PolicyRule {
	return []rbacv1.PolicyRule{
		{APIGroups: []string{"cluster.karmada.io"}, Resources: []string{"clusters"}, Verbs: readVerbs},
		{APIGroups: []string{"policy.karmada.io"}, Resources: []string{"propagationpolicies", "clusterpropagationpolicies"}, Verbs: readVerbs},
		{APIGroups: []string{"scheduling.k8s.io"}, Resources: []string{"priorityclasses"}, Verbs: readVerbs},
		{APIGroups: []string{"work.karmada.io"}, Resources: []string{"resourcebindings", "clusterresourcebindings"}, Verbs: []string{"get", "list", "watch", "update", "patch"}},
		{APIGroups: []string{"work.karmada.io"}, Resources: []string{"resourcebindings/status", "clusterresourcebindings/status"}, Verbs: []string{"update", "patch"}},
		{APIGroups: []string{"scheduling.atoll.dev"}, Resources: []string{"placementreviews"}, Verbs: []string{"get", "list", "watch", "delete"}},
		{APIGroups: []string{"scheduling.atoll.dev"}, Resources: []string{"placementreviews/status"}, Verbs: []string{"update", "patch"}},
		{APIGroups: []string{"work.karmada.io"}, Resources: []string{"resourcebindings/schedule", "clusterresourcebindings/schedule"}, Verbs: []string{"create"}},
		{APIGroups: []string{""}, Resources: []string{"namespaces"}, Verbs: readVerbs},
		{APIGroups: []string{"", "events.k8s.io"}, Resources: []string{"events"}, Verbs: []string{"create", "update", "patch"}},
		{APIGroups: []string{"coordination.k8s.io"}, Resources: []string{"leases"}, Verbs: writeVerbs},
	}
}

// controllersRules cover every resource: templates may be of any kind, namespaces
// are emptied of any kind, and garbage of any kind is collected.
func controllersRules() []rbacv1.PolicyRule {
	return []rbacv1.PolicyRule{
		{APIGroups: []string{rbacv1.APIGroupAll}, Resources: []string{rbacv1.ResourceAll}, Verbs: writeVerbs},
		// Aggregated ClusterRoles are written by the controllers, and certificates are signed by them.
		{APIGroups: []string{rbacv1.GroupName}, Resources: []string{"clusterroles"}, Verbs: []string{"escalate", "bind"}},
		{APIGroups: []string{"certificates.k8s.io"}, Resources: []string{"signers"}, Verbs: []string{"approve", "sign"}},
		{NonResourceURLs: []string{"/healthz", "/readyz", "/livez", "/version", "/api", "/api/*", "/apis", "/apis/*", "/openapi/*"}, Verbs: []string{"get"}},
	}
}
