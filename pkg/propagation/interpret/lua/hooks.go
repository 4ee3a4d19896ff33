package lua

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"slices"

	configv1alpha1 "github.com/karmada-io/karmada/pkg/apis/config/v1alpha1"
	workv1alpha2 "github.com/karmada-io/karmada/pkg/apis/work/v1alpha2"
	glua "github.com/yuin/gopher-lua"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"

	"atoll.dev/atoll/apis/karmada/customization"
	"atoll.dev/atoll/pkg/propagation/interpret"
)

// Hooks returns what customizations of one kind say of it. The first in the order of names counts;
// of dependencies, which several may know, all do. Scripts that cannot be compiled give hooks that
// return an error: what they would have said must not be replaced by what somebody else says.
func (e *Engine) Hooks(customizations []*configv1alpha1.ResourceInterpreterCustomization) interpret.Hooks {
	sorted := slices.Clone(customizations)
	slices.SortFunc(sorted, func(a, b *configv1alpha1.ResourceInterpreterCustomization) int { return cmp.Compare(a.Name, b.Name) })
	var hooks interpret.Hooks
	for _, rule := range customization.Rules() {
		var scripts []*script
		for _, c := range sorted {
			source, _ := rule.Script(&c.Spec.Customizations)
			if source == "" || len(scripts) > 0 && !rule.Many {
				continue
			}
			scripts = append(scripts, e.compile(c.Name, rule, source))
		}
		if len(scripts) > 0 {
			set(&hooks, rule.Operation, scripts)
		}
	}
	return hooks
}

func set(h *interpret.Hooks, operation configv1alpha1.InterpreterOperation, scripts []*script) {
	s := scripts[0]
	switch operation {
	case configv1alpha1.InterpreterOperationInterpretReplica:
		h.Replicas = s.replicas
	case configv1alpha1.InterpreterOperationInterpretComponent:
		h.Components = s.components
	case configv1alpha1.InterpreterOperationReviseReplica:
		h.ReviseReplicas = s.revise
	case configv1alpha1.InterpreterOperationRetain:
		h.Retain = s.retain
	case configv1alpha1.InterpreterOperationInterpretStatus:
		h.ReflectStatus = s.reflectStatus
	case configv1alpha1.InterpreterOperationAggregateStatus:
		h.AggregateStatus = s.aggregateStatus
	case configv1alpha1.InterpreterOperationInterpretHealth:
		h.Healthy = s.healthy
	case configv1alpha1.InterpreterOperationInterpretDependency:
		h.Dependencies = dependencies(scripts)
	}
}

func (s *script) replicas(ctx context.Context, template *unstructured.Unstructured) (replicas int32, requirements *workv1alpha2.ReplicaRequirements, err error) {
	err = s.run(ctx, 2, []any{template.Object}, func(v *vm, out []glua.LValue) error {
		n, ok := out[0].(glua.LNumber)
		if !ok {
			return mustReturn("a number of replicas first", out[0])
		}
		if math.IsNaN(float64(n)) || n < 0 || n > math.MaxInt32 {
			return fmt.Errorf("returns %v replicas, must return a number from 0 to %d", n, math.MaxInt32)
		}
		replicas = int32(n)
		if out[1] == glua.LNil {
			return nil
		}
		requirements = &workv1alpha2.ReplicaRequirements{}
		return v.readInto(out[1], requirements, "requirements or nil second")
	})
	return replicas, requirements, err
}

func (s *script) components(ctx context.Context, template *unstructured.Unstructured) (components []workv1alpha2.Component, err error) {
	err = s.run(ctx, 1, []any{template.Object}, func(v *vm, out []glua.LValue) error {
		if out[0] == glua.LNil || emptyTable(out[0]) {
			return nil
		}
		return v.readInto(out[0], &components, "a list of components")
	})
	return components, err
}

