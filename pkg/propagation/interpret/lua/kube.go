package lua

import (
	"encoding/json"
	"fmt"
	"math"

	glua "github.com/yuin/gopher-lua"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"

	"atoll.dev/atoll/pkg/propagation/interpret/native"
)

// kubeLibrary is what scripts require to reckon with quantities and pods; the functions are Karmada's.
const kubeLibrary = "kube"

func (v *vm) kube() *glua.LTable {
	return v.state.SetFuncs(v.state.NewTable(), map[string]glua.LGFunction{
		"resourceAdd": resourceAdd, "getResourceQuantity": resourceQuantity,
		"accuratePodRequirements": v.podRequirements, "getPodDependencies": v.podDependencies,
	})
}

// resourceAdd returns the sum of quantities; nil counts as none.
func resourceAdd(l *glua.LState) int {
	var sum resource.Quantity
	for i := 1; i <= l.GetTop(); i++ {
		sum.Add(quantity(l, i))
	}
	l.Push(glua.LString(sum.String()))
	return 1
}

// resourceQuantity returns a quantity as a number.
func resourceQuantity(l *glua.LState) int {
	q := quantity(l, 1)
	n := q.AsApproximateFloat64()
	if n < 0 || math.IsInf(n, 1) {
		l.ArgError(1, fmt.Sprintf("quantity %q must be positive and finite", q.String()))
	}
	l.Push(glua.LNumber(n))
	return 1
}

func quantity(l *glua.LState, i int) resource.Quantity {
	switch arg := l.Get(i).(type) {
	case *glua.LNilType:
		return resource.Quantity{}
	case glua.LString:
		if len(arg) > 64 {
			l.ArgError(i, "is too long for a quantity")
		}
		q, err := resource.ParseQuantity(string(arg))
		if err != nil {
			l.ArgError(i, fmt.Sprintf("%q is not a quantity", string(arg)))
		}
		return q
	default:
		l.TypeError(i, glua.LTString)
		return resource.Quantity{}
	}
}

// podRequirements returns what a pod of a template needs: nodeClaim and resourceRequest, or nil.
func (v *vm) podRequirements(l *glua.LState) int {
	template := v.podTemplate(l)
	requirements := native.PodRequirements(&template.Spec)
	if requirements == nil {
		l.Push(glua.LNil)
		return 1
	}
	v.push(l, requirements)
	return 1
}

// podDependencies returns what a pod of a template refers to in a namespace.
func (v *vm) podDependencies(l *glua.LState) int {
	template := v.podTemplate(l)
	v.push(l, native.PodDependencies(l.OptString(2, "default"), &template.Spec))
	return 1
}

func (v *vm) podTemplate(l *glua.LState) *corev1.PodTemplateSpec {
	value, err := v.fromLua(l.CheckTable(1))
	template := &corev1.PodTemplateSpec{}
	if err == nil {
		err = into(value, template)
	}
	if err != nil {
		l.RaiseError("reading the pod template: %s", err.Error())
	}
	return template
}

func (v *vm) push(l *glua.LState, value any) {
	converted, err := v.toLua(value)
	if err != nil {
		l.RaiseError("%s", err.Error())
	}
	l.Push(converted)
}

// into decodes an unstructured value.
func into(value, to any) error {
	raw, err := json.Marshal(value)
	if err != nil {
		return fmt.Errorf("encoding: %w", err)
	}
	return json.Unmarshal(raw, to)
}
