package nativekinds

import (
	"context"
	"fmt"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	genericregistry "k8s.io/apiserver/pkg/registry/generic/registry"
	"k8s.io/apiserver/pkg/registry/rest"
	"k8s.io/apiserver/pkg/storage"
	storeerr "k8s.io/apiserver/pkg/storage/errors"
	"k8s.io/apiserver/pkg/util/dryrun"

	workv1alpha2 "github.com/karmada-io/karmada/pkg/apis/work/v1alpha2"

	"atoll.dev/atoll/apis/scheduling/decision"
)

// schedule serves resourcebindings/NAME/schedule and its cluster-scoped twin, as
// pods/NAME/binding is served: a POST applies a Decision to the binding in one
// transaction, without the machinery of patches and field ownership. Admission sees
// the Decision, not the binding.
type schedule struct {
	store *genericregistry.Store
	parts func(runtime.Object) (*workv1alpha2.ResourceBindingSpec, *workv1alpha2.ResourceBindingStatus)
}

var (
	_ rest.NamedCreater             = &schedule{}
	_ rest.GroupVersionKindProvider = &schedule{}
)

func (s *schedule) New() runtime.Object { return &decision.Decision{} }

// Destroy does nothing: the store belongs to the main resource.
func (s *schedule) Destroy() {}

// GroupVersionKind is the kind in the request's and the answer's body, whatever version the binding is served in.
func (s *schedule) GroupVersionKind(schema.GroupVersion) schema.GroupVersionKind {
	return decision.SchemeGroupVersion.WithKind("Decision")
}

// Create applies a Decision. The answer's outcome is the binding's metadata after
// it; a Decision that changes nothing writes nothing.
func (s *schedule) Create(ctx context.Context, name string, obj runtime.Object, admit rest.ValidateObjectFunc, options *metav1.CreateOptions) (runtime.Object, error) {
	d, ok := obj.(*decision.Decision)
	if !ok {
		return nil, apierrors.NewBadRequest(fmt.Sprintf("the body is a %T, want a Decision", obj))
	}
	if errs := d.Validate(); len(errs) > 0 {
		return nil, apierrors.NewInvalid(decision.SchemeGroupVersion.WithKind("Decision").GroupKind(), name, errs)
	}
	if admit != nil {
		if err := admit(ctx, d.DeepCopyObject()); err != nil {
			return nil, err
		}
	}
	key, err := s.store.KeyFunc(ctx, name)
	if err != nil {
		return nil, err
	}
	resource := s.store.DefaultQualifiedResource
	out := s.store.NewFunc()
	var basedOn string
	err = s.store.Storage.GuaranteedUpdate(ctx, key, out, false, nil, storage.SimpleUpdate(func(stored runtime.Object) (runtime.Object, error) {
		object, ok := stored.(metav1.Object)
		if !ok {
			return nil, fmt.Errorf("storage of %s returned %T", resource, stored)
		}
		spec, status := s.parts(stored)
		if err := d.Basis.Stale(object, status); err != nil {
			return nil, apierrors.NewConflict(resource, name, err)
		}
		basedOn = object.GetResourceVersion()
		d.Apply(object, spec, status)
		return stored, nil
	}), dryrun.IsDryRun(options.DryRun), nil)
	if err != nil {
		return nil, storeerr.InterpretUpdateError(err, resource, name)
	}
	written := out.(metav1.Object)
	return &decision.Decision{
		Basis:   decision.Basis{UID: written.GetUID(), Generation: d.Basis.Generation},
		Outcome: &decision.Outcome{ResourceVersion: written.GetResourceVersion(), Generation: written.GetGeneration(), BasedOn: basedOn},
	}, nil
}
