package strictjson

import (
	"errors"
	"fmt"
	"reflect"
	"slices"
	"strings"

	kjson "sigs.k8s.io/json"
)

// withKnownFields adds to the error about an unknown field the names that are known in its place below t.
func withKnownFields(err error, t reflect.Type) error {
	var unknown kjson.FieldError
	if !errors.As(err, &unknown) || !strings.HasPrefix(err.Error(), "unknown field") { // the other kind is a duplicate
		return err
	}
	path := strings.Split(unknown.FieldPath(), ".")
	names := fieldNames(t, path[:len(path)-1])
	if len(names) == 0 {
		return err
	}
	return fmt.Errorf("%w (known are %s)", err, strings.Join(names, ", "))
}

// fieldNames lists the names of the fields that the struct at path below t has in a file.
func fieldNames(t reflect.Type, path []string) []string {
	for t.Kind() == reflect.Pointer || t.Kind() == reflect.Slice {
		t = t.Elem()
	}
	if t.Kind() != reflect.Struct {
		return nil
	}
	var names []string
	for i := range t.NumField() {
		name, _, _ := strings.Cut(t.Field(i).Tag.Get("json"), ",")
		if len(path) > 0 && name == withoutIndex(path[0]) {
			return fieldNames(t.Field(i).Type, path[1:])
		}
		names = append(names, name)
	}
	if len(path) > 0 {
		return nil
	}
	slices.Sort(names)
	return names
}

// withoutIndex takes the place in a list off the name of the list: "enabled[0]" is in "enabled".
func withoutIndex(name string) string {
	name, _, _ = strings.Cut(name, "[")
	return name
}
