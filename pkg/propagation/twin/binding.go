package twin

import (
	"context"
	"fmt"

	workv1alpha2 "github.com/karmada-io/karmada/pkg/apis/work/v1alpha2"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"atoll.dev/atoll/apis/karmada/wellknown"
)

// Binding is a ResourceBinding or a ClusterResourceBinding.
type Binding struct {
	client.Object
	Spec   *workv1alpha2.ResourceBindingSpec
	Status *workv1alpha2.ResourceBindingStatus
}

// NewBinding returns an empty binding: a ClusterResourceBinding if namespace is empty.
func NewBinding(namespace string) Binding {
	if namespace == "" {
		return BindingOf(&workv1alpha2.ClusterResourceBinding{})
	}
	return BindingOf(&workv1alpha2.ResourceBinding{})
}

// BindingOf wraps one of the twins; it panics on any other object, which would be a programming error.
func BindingOf(obj client.Object) Binding {
	switch b := obj.(type) {
	case *workv1alpha2.ResourceBinding:
		return Binding{Object: b, Spec: &b.Spec, Status: &b.Status}
	case *workv1alpha2.ClusterResourceBinding:
		return Binding{Object: b, Spec: &b.Spec, Status: &b.Status}
	}
	panic(fmt.Sprintf("%T is no binding", obj))
}

// GetBinding reads a binding. It is shared with the reader's cache and must not be changed, see Copy.
func GetBinding(ctx context.Context, r client.Reader, key types.NamespacedName) (Binding, error) {
	b := NewBinding(key.Namespace)
	return b, r.Get(ctx, key, b.Object, client.UnsafeDisableDeepCopy)
}

// EachBinding calls f with every binding of both scopes. They are shared with the reader's cache and must not be changed.
func EachBinding(ctx context.Context, r client.Reader, f func(Binding)) error {
	var namespaced workv1alpha2.ResourceBindingList
	if err := r.List(ctx, &namespaced, client.UnsafeDisableDeepCopy); err != nil {
		return fmt.Errorf("listing bindings: %w", err)
	}
	var clusterWide workv1alpha2.ClusterResourceBindingList
	if err := r.List(ctx, &clusterWide, client.UnsafeDisableDeepCopy); err != nil {
		return fmt.Errorf("listing cluster bindings: %w", err)
	}
	for i := range namespaced.Items {
		f(BindingOf(&namespaced.Items[i]))
	}
	for i := range clusterWide.Items {
		f(BindingOf(&clusterWide.Items[i]))
	}
	return nil
}

// Copy returns a binding that may be changed.
func (b Binding) Copy() Binding { return BindingOf(b.DeepCopyObject().(client.Object)) }

// Key names the binding.
func (b Binding) Key() types.NamespacedName { return client.ObjectKeyFromObject(b.Object) }

// Kind of the twin.
func (b Binding) Kind() string {
	if b.clusterScoped() {
		return workv1alpha2.ResourceKindClusterResourceBinding
	}
	return workv1alpha2.ResourceKindResourceBinding
}

// Finalizer that keeps the binding until its Works are gone.
func (b Binding) Finalizer() string {
	if b.clusterScoped() {
		return wellknown.ClusterResourceBindingControllerFinalizer
	}
	return wellknown.BindingControllerFinalizer
}

// PermanentIDLabel is the key of the label that identifies the binding, on itself and on its Works.
func (b Binding) PermanentIDLabel() string {
	if b.clusterScoped() {
		return workv1alpha2.ClusterResourceBindingPermanentIDLabel
	}
	return workv1alpha2.ResourceBindingPermanentIDLabel
}

// PermanentID identifies the binding; empty until the API server or the matcher has given it one.
func (b Binding) PermanentID() string { return b.GetLabels()[b.PermanentIDLabel()] }

// String names the binding as Karmada's messages do: Kind(namespace/name).
func (b Binding) String() string {
	if b.clusterScoped() {
		return fmt.Sprintf("%s(%s)", b.Kind(), b.GetName())
	}
	return fmt.Sprintf("%s(%s/%s)", b.Kind(), b.GetNamespace(), b.GetName())
}

// BackReference returns the annotations by which Works and dispatched objects name their binding.
func (b Binding) BackReference() map[string]string {
	if b.clusterScoped() {
		return map[string]string{workv1alpha2.ClusterResourceBindingAnnotationKey: b.GetName()}
	}
	return map[string]string{
		workv1alpha2.ResourceBindingNamespaceAnnotationKey: b.GetNamespace(),
		workv1alpha2.ResourceBindingNameAnnotationKey:      b.GetName(),
	}
}

// BindingOfWork returns the key of the binding that a Work with these annotations was made for,
// and false if it was made for none.
func BindingOfWork(annotations map[string]string) (types.NamespacedName, bool) {
	if name := annotations[workv1alpha2.ResourceBindingNameAnnotationKey]; name != "" {
		return types.NamespacedName{Namespace: annotations[workv1alpha2.ResourceBindingNamespaceAnnotationKey], Name: name}, true
	}
	name := annotations[workv1alpha2.ClusterResourceBindingAnnotationKey]
	return types.NamespacedName{Name: name}, name != ""
}

func (b Binding) clusterScoped() bool {
	_, ok := b.Object.(*workv1alpha2.ClusterResourceBinding)
	return ok
}
