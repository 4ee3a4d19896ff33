package karmadaregistry

import (
	"context"
	"reflect"

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

func (s statusStrategy) ValidateUpdate(_ context.Context, obj, old runtime.Object) field.ErrorList {
	errs := s.validateMetaUpdate(obj, old)
	if s.kind.validateStatus != nil {
		errs = append(errs, s.kind.validateStatus(obj)...)
	}
	return errs
}
