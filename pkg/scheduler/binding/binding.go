package binding

import (
	"fmt"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"

	workv1alpha2 "github.com/karmada-io/karmada/pkg/apis/work/v1alpha2"
)

// Key names a binding: a ClusterResourceBinding if it has no namespace.
type Key types.NamespacedName

// String returns namespace/name, or the name alone.
func (k Key) String() string {
	if k.Namespace == "" {
		return k.Name
	}
	return k.Namespace + "/" + k.Name
}

// Binding is a view of a ResourceBinding or ClusterResourceBinding. Spec and Status
// point into Object; all of it is read-only.
type Binding struct {
	Object client.Object
	Spec   *workv1alpha2.ResourceBindingSpec
	Status *workv1alpha2.ResourceBindingStatus
}

// Of returns the view of an object. It panics if the object is not a binding, which only a programmer can cause.
func Of(object client.Object) *Binding {
	switch o := object.(type) {
	case *workv1alpha2.ResourceBinding:
		return &Binding{o, &o.Spec, &o.Status}
	case *workv1alpha2.ClusterResourceBinding:
		return &Binding{o, &o.Spec, &o.Status}
	default:
		panic(fmt.Sprintf("%T is not a binding", object))
	}
}

// New returns an empty binding of the kind that the key names, with the key's name, to decode into.
func New(key Key) *Binding {
	meta := metav1.ObjectMeta{Namespace: key.Namespace, Name: key.Name}
	if key.Namespace == "" {
		return Of(&workv1alpha2.ClusterResourceBinding{ObjectMeta: meta})
	}
	return Of(&workv1alpha2.ResourceBinding{ObjectMeta: meta})
}

// ShallowCopy returns a binding whose fields can be set without changing this one;
// what these fields point to is still shared and read-only.
func (b *Binding) ShallowCopy() *Binding {
	switch o := b.Object.(type) {
	case *workv1alpha2.ResourceBinding:
		c := *o
		return Of(&c)
	case *workv1alpha2.ClusterResourceBinding:
		c := *o
		return Of(&c)
	default:
		panic(fmt.Sprintf("%T is not a binding", o))
	}
}

// KeyOf returns the key of a binding's object.
func KeyOf(object client.Object) Key {
	return Key{Namespace: object.GetNamespace(), Name: object.GetName()}
}

// Template refers to the object that the binding places.
func (b *Binding) Template() *corev1.ObjectReference {
	r := b.Spec.Resource
	return &corev1.ObjectReference{APIVersion: r.APIVersion, Kind: r.Kind, Namespace: r.Namespace, Name: r.Name, UID: r.UID}
}
