package apiserver

import (
	"context"
	"fmt"
	"time"

	corev1 "k8s.io/api/core/v1"
	rbacv1 "k8s.io/api/rbac/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/uuid"
	"k8s.io/apimachinery/pkg/util/wait"
	genericapiserver "k8s.io/apiserver/pkg/server"
	"k8s.io/client-go/kubernetes"
	"k8s.io/component-helpers/auth/rbac/reconciliation"
	"k8s.io/klog/v2"

	"atoll.dev/atoll/apis/karmada/wellknown"
)

// systemNamespaces exist on every Atoll besides Kubernetes' own.
var systemNamespaces = []string{wellknown.SystemNamespace, wellknown.ClusterNamespace, wellknown.KarmadaSystemNamespace}

// bootstrapRetry is how long the bootstrap waits before it tries again what failed.
const bootstrapRetry = 50 * time.Millisecond

// addBootstrap makes the server write, once it serves, what the other roles and the
// CLI rely on: the identity of the control plane and the rights of its roles.
// The server is not ready before that.
func addBootstrap(s *genericapiserver.GenericAPIServer) error {
	return s.AddPostStartHook("atoll-bootstrap", func(hook genericapiserver.PostStartHookContext) error {
		client, err := kubernetes.NewForConfig(hook.LoopbackClientConfig)
		if err != nil {
			return fmt.Errorf("creating the bootstrap client: %w", err)
		}
		var last error
		err = wait.PollUntilContextTimeout(hook, bootstrapRetry, time.Minute, true, func(ctx context.Context) (bool, error) {
			if last = bootstrap(ctx, client); last != nil {
				klog.FromContext(ctx).V(2).Info("Bootstrap is tried again", "err", last)
			}
			return last == nil, nil
		})
		if err != nil {
			return fmt.Errorf("writing the control plane's identity and roles: %w", last)
		}
		return nil
	})
}

func bootstrap(ctx context.Context, client kubernetes.Interface) error {
	if err := ensurePlaneIdentity(ctx, client); err != nil {
		return err
	}
	return ensureRoles(ctx, client)
}

// ensurePlaneIdentity writes ConfigMap atoll-system/plane if it is not there. Several
// API servers may try at once; the first one wins and nobody overwrites it.
func ensurePlaneIdentity(ctx context.Context, client kubernetes.Interface) error {
	maps := client.CoreV1().ConfigMaps(wellknown.SystemNamespace)
	_, err := maps.Get(ctx, wellknown.PlaneConfigMap, metav1.GetOptions{})
	if !apierrors.IsNotFound(err) {
		return err
	}
	for _, namespace := range append([]string{metav1.NamespaceSystem}, systemNamespaces...) {
		_, err := client.CoreV1().Namespaces().Create(ctx, &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: namespace}}, metav1.CreateOptions{})
		if err != nil && !apierrors.IsAlreadyExists(err) {
			return fmt.Errorf("creating namespace %s: %w", namespace, err)
		}
	}
	system, err := client.CoreV1().Namespaces().Get(ctx, metav1.NamespaceSystem, metav1.GetOptions{})
	if err != nil {
		return fmt.Errorf("reading namespace %s: %w", metav1.NamespaceSystem, err)
	}
	_, err = maps.Create(ctx, &corev1.ConfigMap{
		ObjectMeta: metav1.ObjectMeta{Name: wellknown.PlaneConfigMap, Namespace: wellknown.SystemNamespace},
		Data: map[string]string{
			wellknown.PlaneUIDKey:     string(system.UID),
			wellknown.PlaneEpochKey:   "1",
			wellknown.PlaneClaimIDKey: string(uuid.NewUUID()),
		},
	}, metav1.CreateOptions{})
	if apierrors.IsAlreadyExists(err) {
		return nil
	}
	return err
}

// ensureRoles lets the scheduler and the controllers do their work, adding what is
// missing and taking nothing away that an administrator has added.
func ensureRoles(ctx context.Context, client kubernetes.Interface) error {
	rules := map[string][]rbacv1.PolicyRule{
		SchedulerUser:   schedulerRules(),
		ControllersUser: controllersRules(),
	}
	for user, rules := range rules {
		role := &rbacv1.ClusterRole{ObjectMeta: metav1.ObjectMeta{Name: user}, Rules: rules}
		if _, err := (&reconciliation.ReconcileRoleOptions{
			Role:    reconciliation.ClusterRoleRuleOwner{ClusterRole: role},
			Client:  reconciliation.ClusterRoleModifier{Client: client.RbacV1().ClusterRoles()},
			Confirm: true,
		}).Run(); err != nil {
			return fmt.Errorf("ClusterRole %s: %w", user, err)
		}
		binding := &rbacv1.ClusterRoleBinding{
			ObjectMeta: metav1.ObjectMeta{Name: user},
			RoleRef:    rbacv1.RoleRef{APIGroup: rbacv1.GroupName, Kind: "ClusterRole", Name: user},
			Subjects:   []rbacv1.Subject{{APIGroup: rbacv1.GroupName, Kind: rbacv1.UserKind, Name: user}},
		}
		if _, err := (&reconciliation.ReconcileRoleBindingOptions{
			RoleBinding: reconciliation.ClusterRoleBindingAdapter{ClusterRoleBinding: binding},
			Client:      reconciliation.ClusterRoleBindingClientAdapter{Client: client.RbacV1().ClusterRoleBindings()},
			Confirm:     true,
		}).Run(); err != nil {
			return fmt.Errorf("ClusterRoleBinding %s: %w", user, err)
		}
	}
	return nil
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
