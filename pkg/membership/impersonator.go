package membership

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"strings"

	clusterv1alpha1 "github.com/karmada-io/karmada/pkg/apis/cluster/v1alpha1"
	workv1alpha1 "github.com/karmada-io/karmada/pkg/apis/work/v1alpha1"
	workv1alpha2 "github.com/karmada-io/karmada/pkg/apis/work/v1alpha2"
	corev1 "k8s.io/api/core/v1"
	rbacv1 "k8s.io/api/rbac/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"atoll.dev/atoll/apis/karmada/wellknown"
	"atoll.dev/atoll/pkg/membership/identity"
)

// karmadactlImpersonator is the service account that karmadactl's join makes in a member to carry
// the users of the cluster proxy, without rights: the control plane is to give it these. It is also
// what Karmada calls the role and the binding that do so.
const karmadactlImpersonator = "karmada-impersonator"

// ensureImpersonatorRights sends a member that karmadactl joined the role that its impersonator lacks,
// as Works. They go, and the role with them, when the execution namespace goes. Members that our own
// join took in have it already.
func (c *clusterController) ensureImpersonatorRights(ctx context.Context, cluster *clusterv1alpha1.Cluster) error {
	ref := cluster.Spec.ImpersonatorSecretRef
	if ref == nil || cluster.Spec.SyncMode != clusterv1alpha1.Push {
		return nil
	}
	namespace := wellknown.ExecutionNamespace(cluster.Name)
	role := rbacv1.SchemeGroupVersion.WithKind("ClusterRole")
	roleName := wellknown.WorkName(role.Kind, karmadactlImpersonator, "")
	bindingName := wellknown.WorkName("ClusterRoleBinding", karmadactlImpersonator, "")
	err := c.client.Get(ctx, client.ObjectKey{Namespace: namespace, Name: bindingName}, &workv1alpha1.Work{}, client.UnsafeDisableDeepCopy)
	if !apierrors.IsNotFound(err) {
		return err // the binding's Work comes last
	}
	secret := &corev1.Secret{}
	err = c.secrets.Get(ctx, client.ObjectKey{Namespace: ref.Namespace, Name: ref.Name}, secret)
	if apierrors.IsNotFound(err) {
		return nil // the proxy says so to whoever uses it
	}
	if err != nil {
		return fmt.Errorf("reading Secret %s/%s: %w", ref.Namespace, ref.Name, err)
	}
	account, ok := serviceAccountOf(secret.Data[clusterv1alpha1.SecretTokenKey])
	if !ok || account.Name != karmadactlImpersonator {
		return nil
	}
	rules := &rbacv1.ClusterRole{Rules: identity.ImpersonatorRules()}
	if err := c.createWork(ctx, namespace, roleName, rules, &rules.TypeMeta, &rules.ObjectMeta, role.Kind); err != nil {
		return err
	}
	bound := &rbacv1.ClusterRoleBinding{
		Subjects: []rbacv1.Subject{account},
		RoleRef:  rbacv1.RoleRef{APIGroup: role.Group, Kind: role.Kind, Name: karmadactlImpersonator},
	}
	return c.createWork(ctx, namespace, bindingName, bound, &bound.TypeMeta, &bound.ObjectMeta, "ClusterRoleBinding")
}

// createWork creates the Work of one RBAC object named karmadactlImpersonator, whose metadata it completes.
func (c *clusterController) createWork(ctx context.Context, namespace, name string, obj any, kind *metav1.TypeMeta, meta *metav1.ObjectMeta, kindName string) error {
	*kind = metav1.TypeMeta{APIVersion: rbacv1.SchemeGroupVersion.String(), Kind: kindName}
	meta.Name = karmadactlImpersonator
	meta.Labels = map[string]string{wellknown.SystemLabel: wellknown.LabelValueTrue, wellknown.ManagedLabel: wellknown.LabelValueTrue}
	meta.Annotations = map[string]string{workv1alpha2.WorkNamespaceAnnotation: namespace, workv1alpha2.WorkNameAnnotation: name}
	raw, err := json.Marshal(obj)
	if err != nil {
		return fmt.Errorf("encoding %s %s: %w", kindName, meta.Name, err)
	}
	work := &workv1alpha1.Work{
		ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: name, Finalizers: []string{wellknown.ExecutionControllerFinalizer}},
		Spec:       workv1alpha1.WorkSpec{Workload: workv1alpha1.WorkloadTemplate{Manifests: []workv1alpha1.Manifest{{RawExtension: runtime.RawExtension{Raw: raw}}}}},
	}
	if err := c.client.Create(ctx, work); err != nil && !apierrors.IsAlreadyExists(err) {
		return fmt.Errorf("creating Work %s/%s: %w", namespace, name, err)
	}
	return nil
}

// serviceAccountOf returns whose token it is, without verifying it: the member does that.
func serviceAccountOf(token []byte) (rbacv1.Subject, bool) {
	parts := strings.Split(strings.TrimSpace(string(token)), ".")
	if len(parts) != 3 {
		return rbacv1.Subject{}, false
	}
	payload, err := base64.RawURLEncoding.DecodeString(parts[1])
	if err != nil {
		return rbacv1.Subject{}, false
	}
	var claims struct {
		Subject string `json:"sub"`
	}
	if err := json.Unmarshal(payload, &claims); err != nil {
		return rbacv1.Subject{}, false
	}
	name := strings.Split(claims.Subject, ":") // system:serviceaccount:NAMESPACE:NAME
	if len(name) != 4 || name[0] != "system" || name[1] != "serviceaccount" {
		return rbacv1.Subject{}, false
	}
	return rbacv1.Subject{Kind: rbacv1.ServiceAccountKind, Namespace: name[2], Name: name[3]}, true
}
