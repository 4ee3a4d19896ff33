package nativekinds

import (
	"context"
	"fmt"
	"reflect"

	apiequality "k8s.io/apimachinery/pkg/api/equality"
	"k8s.io/apimachinery/pkg/api/meta"
	apivalidation "k8s.io/apimachinery/pkg/api/validation"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/util/validation/field"
	"k8s.io/apiserver/pkg/storage/names"
	"sigs.k8s.io/structured-merge-diff/v6/fieldpath"
)

// strategy decides what happens to an object of any of Karmada's kinds before it
// is stored. It keeps status and the rest apart and counts generations as
// Kubernetes does for custom resources, which most of these kinds are in Karmada.
type strategy struct {
	runtime.ObjectTyper
	names.NameGenerator
	kind *kind
	// content are the indices, in the Go type, of the fields that make up the
	// generation: all but type, metadata and, if it is a subresource, status.
	content []int
	// statusField is the index of the status, or -1 without status subresource.
	statusField int
	// list reads all objects of the kind, for validateAmong.
	list func(ctx context.Context) (runtime.Object, error)
}

func newStrategy(typer runtime.ObjectTyper, k *kind) *strategy {
	s := &strategy{ObjectTyper: typer, NameGenerator: names.SimpleNameGenerator, kind: k, statusField: -1}
	goType := reflect.TypeOf(k.newObject()).Elem()
	for i := range goType.NumField() {
		switch name := goType.Field(i).Name; {
		case name == "TypeMeta" || name == "ObjectMeta":
		case name == "Status" && k.status:
			s.statusField = i
		default:
			s.content = append(s.content, i)
		}
	}
	if k.status && s.statusField < 0 {
		panic("kind " + k.plural + " has a status subresource and no field Status")
	}
	return s
}

func (s *strategy) NamespaceScoped() bool          { return s.kind.namespaced }
func (s *strategy) AllowCreateOnUpdate() bool      { return false }
func (s *strategy) AllowUnconditionalUpdate() bool { return s.kind.unconditionalUpdate }
func (s *strategy) Canonicalize(runtime.Object)    {}

// GetResetFields names the fields that the main resource does not own.
func (s *strategy) GetResetFields() map[fieldpath.APIVersion]*fieldpath.Set {
	if !s.kind.status {
		return nil
	}
	return resetFields(s.kind, "status")
}

func resetFields(k *kind, name string) map[fieldpath.APIVersion]*fieldpath.Set {
	sets := make(map[fieldpath.APIVersion]*fieldpath.Set, len(k.versions))
	for _, v := range k.versions {
		sets[fieldpath.APIVersion(k.group+"/"+v.name)] = fieldpath.NewSet(fieldpath.MakePathOrDie(name))
	}
	return sets
}

func (s *strategy) PrepareForCreate(ctx context.Context, obj runtime.Object) {
	if s.statusField >= 0 {
		reflect.ValueOf(obj).Elem().Field(s.statusField).SetZero()
	}
	setGeneration(obj, 1)
	if s.kind.prepareForCreate != nil {
		s.kind.prepareForCreate(ctx, obj)
	}
}

func (s *strategy) PrepareForUpdate(ctx context.Context, obj, old runtime.Object) {
	value, oldValue := reflect.ValueOf(obj).Elem(), reflect.ValueOf(old).Elem()
	if s.statusField >= 0 {
		value.Field(s.statusField).Set(oldValue.Field(s.statusField))
	}
	if s.kind.prepareForUpdate != nil {
		s.kind.prepareForUpdate(ctx, obj, old)
	}
	generation := generationOf(old)
	if s.contentChanged(value, oldValue) {
		generation++
	}
	setGeneration(obj, generation)
}

func (s *strategy) contentChanged(value, oldValue reflect.Value) bool {
	for _, i := range s.content {
		if !apiequality.Semantic.DeepEqual(value.Field(i).Interface(), oldValue.Field(i).Interface()) {
			return true
		}
	}
	return false
}

func (s *strategy) Validate(ctx context.Context, obj runtime.Object) field.ErrorList {
	return append(s.validateMeta(obj), s.validateContent(ctx, obj)...)
}

// ValidateUpdate checks an update. What was stored before is not checked again if
// only metadata changes: a rule that came later must not keep finalizers in place.
func (s *strategy) ValidateUpdate(ctx context.Context, obj, old runtime.Object) field.ErrorList {
	errs := s.validateMetaUpdate(obj, old)
	if generationOf(obj) != generationOf(old) {
		errs = append(errs, s.validateContent(ctx, obj)...)
	}
	if s.kind.validateUpdate != nil {
		errs = append(errs, s.kind.validateUpdate(obj, old)...)
	}
	return errs
}

func (s *strategy) validateContent(ctx context.Context, obj runtime.Object) field.ErrorList {
	var errs field.ErrorList
	if s.kind.validate != nil {
		errs = s.kind.validate(obj)
	}
	if s.kind.validateAmong == nil || s.list == nil {
		return errs
	}
	all, err := s.list(ctx)
	if err != nil {
		return append(errs, field.InternalError(field.NewPath("spec"), fmt.Errorf("listing %s to compare with: %w", s.kind.plural, err)))
	}
	return append(errs, s.kind.validateAmong(obj, all)...)
}

func (s *strategy) validateMeta(obj runtime.Object) field.ErrorList {
	accessor, err := meta.Accessor(obj)
	if err != nil {
		return field.ErrorList{field.InternalError(field.NewPath("metadata"), err)}
	}
	return apivalidation.ValidateObjectMetaAccessor(accessor, s.kind.namespaced, apivalidation.NameIsDNSSubdomain, field.NewPath("metadata"))
}

func (s *strategy) validateMetaUpdate(obj, old runtime.Object) field.ErrorList {
	accessor, err := meta.Accessor(obj)
	if err != nil {
		return field.ErrorList{field.InternalError(field.NewPath("metadata"), err)}
	}
	oldAccessor, err := meta.Accessor(old)
	if err != nil {
		return field.ErrorList{field.InternalError(field.NewPath("metadata"), err)}
	}
	return apivalidation.ValidateObjectMetaAccessorUpdate(accessor, oldAccessor, field.NewPath("metadata"))
}

// WarningsOnCreate tells what has no effect in the object, or that nothing acts on its kind.
func (s *strategy) WarningsOnCreate(_ context.Context, obj runtime.Object) []string {
	warnings := s.warnings(obj)
	if s.kind.unsupported != "" {
		warnings = append(warnings, s.kind.unsupported)
	}
	return warnings
}

// WarningsOnUpdate tells what has no effect in the object.
func (s *strategy) WarningsOnUpdate(_ context.Context, obj, old runtime.Object) []string {
	if generationOf(obj) == generationOf(old) {
		return nil
	}
	return s.warnings(obj)
}

func (s *strategy) warnings(obj runtime.Object) []string {
	if s.kind.warnings == nil {
		return nil
	}
	return s.kind.warnings(obj)
}

func generationOf(obj runtime.Object) int64 {
	accessor, err := meta.Accessor(obj)
	if err != nil {
		return 0
	}
	return accessor.GetGeneration()
}

func setGeneration(obj runtime.Object, generation int64) {
	if accessor, err := meta.Accessor(obj); err == nil {
		accessor.SetGeneration(generation)
	}
}
