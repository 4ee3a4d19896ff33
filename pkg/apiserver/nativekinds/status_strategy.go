package nativekinds

import (
	"context"
	"reflect"

	apiequality "k8s.io/apimachinery/pkg/api/equality"
	"k8s.io/apimachinery/pkg/api/meta"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/util/validation/field"
	"sigs.k8s.io/structured-merge-diff/v6/fieldpath"
)

// statusStrategy is the strategy of the status subresource: of what a client
// sends, only the status and the field ownership are taken.
type statusStrategy struct{ *strategy }

// GetResetFields names the fields that the status subresource does not own.
func (s statusStrategy) GetResetFields() map[fieldpath.APIVersion]*fieldpath.Set {
	return resetFields(s.kind, "spec")
}

func (s statusStrategy) PrepareForUpdate(ctx context.Context, obj, old runtime.Object) {
	if s.kind.prepareForStatusUpdate != nil {
		s.kind.prepareForStatusUpdate(ctx, obj, old)
	}
	value := reflect.ValueOf(obj).Elem()
	status := reflect.New(value.Field(s.statusField).Type()).Elem()
	status.Set(value.Field(s.statusField))
	accessor, err := meta.Accessor(obj)
	if err != nil {
		return // not an API object: validation refuses it
	}
	// The writer's resourceVersion was compared before; ownership was computed for this write.
	managedFields := accessor.GetManagedFields()
	value.Set(reflect.ValueOf(old.DeepCopyObject()).Elem())
	accessor.SetManagedFields(managedFields)
	value.Field(s.statusField).Set(status)
}

// ValidateUpdate checks the status if it changes.
func (s statusStrategy) ValidateUpdate(_ context.Context, obj, old runtime.Object) field.ErrorList {
	errs := s.validateMetaUpdate(obj, old)
	status, oldStatus := reflect.ValueOf(obj).Elem().Field(s.statusField), reflect.ValueOf(old).Elem().Field(s.statusField)
	if s.kind.validateStatus != nil && !apiequality.Semantic.DeepEqual(status.Interface(), oldStatus.Interface()) {
		errs = append(errs, s.kind.validateStatus(obj)...)
	}
	return errs
}

// WarningsOnUpdate is empty: a status is written by controllers, and warns nobody.
func (s statusStrategy) WarningsOnUpdate(context.Context, runtime.Object, runtime.Object) []string {
	return nil
}