func (s *script) revise(ctx context.Context, manifest *unstructured.Unstructured, replicas int64) (revised *unstructured.Unstructured, err error) {
	err = s.run(ctx, 1, []any{manifest.Object, replicas}, func(v *vm, out []glua.LValue) error {
		revised, err = v.object(out[0], manifest)
		return err
	})
	return revised, err
}

func (s *script) retain(ctx context.Context, desired, observed *unstructured.Unstructured) (retained *unstructured.Unstructured, err error) {
	err = s.run(ctx, 1, []any{desired.Object, observed.Object}, func(v *vm, out []glua.LValue) error {
		retained, err = v.object(out[0], desired, observed)
		return err
	})
	return retained, err
}

func (s *script) reflectStatus(ctx context.Context, observed *unstructured.Unstructured) (status *runtime.RawExtension, err error) {
	err = s.run(ctx, 1, []any{observed.Object}, func(v *vm, out []glua.LValue) error {
		if out[0] == glua.LNil {
			return nil // there is none yet
		}
		if _, ok := out[0].(*glua.LTable); !ok {
			return mustReturn("a status", out[0])
		}
		value, err := v.fromLua(out[0], observed.Object["status"])
		if err != nil {
			return err
		}
		raw, err := json.Marshal(value)
		if err != nil {
			return fmt.Errorf("encoding the status: %w", err)
		}
		status = &runtime.RawExtension{Raw: raw}
		return nil
	})
	return status, err
}

func (s *script) aggregateStatus(ctx context.Context, template *unstructured.Unstructured, items []workv1alpha2.AggregatedStatusItem) (status map[string]any, err error) {
	err = s.run(ctx, 1, []any{template.Object, items}, func(v *vm, out []glua.LValue) error {
		object, err := v.object(out[0], template)
		if err != nil {
			return err
		}
		given, found := object.Object["status"]
		if status, found = given.(map[string]any); !found && given != nil {
			return fmt.Errorf("returns an object whose status is not a map")
		}
		return nil
	})
	return status, err
}

func (s *script) healthy(ctx context.Context, observed *unstructured.Unstructured) (healthy bool, err error) {
	err = s.run(ctx, 1, []any{observed.Object}, func(_ *vm, out []glua.LValue) error {
		answer, ok := out[0].(glua.LBool)
		if !ok {
			return mustReturn("true or false", out[0])
		}
		healthy = bool(answer)
		return nil
	})
	return healthy, err
}

// readInto decodes a table that a script made.
func (v *vm) readInto(value glua.LValue, to any, what string) error {
	if _, ok := value.(*glua.LTable); !ok {
		return mustReturn(what, value)
	}
	plain, err := v.fromLua(value)
	if err != nil {
		return err
	}
	if err := into(plain, to); err != nil {
		return fmt.Errorf("returns %s that cannot be read: %w", what, err)
	}
	return nil
}

// object reads an object that a script made of others.
func (v *vm) object(value glua.LValue, of ...*unstructured.Unstructured) (*unstructured.Unstructured, error) {
	if _, ok := value.(*glua.LTable); !ok {
		return nil, mustReturn("the object", value)
	}
	var references []any
	for _, u := range of {
		references = append(references, u.Object)
	}
	plain, err := v.fromLua(value, references...)
	if err != nil {
		return nil, err
	}
	fields, ok := plain.(map[string]any)
	if !ok {
		return nil, errors.New("returns a list, must return the object")
	}
	return &unstructured.Unstructured{Object: fields}, nil
}

func emptyTable(value glua.LValue) bool {
	t, ok := value.(*glua.LTable)
	if !ok {
		return false
	}
	key, _ := t.Next(glua.LNil)
	return key == glua.LNil
}

func mustReturn(what string, got glua.LValue) error {
	return fmt.Errorf("returns a %s, must return %s", got.Type(), what)
}

func isLimit(err error) bool { return errors.Is(err, ErrLimit) }
