package validation

import (
	"slices"
	"strings"
	"testing"

	"k8s.io/apimachinery/pkg/util/validation/field"
)

// expect compares errors with wants of the form "field: part of the message", in any order.
func expect(t *testing.T, errs field.ErrorList, wants ...string) {
	t.Helper()
	left := slices.Clone(errs)
	for _, want := range wants {
		path, message, _ := strings.Cut(want, ": ")
		i := slices.IndexFunc(left, func(err *field.Error) bool { return err.Field == path && strings.Contains(err.Error(), message) })
		if i < 0 {
			t.Errorf("no error %q in %v", want, errs)
			continue
		}
		left = slices.Delete(left, i, i+1)
	}
	if len(left) > 0 {
		t.Errorf("unwanted: %v", left)
	}
}
