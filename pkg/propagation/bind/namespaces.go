package bind

import (
	"context"
	"fmt"
	"strings"

	clusterv1alpha1 "github.com/karmada-io/karmada/pkg/apis/cluster/v1alpha1"
	policyv1alpha1 "github.com/karmada-io/karmada/pkg/apis/policy/v1alpha1"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/types"
	utilerrors "k8s.io/apimachinery/pkg/util/errors"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"atoll.dev/atoll/apis/karmada/wellknown"
	"atoll.dev/atoll/pkg/propagation/settle"
	"atoll.dev/atoll/pkg/propagation/twin"
)

// reconcileNamespace sends a namespace to every member, so that templates in it find their place.
// Namespaces of the control plane itself and those that the user exempted stay here; one that a
// policy claims goes where the policy says. (Karmada: pkg/controllers/namespace.)
func (b *Binder) reconcileNamespace(ctx context.Context, name string) (settle.Outcome, error) {
	if name == metav1.NamespaceDefault || b.opts.Skip.Namespace(name) {
		return settle.Outcome{}, nil
	}
	var namespace corev1.Namespace
	err := b.opts.Client.Get(ctx, types.NamespacedName{Name: name}, &namespace, client.UnsafeDisableDeepCopy)
	if apierrors.IsNotFound(err) {
		return settle.Outcome{}, nil
	}
	if err != nil {
		return settle.Outcome{}, fmt.Errorf("reading namespace %s: %w", name, err)
	}
	if !namespace.DeletionTimestamp.IsZero() ||
		strings.EqualFold(namespace.Labels[policyv1alpha1.NamespaceSkipAutoPropagationLabel], wellknown.LabelValueTrue) ||
		namespace.Labels[wellknown.SystemLabel] == wellknown.LabelValueTrue ||
		twin.ClaimOn(namespace.Labels, namespace.Annotations) != (twin.Claim{}) {
		return settle.Outcome{}, nil
	}
	content, err := runtime.DefaultUnstructuredConverter.ToUnstructured(&namespace)
	if err != nil {
		return settle.Outcome{}, fmt.Errorf("encoding namespace %s: %w", name, err)
	}
	base := &unstructured.Unstructured{Object: content}
	gvk := corev1.SchemeGroupVersion.WithKind("Namespace")
	base.SetGroupVersionKind(gvk)
	origin(base, b.planeUID)

	template := &corev1.ObjectReference{APIVersion: base.GetAPIVersion(), Kind: gvk.Kind, Name: name, UID: namespace.UID}
	var clusters clusterv1alpha1.ClusterList
	if err := b.opts.Client.List(ctx, &clusters, client.UnsafeDisableDeepCopy); err != nil {
		return settle.Outcome{}, fmt.Errorf("listing clusters: %w", err)
	}
	var errs []error
	for i := range clusters.Items {
		cluster := &clusters.Items[i]
		if !cluster.DeletionTimestamp.IsZero() {
			continue
		}
		overridden, err := b.override(template, base.DeepCopy(), cluster.Name)
		if err != nil {
			errs = append(errs, fmt.Errorf("overriding namespace %s for cluster %s: %w", name, cluster.Name, err))
			continue
		}
		wrote, err := b.write(ctx, wanted{
			name: wellknown.WorkName(gvk.Kind, name, ""), namespace: wellknown.ExecutionNamespace(cluster.Name),
			annotations: overridden.Annotations, manifest: overridden.Manifest,
			owners: []metav1.OwnerReference{*metav1.NewControllerRef(&namespace, gvk)},
		})
		if err != nil {
			errs = append(errs, fmt.Errorf("sending namespace %s to cluster %s: %w", name, cluster.Name, err))
		}
		if wrote {
			b.overridden(template, overridden.Policies, cluster.Name)
		}
	}
	return settle.Outcome{}, utilerrors.NewAggregate(errs)
}
