package validation

import (
	"fmt"
	"regexp"
	"slices"

	"github.com/go-openapi/jsonpointer"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	metav1validation "k8s.io/apimachinery/pkg/apis/meta/v1/validation"
	"k8s.io/apimachinery/pkg/util/validation"
	"k8s.io/apimachinery/pkg/util/validation/field"
)

// required refuses an empty string.
func required[T ~string](path *field.Path, value T, remedy string) field.ErrorList {
	if value == "" {
		return field.ErrorList{field.Required(path, remedy)}
	}
	return nil
}

// oneOf refuses a value that is not among the allowed ones. Empty is refused as missing.
func oneOf[T ~string](path *field.Path, value T, allowed ...T) field.ErrorList {
	switch {
	case slices.Contains(allowed, value):
		return nil
	case value == "":
		return field.ErrorList{field.Required(path, "must be one of "+list(allowed))}
	}
	return field.ErrorList{field.NotSupported(path, value, allowed)}
}

// emptyOrOneOf is oneOf for an optional field.
func emptyOrOneOf[T ~string](path *field.Path, value T, allowed ...T) field.ErrorList {
	if value == "" {
		return nil
	}
	return oneOf(path, value, allowed...)
}

func list[T ~string](values []T) string {
	s := ""
	for i, v := range values {
		if i > 0 {
			s += ", "
		}
		s += string(v)
	}
	return s
}

// atMost refuses a string of more bytes than max.
func atMost(path *field.Path, value string, max int) field.ErrorList {
	if len(value) > max {
		return field.ErrorList{field.TooLong(path, "", max)}
	}
	return nil
}

func labelKey(path *field.Path, value string) field.ErrorList {
	return metav1validation.ValidateLabelName(value, path)
}

func labelValue(path *field.Path, value string) field.ErrorList {
	var errs field.ErrorList
	for _, msg := range validation.IsValidLabelValue(value) {
		errs = append(errs, field.Invalid(path, value, msg))
	}
	return errs
}

// pointer refuses what is not a JSON pointer (RFC 6901). The empty pointer is one.
func pointer(path *field.Path, value string) field.ErrorList {
	if _, err := jsonpointer.New(value); err != nil {
		return field.ErrorList{field.Invalid(path, value, "must be a JSON pointer such as /spec/replicas: "+err.Error())}
	}
	return nil
}

// reasonPattern is what a machine-readable reason looks like: CamelCase, as in conditions.
var reasonPattern = regexp.MustCompile(`^[A-Za-z]([A-Za-z0-9_,:]*[A-Za-z0-9_])?$`)

// reason refuses what is not a reason of 1 to max bytes.
func reason(path *field.Path, value string, max int) field.ErrorList {
	if value == "" {
		return field.ErrorList{field.Required(path, "must be a reason in CamelCase")}
	}
	errs := atMost(path, value, max)
	if !reasonPattern.MatchString(value) {
		errs = append(errs, field.Invalid(path, value, "must be a reason in CamelCase, matching "+reasonPattern.String()))
	}
	return errs
}

// conditions checks a list of conditions, as Kubernetes does and the schema of metav1.Condition says.
func conditions(path *field.Path, list []metav1.Condition) field.ErrorList {
	return metav1validation.ValidateConditions(list, path)
}

// notNegative refuses a number of replicas below 0.
func notNegative(path *field.Path, replicas int32) field.ErrorList {
	if replicas < 0 {
		return field.ErrorList{field.Invalid(path, replicas, "must be a number of replicas, at least 0")}
	}
	return nil
}

// within refuses a number outside of [min, max]. Nil is not set.
func within(path *field.Path, value *int32, min, max int32) field.ErrorList {
	if value == nil || (*value >= min && *value <= max) {
		return nil
	}
	return field.ErrorList{field.Invalid(path, *value, fmt.Sprintf("must be between %d and %d", min, max))}
}
