package lua

import (
	"context"
	"slices"
	"strings"

	configv1alpha1 "github.com/karmada-io/karmada/pkg/apis/config/v1alpha1"
	glua "github.com/yuin/gopher-lua"
	"k8s.io/apimachinery/pkg/api/equality"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"atoll.dev/atoll/pkg/propagation/interpret"
)

// dependencies asks several scripts and returns what they name together, each once, sorted.
func dependencies(scripts []*script) func(context.Context, *unstructured.Unstructured) ([]configv1alpha1.DependentObjectReference, error) {
	return func(ctx context.Context, template *unstructured.Unstructured) ([]configv1alpha1.DependentObjectReference, error) {
		var all []configv1alpha1.DependentObjectReference
		for _, s := range scripts {
			err := s.run(ctx, 1, []any{template.Object}, func(v *vm, out []glua.LValue) error {
				if emptyTable(out[0]) {
					return nil
				}
				var found []configv1alpha1.DependentObjectReference
				if err := v.readInto(out[0], &found, "a list of dependencies"); err != nil {
					return err
				}
				all = append(all, found...)
				return interpret.CheckDependencies(found)
			})
			if err != nil {
				return nil, err
			}
		}
		slices.SortStableFunc(all, func(a, b configv1alpha1.DependentObjectReference) int {
			return strings.Compare(sortKey(a), sortKey(b))
		})
		return slices.CompactFunc(all, func(a, b configv1alpha1.DependentObjectReference) bool { return equality.Semantic.DeepEqual(a, b) }), nil
	}
}

func sortKey(d configv1alpha1.DependentObjectReference) string {
	return strings.Join([]string{d.APIVersion, d.Kind, d.Namespace, d.Name, d.LabelSelector.String()}, "\x00")
}
