package identity

import (
	rbacv1 "k8s.io/api/rbac/v1"

	"atoll.dev/atoll/apis/karmada/wellknown"
)

// writeVerbs are what the writer may do with a kind that is propagated. They name no bind, escalate
// or impersonate and hold no wildcard, since a wildcard would include those.
var writeVerbs = []string{"get", "list", "watch", "create", "update", "patch", "delete", "deletecollection"}

var readVerbs = []string{"get", "list", "watch"}

// WriterBase returns the rules that every writer has from the start: probing the member, finding
// out what it serves, summing up its nodes, pods, quotas and volumes, and reading its own role and the member's identity.
func WriterBase() []rbacv1.PolicyRule {
	return []rbacv1.PolicyRule{
		{Verbs: []string{"get"}, NonResourceURLs: []string{
			"/readyz", "/readyz/*", "/healthz", "/livez", "/version", "/api", "/api/*", "/apis", "/apis/*", "/openapi", "/openapi/*"}},
		{Verbs: readVerbs, APIGroups: []string{""}, Resources: []string{"nodes", "pods", "resourcequotas", "persistentvolumes"}},
		{Verbs: []string{"get"}, APIGroups: []string{""}, Resources: []string{"namespaces"}, ResourceNames: []string{"kube-system"}},
		{Verbs: readVerbs, APIGroups: []string{"apiextensions.k8s.io"}, Resources: []string{"customresourcedefinitions"}},
		{Verbs: readVerbs, APIGroups: []string{"apiregistration.k8s.io"}, Resources: []string{"apiservices"}},
		{Verbs: []string{"get"}, APIGroups: []string{rbacv1.GroupName}, Resources: []string{"clusterroles"}, ResourceNames: []string{WriterRole}},
	}
}

// ClaimerRules returns the rules of the claimer: it manages the ownership object, and the writers'
// service accounts, cluster role and binding. Since it may enlarge the writer's role it is as
// powerful as it chooses to be; it is used for that and for leaving, never to dispatch.
//
// RBAC cannot name the object of a POST, hence the unnamed create rules; what they make is bound
// by the bind and escalate verbs, which name the roles.
func ClaimerRules() []rbacv1.PolicyRule {
	roles := []string{WriterRole, Claimer, Impersonator}
	return []rbacv1.PolicyRule{
		{Verbs: []string{"get", "delete"}, APIGroups: []string{""}, Resources: []string{"namespaces"}, ResourceNames: []string{wellknown.SystemNamespace}},
		{Verbs: []string{"get"}, APIGroups: []string{""}, Resources: []string{"namespaces"}, ResourceNames: []string{"kube-system"}},
		{Verbs: []string{"get", "update", "patch", "delete", "escalate", "bind"}, APIGroups: []string{rbacv1.GroupName}, Resources: []string{"clusterroles"}, ResourceNames: roles},
		{Verbs: []string{"get", "update", "patch", "delete"}, APIGroups: []string{rbacv1.GroupName}, Resources: []string{"clusterrolebindings"}, ResourceNames: roles},
		{Verbs: []string{"create"}, APIGroups: []string{rbacv1.GroupName}, Resources: []string{"clusterroles", "clusterrolebindings"}},
	}
}

// ClaimerNamespaceRules returns what the claimer may do inside wellknown.SystemNamespace only.
func ClaimerNamespaceRules() []rbacv1.PolicyRule {
	return []rbacv1.PolicyRule{
		{Verbs: []string{"get", "list", "watch", "create", "update", "patch", "delete"}, APIGroups: []string{""},
			Resources: []string{"configmaps", "serviceaccounts", "secrets"}},
		{Verbs: []string{"create"}, APIGroups: []string{""}, Resources: []string{"serviceaccounts/token"}},
		{Verbs: []string{"get", "list"}, APIGroups: []string{""}, Resources: []string{"pods"}},
		{Verbs: []string{"get", "delete"}, APIGroups: []string{rbacv1.GroupName}, Resources: []string{"roles", "rolebindings"}, ResourceNames: []string{Claimer}},
	}
}

// ImpersonatorRules returns the rules of the identity that carries users through the cluster proxy:
// what they may do is then decided by the member's own RBAC.
func ImpersonatorRules() []rbacv1.PolicyRule {
	return []rbacv1.PolicyRule{
		{Verbs: []string{"impersonate"}, APIGroups: []string{""}, Resources: []string{"users", "groups", "serviceaccounts"}},
		{Verbs: []string{"impersonate"}, APIGroups: []string{"authentication.k8s.io"}, Resources: []string{"*"}}, // uids and userextras/KEY
	}
}
