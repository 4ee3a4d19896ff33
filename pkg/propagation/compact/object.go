package compact

import (
	"bytes"
	"encoding/hex"
	"fmt"
	"hash/fnv"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	utiljson "k8s.io/apimachinery/pkg/util/json"
	"k8s.io/client-go/tools/cache"
)

// Object is one API object. It is immutable: it is shared between a cache and all its readers.
type Object struct {
	metav1.TypeMeta
	// ObjectMeta is without managed fields, see Managers.
	metav1.ObjectMeta
	// Managers are the owners of the object's fields without the fields, if the transform kept them.
	Managers []Manager

	// spec is the object as JSON with sorted keys, without its status and without what the server
	// counts: resourceVersion, generation, managed fields.
	spec []byte
	// status is the status as JSON; nil if there is none.
	status []byte
}

// Manager is one entry of an object's managed fields.
type Manager struct {
	Name        string
	Operation   metav1.ManagedFieldsOperationType
	Subresource string
}

var (
	_ runtime.Object = &Object{}
	_ metav1.Object  = &Object{}
)

// FromUnstructured compacts an object. It takes u apart: the caller must not use it afterwards.
func FromUnstructured(u *unstructured.Unstructured) (*Object, error) {
	o := &Object{TypeMeta: metav1.TypeMeta{APIVersion: u.GetAPIVersion(), Kind: u.GetKind()}}
	o.ObjectMeta = metav1.ObjectMeta{
		Name: u.GetName(), Namespace: u.GetNamespace(), UID: u.GetUID(),
		ResourceVersion: u.GetResourceVersion(), Generation: u.GetGeneration(),
		CreationTimestamp: u.GetCreationTimestamp(), DeletionTimestamp: u.GetDeletionTimestamp(),
		Labels: u.GetLabels(), Annotations: u.GetAnnotations(),
		OwnerReferences: u.GetOwnerReferences(), Finalizers: u.GetFinalizers(),
	}
	if status, ok := u.Object["status"]; ok {
		var err error
		if o.status, err = utiljson.Marshal(status); err != nil {
			return nil, fmt.Errorf("encoding the status of %s %s/%s: %w", o.Kind, o.Namespace, o.Name, err)
		}
		delete(u.Object, "status")
	}
	if metadata, ok := u.Object["metadata"].(map[string]any); ok {
		delete(metadata, "managedFields")
		delete(metadata, "resourceVersion")
		delete(metadata, "generation")
	}
	var err error
	if o.spec, err = utiljson.Marshal(u.Object); err != nil {
		return nil, fmt.Errorf("encoding %s %s/%s: %w", o.Kind, o.Namespace, o.Name, err)
	}
	return o, nil
}

// Unstructured decodes the object into a map that belongs to the caller.
func (o *Object) Unstructured() (*unstructured.Unstructured, error) {
	u, err := o.Specification()
	if err != nil {
		return nil, err
	}
	if o.status != nil {
		var status any
		if err := utiljson.Unmarshal(o.status, &status); err != nil {
			return nil, fmt.Errorf("decoding the status of %s %s/%s: %w", o.Kind, o.Namespace, o.Name, err)
		}
		u.Object["status"] = status
	}
	return u, nil
}

// Specification decodes the object without its status into a map that belongs to the caller.
func (o *Object) Specification() (*unstructured.Unstructured, error) {
	u := &unstructured.Unstructured{}
	if err := utiljson.Unmarshal(o.spec, &u.Object); err != nil {
		return nil, fmt.Errorf("decoding %s %s/%s: %w", o.Kind, o.Namespace, o.Name, err)
	}
	if o.ResourceVersion != "" {
		u.SetResourceVersion(o.ResourceVersion)
	}
	if o.Generation != 0 {
		u.SetGeneration(o.Generation)
	}
	return u, nil
}

// StatusJSON returns the status as JSON, nil if there is none. The bytes must not be changed.
func (o *Object) StatusJSON() []byte { return o.status }

// SameSpecification tells whether nothing but status and the server's bookkeeping differs.
func (o *Object) SameSpecification(other *Object) bool { return bytes.Equal(o.spec, other.spec) }

// SpecificationHash identifies all that a user may have written into the object, metadata included.
func (o *Object) SpecificationHash() string {
	h := fnv.New64a()
	h.Write(o.spec) // never fails, see hash.Hash
	return hex.EncodeToString(h.Sum(nil))
}

// GroupVersionKind returns the object's kind.
func (o *Object) GroupVersionKind() schema.GroupVersionKind {
	return schema.FromAPIVersionAndKind(o.APIVersion, o.Kind)
}

// GetObjectKind implements runtime.Object.
func (o *Object) GetObjectKind() schema.ObjectKind { return &o.TypeMeta }

// DeepCopyObject implements runtime.Object. An Object is immutable, so it is its own copy.
func (o *Object) DeepCopyObject() runtime.Object { return o }

// Transform returns the function by which informers of unstructured objects store Objects.
// keep chooses the managers that are kept, none if nil.
func Transform(keep func(Manager) bool) cache.TransformFunc {
	return func(in any) (any, error) {
		u, ok := in.(*unstructured.Unstructured)
		if !ok {
			return in, nil // compacted already, or the tombstone of such a one
		}
		var managers []Manager
		if keep != nil {
			for _, entry := range u.GetManagedFields() {
				m := Manager{Name: entry.Manager, Operation: entry.Operation, Subresource: entry.Subresource}
				if keep(m) {
					managers = append(managers, m)
				}
			}
		}
		o, err := FromUnstructured(u)
		if err != nil {
			return nil, err
		}
		o.Managers = managers
		return o, nil
	}
}
